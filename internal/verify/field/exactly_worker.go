package field

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// What matters for a worker to come through faults quickly.
const (
	workerSession   = 6 * time.Second
	workerHeartbeat = time.Second
	workerTx        = 20 * time.Second
	workerBatch     = 50
	workerWait      = 50 * time.Millisecond
)

// The ways of doing it wrong: each must be found.
const (
	offsetsFirst = "offsets-first" // the checkpoint is made before the transaction: a kill between them loses outputs
	offsetsLast  = "offsets-last"  // it is made after the transaction: a kill between them doubles outputs
)

// workerConfig is what every process of a run opens.
func workerConfig(brokers []string, sharing kafka.Assignment, name string) kafka.Config {
	return kafka.Config{
		Brokers: brokers, ClientID: "field-" + name, Assignment: sharing,
		Session: workerSession, Heartbeat: workerHeartbeat, Rebalance: 10 * time.Second, TxTimeout: workerTx,
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// successor is the order of the worker that takes a dead one's place, under its name: it fences what may be left of it.
func (o order) successor() order {
	if o.Moves {
		o.Client = o.Client.Other()
	}
	return o
}

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
		t := transformer{out: out, mutant: o.Mutant}
		err = in.Run(ctx, t.transform)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, out.Close(closing))
}

// A transformer makes one output of each input, together with the checkpoint.
type transformer struct {
	out    stream.Producer
	mutant string
}

func (t transformer) transform(ctx context.Context, p *stream.Partition) error {
	for batch, err := range p.Batches(ctx, workerBatch, workerWait) {
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			continue
		}
		err := t.commit(ctx, p, batch)
		if err != nil && !errors.Is(err, stream.ErrUnknownOutcome) && !errors.Is(err, stream.ErrLost) && ctx.Err() == nil {
			err = t.commit(ctx, p, batch) // nothing of the first is visible
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit processes a batch, and tells what became of the transaction.
func (t transformer) commit(ctx context.Context, p *stream.Partition, batch []stream.Record) error {
	last := &batch[len(batch)-1]
	if t.mutant == offsetsFirst {
		if err := p.Checkpoint(ctx, last); err != nil {
			return err
		}
	}
	err := t.out.Transact(ctx, func(tx stream.Tx) error {
		if err := tx.Send(ctx, outputsOf(batch)...); err != nil || t.mutant != "" {
			return err
		}
		return tx.Checkpoint(p, last)
	})
	if err == nil && t.mutant == offsetsLast {
		err = p.Checkpoint(ctx, last)
	}
	_, _ = os.Stdout.Write([]byte{ending(err)}) // whoever counts is gone otherwise, and so will be this process
	return err
}

// outputsOf are what is made of the inputs: each names the input's partition, position and number.
func outputsOf(batch []stream.Record) []*stream.Record {
	made := make([]*stream.Record, len(batch))
	for i := range batch {
		in := &batch[i]
		made[i] = &stream.Record{Stream: outputs, Key: in.Key, Value: fmt.Appendf(nil, "%s %v %s", in.Partition, in.Position, in.Value)}
	}
	return made
}

// ending is what a transaction's error means, as a byte of the tally.
func ending(err error) byte {
	switch {
	case err == nil:
		return committed
	case errors.Is(err, stream.ErrUnknownOutcome):
		return unknown
	case errors.Is(err, stream.ErrLost):
		return refused
	}
	return aborted
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
