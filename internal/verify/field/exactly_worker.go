package field

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// What matters for a worker to come through faults quickly.
const (
	workerSession = 6 * time.Second
	workerTx      = 20 * time.Second
	workerBatch   = 250
	workerWait    = 50 * time.Millisecond
)

// workerConfig is what every process of a run opens.
func workerConfig(brokers []string, sharing kafka.Assignment, name string) kafka.Config {
	return kafka.Config{
		Brokers: brokers, ClientID: "field-" + name, Assignment: sharing,
		Session: workerSession, Rebalance: 10 * time.Second, TxTimeout: workerTx,
	}
}

// successor is the order of the worker that takes a dead one's place, under its name: it fences what may be left of it.
func (o order) successor() order { return o }

// workExactly makes outputs of inputs until ctx ends, whatever fails.
func workExactly(ctx context.Context, o order) error {
	for ctx.Err() == nil {
		if err := processOnce(ctx, o); err != nil && ctx.Err() == nil {
			fmt.Fprintf(os.Stderr, "worker %s.%d: %v\n", o.Name, o.Life, err)
			sleep(ctx, 200*time.Millisecond)
		}
	}
	return nil
}

// processOnce is one life of a consumer with its producer.
func processOnce(ctx context.Context, o order) error {
	b, err := kafka.Open(ctx, workerConfig(o.Brokers, kafka.Assignment(o.Sharing), o.Name))
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	out, err := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Member: o.Name, Streams: []string{outputs}, Require: stream.Requirements{Transactions: stream.Native},
	})
	if err != nil {
		return err
	}
	in, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: group, Member: fmt.Sprintf("%s.%d", o.Name, o.Life), Streams: []string{inputs}, Grace: 5 * time.Second,
	})
	if err == nil {
		err = in.Run(ctx, func(ctx context.Context, p *stream.Partition) error { return transform(ctx, p, out) })
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, out.Close(closing))
}

// transform makes one output of each input, together with the checkpoint.
func transform(ctx context.Context, p *stream.Partition, out stream.Producer) error {
	for batch, err := range p.Batches(ctx, workerBatch, workerWait) {
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			continue
		}
		err := commit(ctx, p, out, batch)
		if err != nil && !errors.Is(err, stream.ErrUnknownOutcome) && !errors.Is(err, stream.ErrLost) && ctx.Err() == nil {
			err = commit(ctx, p, out, batch) // nothing of the first is visible
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func commit(ctx context.Context, p *stream.Partition, out stream.Producer, batch []stream.Record) error {
	made := make([]*stream.Record, len(batch))
	for i := range batch {
		in := &batch[i]
		made[i] = &stream.Record{Stream: outputs, Key: in.Key, Value: fmt.Appendf(nil, "%s %v %s", in.Partition, in.Position, in.Value)}
	}
	return out.Transact(ctx, func(tx stream.Tx) error {
		if err := tx.Send(ctx, made...); err != nil {
			return err
		}
		return tx.Checkpoint(p, &batch[len(batch)-1])
	})
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
