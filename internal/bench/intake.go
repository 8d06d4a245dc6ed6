package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// An intake counts stored records until all have come, whoever receives them. Add may be called from many goroutines.
type intake struct {
	total, sum int64 // of the records, and of their digests
	count      atomic.Int64
	digests    atomic.Int64
	done       chan struct{} // closed when all have come
}

func newIntake(total int, sum uint64) *intake {
	return &intake{total: int64(total), sum: int64(sum), done: make(chan struct{})}
}

// add counts so many records more, whose digests have the sum.
func (a *intake) add(n int, sum uint64) {
	a.digests.Add(int64(sum))
	if a.count.Add(int64(n)) == a.total {
		close(a.done)
	}
}

// wait returns when all have come, or failed tells why not.
func (a *intake) wait(ctx context.Context, failed <-chan error) error {
	limit := time.NewTimer(meterTime)
	defer limit.Stop()
	select {
	case <-a.done:
		return a.check()
	case err := <-failed:
		return errors.Join(err, a.check())
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return fmt.Errorf("%d of %d records have come within %v", a.count.Load(), a.total, meterTime)
	}
}

// check reports whether exactly what was stored has come.
func (a *intake) check() error {
	if a.count.Load() != a.total || a.digests.Load() != a.sum {
		return errors.New("the consumer did not receive what was stored")
	}
	return nil
}

// handleBatches passes on whole batches.
func (a *intake) handleBatches(ctx context.Context, p *stream.Partition) error {
	for recs, err := range p.Batches(ctx, 0, 0) {
		if err != nil {
			return err
		}
		var sum uint64
		for i := range recs {
			sum += digest(recs[i].Value)
		}
		a.add(len(recs), sum)
	}
	return nil
}

// handleRecords passes on one record after the other.
func (a *intake) handleRecords(ctx context.Context, p *stream.Partition) error {
	for rec, err := range p.Records(ctx) {
		if err != nil {
			return err
		}
		a.add(1, digest(rec.Value))
	}
	return nil
}
