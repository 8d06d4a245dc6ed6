package stream_test

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// What one partition got between two times, read without a group: nobody else is disturbed, nothing is checkpointed.
func ExampleSince() {
	ctx := context.Background()
	b := open("quakes")
	begin := time.Now().Add(-time.Hour).Truncate(time.Minute)
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for minute := range 6 {
		at := begin.Add(time.Duration(minute) * time.Minute)
		rec := &stream.Record{Stream: "quakes", Key: []byte("us"), Value: fmt.Appendf(nil, "minute %d", minute), Time: at}
		if err := p.Send(ctx, rec); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("replay:", replay(ctx, b, begin.Add(2*time.Minute), begin.Add(4*time.Minute)))
	// Output:
	// minute 2
	// minute 3
	// replay: <nil>
}

func replay(ctx context.Context, b stream.Backend, from, to time.Time) error {
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Streams: []string{"quakes"}, Partitions: []string{"0"}, Start: stream.Since(from), End: stream.Since(to),
	})
	if err != nil {
		return err
	}
	return c.Run(ctx, stream.Each(func(_ context.Context, r *stream.Record) error {
		_, err := fmt.Println(string(r.Value))
		return err
	}))
}
