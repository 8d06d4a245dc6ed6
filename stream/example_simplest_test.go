package stream_test

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// The simplest consumer: one function for one record. It checkpoints by itself, tries a record that fails five times,
// and stops when ctx ends; here it stops at what is the end of the stream when it opens.
func ExampleEach() {
	ctx := context.Background()
	b := open("orders")
	fill(b, "orders", "ada=1 book", "bob=2 pens", "ada=3 mugs")

	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "printer", Streams: []string{"orders"}, End: stream.Latest(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Run(ctx, stream.Each(func(ctx context.Context, r *stream.Record) error {
		_, err := fmt.Printf("%s orders %s\n", r.Key, r.Value)
		return err
	}))
	fmt.Println("run:", err)
	// Output:
	// ada orders 1 book
	// bob orders 2 pens
	// ada orders 3 mugs
	// run: <nil>
}
