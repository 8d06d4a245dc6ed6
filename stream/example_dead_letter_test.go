package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// Up to 64 keys at a time; a record that fails for good goes to a dead-letter stream, and its key goes on.
func ExampleByKey() {
	ctx := context.Background()
	b := open("orders", "orders.dead")
	fill(b, "orders", "ada=ok", "bob=poison", "bob=ok", "cleo=ok")

	out, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "g", Streams: []string{"orders"}, End: stream.Latest()})
	if err != nil {
		fmt.Println(err)
		return
	}
	var handled atomic.Int32
	policy := stream.DeadLetter(out, "orders.dead")
	policy.Attempts = 2
	err = c.Run(ctx, stream.ByKey(64, func(ctx context.Context, r *stream.Record) error {
		if string(r.Value) == "poison" {
			return errors.New("cannot be handled")
		}
		handled.Add(1)
		return nil
	}, policy))
	fmt.Println("run:", err)
	fmt.Println("handled:", handled.Load())

	dead := b.Records("orders.dead")
	for _, h := range dead[0].Headers {
		fmt.Printf("%s: %s\n", h.Key, h.Value)
	}
	// Output:
	// run: <nil>
	// handled: 3
	// streamport.dead.group: g
	// streamport.dead.stream: orders
	// streamport.dead.partition: 0
	// streamport.dead.position: 2
	// streamport.dead.attempts: 2
	// streamport.dead.error: *errors.errorString
}
