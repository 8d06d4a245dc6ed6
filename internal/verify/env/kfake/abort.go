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
	e.work.Go(func() { e.writeAndAbort(id, w.Stream, part, 1+step.Arg/2, long) })
	return []history.Op{{Type: history.Note, F: history.Fault, Err: string(fault.Abort)}}, nil
}

// strangerIn bounds what brokers may refuse to the end; the brokers abort by themselves after strangerTx.
const (
	strangerIn = 5 * time.Second
	strangerTx = 2 * time.Second
)

// writeAndAbort does the best that it can: the brokers abort what it does not.
func (e *service) writeAndAbort(id, topic string, partition int32, records int, open time.Duration) {
	client, err := e.stranger(
		kgo.TransactionalID(id), kgo.TransactionTimeout(strangerTx), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(10*time.Millisecond),
	)
	if err != nil {
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(e.closing, strangerIn)
	defer cancel()
	if client.BeginTransaction() != nil {
		return
	}
	for i := range records {
		client.Produce(ctx, &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Append(nil, i)}, nil)
	}
	_ = client.Flush(ctx) // what is not written need not be aborted
	sleep(ctx, open)
	_ = client.EndTransaction(ctx, kgo.TryAbort)
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
