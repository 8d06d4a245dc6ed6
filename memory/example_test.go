package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// A producer, a consumer with two records handled, and a look at what the group has checkpointed.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b, err := memory.Open(ctx, memory.Config{Streams: []stream.StreamConfig{{Name: "orders", Partitions: 1}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = b.Close() }()
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = p.Send(ctx,
		&stream.Record{Stream: "orders", Key: []byte("ann"), Value: []byte("tea")},
		&stream.Record{Stream: "orders", Key: []byte("bob"), Value: []byte("rye")})
	if err != nil {
		fmt.Println(err)
		return
	}
	granted := make(chan struct{}, 1)
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "kitchen", Streams: []string{"orders"},
		Observe: func(e stream.Event) {
			if e.Kind == stream.EventGranted {
				granted <- struct{}{}
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 1)
	go func() {
		ended <- c.Run(ctx, stream.Each(func(_ context.Context, r *stream.Record) error {
			fmt.Printf("%s wants %s\n", r.Key, r.Value)
			return nil
		}))
	}()
	<-granted // before, there is nothing to settle
	if err := b.Settle(ctx); err != nil {
		fmt.Println(err)
	}
	last := b.Records("orders")[1].Position
	fmt.Println("all done:", b.Checkpoint("kitchen", "orders", b.Partitions("orders")[0]).Position == last)
	cancel()
	fmt.Println("ended:", <-ended)
	// Output:
	// ann wants tea
	// bob wants rye
	// all done: true
	// ended: <nil>
}

// A fault script: the record is stored, but its producer never learns of it.
func ExampleScript() {
	ctx := context.Background()
	script := &memory.Script{}
	script.ApplyThen(memory.OpAppend, 1, memory.Outcome{Err: errors.New("the cable was cut")})
	b, err := memory.Open(ctx, memory.Config{Script: script, Streams: []stream.StreamConfig{{Name: "orders"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = b.Close() }()
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = p.Send(ctx, &stream.Record{Stream: "orders", Key: []byte("ann"), Value: []byte("tea")})
	fmt.Println("unknown:", errors.Is(err, stream.ErrUnknownOutcome))
	fmt.Println("stored:", len(b.Records("orders")))
	fmt.Println("unfired:", script.Unfired())
	// Output:
	// unknown: true
	// stored: 1
	// unfired: <nil>
}

// Settle names the handler that is stuck.
func ExampleBackend_Settle() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b, err := memory.Open(ctx, memory.Config{Profile: memory.Kafka, Streams: []stream.StreamConfig{{Name: "orders", Partitions: 1}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = b.Close() }()
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.Send(ctx, &stream.Record{Stream: "orders", Value: []byte("tea")}); err != nil {
		fmt.Println(err)
	}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "kitchen", Member: "cook", Streams: []string{"orders"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended, started := make(chan error, 1), make(chan struct{})
	go func() {
		ended <- c.Run(ctx, func(ctx context.Context, _ *stream.Partition) error {
			close(started)
			<-ctx.Done() // asleep on the job
			return nil
		})
	}()
	<-started
	soon, done := context.WithTimeout(ctx, 20*time.Millisecond)
	defer done()
	fmt.Println(b.Settle(soon))
	_ = b.Abandon("kitchen", "cook") // it would use up its grace
	cancel()
	<-ended
	// Output:
	// settle: context deadline exceeded: the handler of orders/0 in member "cook" of group "kitchen" is at work: 1 records are not checkpointed, the checkpoint is at 0
}
