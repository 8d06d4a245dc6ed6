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
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for minute := range 6 {
		at := noon.Add(time.Duration(minute) * time.Minute)
		rec := &stream.Record{Stream: "quakes", Key: []byte("us"), Value: []byte(at.Format("15:04")), Time: at}
		if err := p.Send(ctx, rec); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("replay:", replay(ctx, b, noon.Add(2*time.Minute), noon.Add(4*time.Minute)))
	// Output:
	// 12:02
	// 12:03
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
