package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// read reads everything that stands in a stream, by a reader without a group, partition by partition.
func (r *run) read(ctx context.Context, name string) ([]history.Op, error) {
	ctx, cancel := context.WithTimeout(ctx, finishIn)
	defer cancel()
	var all []history.Op
	for _, part := range r.env.Partitions(name) {
		ops, err := r.readPartition(ctx, name, part)
		for tries := 1; err != nil && ctx.Err() == nil && tries < mostTries; tries++ {
			time.Sleep(8 * tick << tries) // eight seconds in all: a listing may lag
			ops, err = r.readPartition(ctx, name, part)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s/%s to its end: %w", name, part, err)
		}
		all = append(all, ops...)
	}
	return all, nil
}

// mostTries is how often the final reading, and the opening of a producer, may meet a fault.
const mostTries = 20

func (r *run) readPartition(ctx context.Context, name, part string) ([]history.Op, error) {
	c, err := stream.NewConsumer(ctx, r.backend, stream.ConsumerConfig{
		Member: "reader", Streams: []string{name}, Partitions: []string{part}, End: stream.Latest(), Expired: stream.ExpiredOldest, Grace: r.grace(),
	})
	if err != nil {
		return nil, err
	}
	var ops []history.Op
	err = c.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			ops = append(ops, r.op(history.Stored, rec))
		}
		return nil
	})
	if err == nil {
		err = ctx.Err()
	}
	return ops, err
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
