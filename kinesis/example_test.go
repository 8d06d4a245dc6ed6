package kinesis_test

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// A program's own configuration on the simulator: what Open would refuse is refused, and what the configuration gives up is
// given up there too.
func ExampleSimulate() {
	ctx := context.Background()
	config := kinesis.Config{Region: "eu-west-1", Aggregation: kinesis.SameKey, Tags: true}
	b, err := kinesis.Simulate(config, 1) // in production: kinesis.Open(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = b.Close() }()
	if err := count(ctx, b); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ada pays 1
	// ada pays 2
}

// count sends and reads on whatever backend it gets.
func count(ctx context.Context, b stream.Backend) error {
	if err := stream.EnsureStream(ctx, b, stream.StreamConfig{Name: "payments", Partitions: 2}); err != nil {
		return err
	}
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Streams: []string{"payments"}, Require: stream.Requirements{KeyOrder: stream.Emulated},
	})
	if err != nil {
		return err
	}
	for _, amount := range []string{"1", "2"} {
		if err := p.Send(ctx, &stream.Record{Stream: "payments", Key: []byte("ada"), Value: []byte(amount)}); err != nil {
			return err
		}
	}
	if err := p.Close(ctx); err != nil {
		return err
	}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "ledger", Streams: []string{"payments"}, End: stream.Latest(),
	})
	if err != nil {
		return err
	}
	return c.Run(ctx, stream.Each(func(_ context.Context, r *stream.Record) error {
		fmt.Printf("%s pays %s\n", r.Key, r.Value)
		return nil
	}))
}
