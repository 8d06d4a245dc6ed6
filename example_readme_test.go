package streamport_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

// The page of code in README.md is made of these; a test compares them.

func Example() {
	ctx := context.Background()
	b, err := streamport.Open(ctx, "memory:?profile=kafka&streams=orders:4")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	fmt.Println("produce:", produce(ctx, b))
	fmt.Println("consume:", consume(ctx, b))
	// Output:
	// produce: <nil>
	// ada: 1 book
	// ada: 3 mugs
	// consume: <nil>
}

func produce(ctx context.Context, b stream.Backend) error {
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Streams: []string{"orders"},
		Require: stream.Requirements{KeyOrder: stream.Emulated, MaxRecordBytes: 256 << 10},
	})
	if err != nil {
		return err // names every requirement that the stream does not meet, why, and the way out
	}
	for _, goods := range []string{"1 book", "3 mugs"} {
		rec := &stream.Record{Stream: "orders", Key: []byte("ada"), Value: []byte(goods)}
		p.SendAsync(ctx, rec, nil) // a failure sticks: Flush and Close return it
	}
	return p.Close(ctx)
}

func consume(ctx context.Context, b stream.Backend) error {
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group:   "shipping",
		Streams: []string{"orders"},
		End:     stream.Latest(), // without it Run goes on until ctx ends
	})
	if err != nil {
		return err
	}
	return c.Run(ctx, stream.Each(func(ctx context.Context, r *stream.Record) error {
		_, err := fmt.Printf("%s: %s\n", r.Key, r.Value)
		return err
	}))
}

// handle has the whole life of a hold in one function: what is before the loop, in it, and after it.
func handle(ctx context.Context, p *stream.Partition) error {
	total := 0 // state per partition is a local variable
	for rec, err := range p.Records(ctx) {
		if err != nil {
			return err // ErrLost: somebody else has the partition, and our checkpoints are refused
		}
		total += len(rec.Value)
		if err := p.Checkpoint(ctx, rec); err != nil {
			return err
		}
	}
	fmt.Println(p.Name, "is given back after", total, "bytes") // asked back, ended, or the service stops
	return nil
}

func transform(ctx context.Context, p *stream.Partition, out stream.Producer) error {
	for batch, err := range p.Batches(ctx, 1000, 100*time.Millisecond) {
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			continue
		}
		err = out.Transact(ctx, func(tx stream.Tx) error {
			for i := range batch {
				invoice := &stream.Record{Stream: "invoices", Key: batch[i].Key, Value: batch[i].Value}
				if err := tx.Send(ctx, invoice); err != nil {
					return err
				}
			}
			return tx.Checkpoint(p, &batch[len(batch)-1])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func ExampleOpen_requirements() {
	ctx := context.Background()
	b, err := streamport.Open(ctx, "memory:?profile=kinesis&streams=orders:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	_, err = stream.NewProducer(ctx, b, stream.ProducerConfig{
		Streams: []string{"orders"},
		Require: stream.Requirements{Transactions: stream.Native},
	})
	fmt.Println(errors.Is(err, stream.ErrUnsupported))
	// Output: true
}

func ExampleOpen_handler() {
	ctx := context.Background()
	b, err := streamport.Open(ctx, "memory:?profile=kafka&streams=orders:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	if err := produce(ctx, b); err != nil {
		fmt.Println(err)
	}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "sizes", Streams: []string{"orders"}, End: stream.Latest()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Run(ctx, handle))
	// Output:
	// 0 is given back after 12 bytes
	// <nil>
}

func ExampleOpen_transactions() {
	ctx := context.Background()
	b, err := streamport.Open(ctx, "memory:?profile=kafka&streams=orders:4,invoices:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	if err := produce(ctx, b); err != nil {
		fmt.Println(err)
		return
	}
	out, err := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Streams: []string{"invoices"}, Require: stream.Requirements{Transactions: stream.Native},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer out.Close(ctx)
	in, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "billing", Streams: []string{"orders"}, End: stream.Latest(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("transform:", in.Run(ctx, func(ctx context.Context, p *stream.Partition) error { return transform(ctx, p, out) }))
	invoices, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Streams: []string{"invoices"}, End: stream.Latest()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("read:", invoices.Run(ctx, stream.Each(func(ctx context.Context, r *stream.Record) error {
		_, err := fmt.Printf("%s: %s\n", r.Key, r.Value)
		return err
	})))
	// Output:
	// transform: <nil>
	// ada: 1 book
	// ada: 3 mugs
	// read: <nil>
}
