package kfake

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
)

// abort has somebody else write a few records to a partition, in a transaction that is aborted after a while. Arg chooses
// the partition and how many records there are. Nobody may ever see them: they have no payload.
func (e *service) abort(step fault.Step, w env.World) ([]history.Op, error) {
	long, err := time.ParseDuration(step.Target)
	if err != nil {
		return nil, fmt.Errorf("how long the transaction is open: %w", err)
	}
	all := e.cluster.PartitionInfos(w.Stream)
	part := all[step.Arg%len(all)].Partition
	e.mu.Lock()
	e.strangers++
	id := fmt.Sprint("stranger-", e.strangers)
	e.mu.Unlock()
	e.strange.Go(func() { e.writeAndAbort(id, w.Stream, part, 1+step.Arg/2, long) })
	return []history.Op{{Type: history.Note, F: history.Fault, Err: string(fault.Abort)}}, nil
}

// strangerIn bounds what a stranger does, and strangerTx its transaction.
const (
	strangerIn = 5 * time.Second
	strangerTx = 2 * time.Second
)

// writeAndAbort leaves nothing undecided: whoever comes under the same transactional id has the brokers abort what is open.
func (e *service) writeAndAbort(id, topic string, partition int32, records int, open time.Duration) {
	_ = e.transact(id, func(ctx context.Context, client *kgo.Client) error { // what is left of it the next ends
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		for i := range records {
			client.Produce(ctx, &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Append(nil, i)}, nil)
		}
		if err := client.Flush(ctx); err != nil {
			return err
		}
		sleep(ctx, open)
		return client.EndTransaction(ctx, kgo.TryAbort)
	})
	for tries := 0; tries < 3; tries++ {
		if e.transact(id, func(ctx context.Context, client *kgo.Client) error {
			_, _, err := client.ProducerID(ctx)
			return err
		}) == nil {
			return
		}
	}
}

// transact works with a client of its own that has a transactional id.
func (e *service) transact(id string, work func(context.Context, *kgo.Client) error) error {
	client, err := e.stranger(
		kgo.TransactionalID(id), kgo.TransactionTimeout(strangerTx), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(10*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(e.closing, strangerIn)
	defer cancel()
	return work(ctx, client)
}

// sleep waits, but not beyond the context's end.
func sleep(ctx context.Context, long time.Duration) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
