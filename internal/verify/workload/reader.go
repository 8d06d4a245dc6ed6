package workload

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// read reads everything that stands in a stream, by a reader without a group.
func (r *run) read(ctx context.Context, name string) ([]history.Op, error) {
	ctx, cancel := context.WithTimeout(ctx, finishIn)
	defer cancel()
	var mu sync.Mutex
	read := map[string][]history.Op{} // by partition
	for tries := 0; ; tries++ {
		c, err := stream.NewConsumer(ctx, r.env.Backend(), stream.ConsumerConfig{
			Member: fmt.Sprint("reader-", tries), Streams: []string{name}, End: stream.Latest(), Expired: stream.ExpiredOldest, Grace: grace,
		})
		if err == nil {
			clear(read)
			err = c.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
				var ops []history.Op
				for rec, err := range p.Records(ctx) {
					if err != nil {
						return err
					}
					ops = append(ops, r.op(history.Stored, rec))
				}
				mu.Lock()
				defer mu.Unlock()
				read[p.Name] = append(read[p.Name], ops...)
				return nil
			})
		}
		if err == nil && ctx.Err() == nil {
			var all []history.Op
			for _, part := range slices.Sorted(maps.Keys(read)) {
				all = append(all, read[part]...)
			}
			return all, nil
		}
		if ctx.Err() != nil || tries == 20 {
			return nil, fmt.Errorf("read stream %s to its end: %w", name, context.Cause(ctx))
		}
		time.Sleep(tick)
	}
}

// op is an operation about a consumed record.
func (r *run) op(f history.Func, rec *stream.Record) history.Op {
	p, sound := payloadOf(rec)
	op := history.Op{
		Type: history.Note, F: f, Part: rec.Stream + "/" + rec.Partition, Pos: rec.Position, UID: p.uid, Key: string(rec.Key),
		KSeq: p.kseq, Sum: sum(rec, r.traits.EventTime),
	}
	if !sound {
		op.Sum = ^op.Sum
	}
	return op
}
