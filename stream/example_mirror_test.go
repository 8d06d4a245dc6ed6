package stream_test

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// A mirror of one backend into another: records are done when the other side has stored them, in any order; the checkpoint
// is the contiguous prefix.
func ExamplePartition_Done() {
	ctx := context.Background()
	from, to := open("orders"), open("copy")
	fill(from, "orders", "a=1", "b=2", "c=3")

	dst, err := stream.NewProducer(ctx, to, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := stream.NewConsumer(ctx, from, stream.ConsumerConfig{Group: "mirror", Streams: []string{"orders"}, End: stream.Latest()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("run:", c.Run(ctx, mirror(dst)))
	fmt.Println("copy:", values(to, "copy"))
	fmt.Println("close:", dst.Close(ctx))
	// Output:
	// run: <nil>
	// copy: 1 2 3
	// close: <nil>
}

func mirror(dst stream.Producer) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			out := *rec
			out.Stream = "copy"
			dst.SendAsync(ctx, &out, func(_ stream.Ack, err error) {
				if err != nil {
					cancel(err)
					return
				}
				p.Done(rec)
			})
		}
		if err := dst.Flush(ctx); err != nil {
			return err
		}
		return context.Cause(ctx)
	}
}
