package stream_test

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// Two streams in one group, each with a handler of its own: a map does it.
func ExampleHandler_twoStreams() {
	ctx := context.Background()
	b := open("orders", "payments")
	fill(b, "orders", "a=order 1")
	fill(b, "payments", "a=payment 1")

	print := func(_ context.Context, r *stream.Record) error {
		_, err := fmt.Printf("%s: %s\n", r.Stream, r.Value)
		return err
	}
	handlers := map[string]stream.Handler{"orders": stream.Each(print), "payments": stream.ByKey(8, print)}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "g", Streams: []string{"orders", "payments"}, End: stream.Latest(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
		h, ok := handlers[p.Stream]
		if !ok {
			return fmt.Errorf("no handler for %s", p.Stream)
		}
		return h(ctx, p)
	})
	fmt.Println("run:", err)
	// Unordered output:
	// orders: order 1
	// payments: payment 1
	// run: <nil>
}
