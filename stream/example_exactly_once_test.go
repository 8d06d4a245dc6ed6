package stream_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Consume, transform, produce: the output records and the checkpoint become visible together, or never.
func ExampleProducer_transact() {
	ctx := context.Background()
	b := open("in", "out")
	fill(b, "in", "a=one", "b=two", "a=three")

	out, err := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Streams: []string{"out"}, Member: "upper-1", Require: stream.Requirements{Transactions: stream.Native},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "upper", Streams: []string{"in"}, End: stream.Latest()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("run:", c.Run(ctx, upper(out)))
	fmt.Println("out:", values(b, "out"))
	fmt.Println("close:", out.Close(ctx))
	// Output:
	// run: <nil>
	// out: ONE TWO THREE
	// close: <nil>
}

func upper(out stream.Producer) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for recs, err := range p.Batches(ctx, 500, 100*time.Millisecond) {
			if err != nil {
				return err
			}
			if len(recs) == 0 {
				continue
			}
			if err := out.Transact(ctx, func(tx stream.Tx) error {
				for i := range recs {
					value := []byte(strings.ToUpper(string(recs[i].Value)))
					if err := tx.Send(ctx, &stream.Record{Stream: "out", Key: recs[i].Key, Value: value}); err != nil {
						return err
					}
				}
				return tx.Checkpoint(p, &recs[len(recs)-1])
			}); err != nil {
				return err
			}
		}
		return nil
	}
}
