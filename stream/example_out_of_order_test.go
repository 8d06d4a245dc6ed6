package stream_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// Work that completes in any order, 64 records at a time. The first failure ends the loop; what is not done comes again.
func ExamplePartition_Done_outOfOrder() {
	ctx := context.Background()
	b := open("orders")
	fill(b, "orders", "a=1", "b=2", "c=3", "d=4")

	var sum atomic.Int64
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "g", Streams: []string{"orders"}, End: stream.Latest()})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Run(ctx, outOfOrder(func(_ context.Context, r *stream.Record) error {
		sum.Add(int64(r.Value[0] - '0'))
		return nil
	}))
	fmt.Println(sum.Load(), err)
	// Output: 10 <nil>
}

func outOfOrder(work func(context.Context, *stream.Record) error) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var wg sync.WaitGroup
		defer wg.Wait()
		sem := make(chan struct{}, 64)
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			sem <- struct{}{}
			wg.Go(func() {
				defer func() { <-sem }()
				if err := work(ctx, rec); err != nil {
					cancel(err)
					return
				}
				p.Done(rec)
			})
		}
		wg.Wait()
		return context.Cause(ctx)
	}
}
