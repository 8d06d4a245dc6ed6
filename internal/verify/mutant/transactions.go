package mutant

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// transacting makes every plan one of transactions.
func transacting(p *workload.Plan) { p.Policy, p.External, p.Chunked = workload.Transact, false, false }

// transactions are mutants of transactions.
func transactions() []Mutant {
	kafka := func(name, by string, s shim) Mutant {
		return Mutant{Name: name, By: by, Profile: memory.Kafka, narrow: transacting, shim: s}
	}
	return []Mutant{
		kafka("a transaction is torn", "P9", shim{txAppend: func(_ stream.Sink, t stream.SinkTx, ctx context.Context, recs []*stream.Record, d done) {
			for _, rec := range recs {
				if some(rec, 6) {
					d(stream.Ack{Record: rec}, nil)
					continue
				}
				t.Append(ctx, one(rec), d)
			}
		}}),
		kafka("the checkpoint is committed without the records", "P1", shim{
			commit: func(t stream.SinkTx, ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
				if c == nil {
					return t.Commit(ctx, c, to)
				}
				return errors.Join(t.Abort(ctx), c.Checkpoint(ctx, to))
			}}),
		kafka("the records are committed without the checkpoint", "D4", shim{
			commit: func(t stream.SinkTx, ctx context.Context, _ stream.Claim, _ stream.Checkpoint) error {
				return t.Commit(ctx, nil, stream.Checkpoint{})
			}}),
		kafka("an abort commits", "P2", shim{abort: func(t stream.SinkTx, ctx context.Context) error {
			return t.Commit(ctx, nil, stream.Checkpoint{})
		}}),
		kafka("records of a transaction are written outside it", "P2", shim{
			txAppend: func(s stream.Sink, _ stream.SinkTx, ctx context.Context, recs []*stream.Record, d done) {
				s.Append(ctx, recs, d)
			}}),
		kafka("an unknown commit is told as a failure", "P2", shim{
			commit: func(t stream.SinkTx, ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
				err := t.Commit(ctx, c, to)
				if n, _, _ := to.Position.Parts(); err == nil && n[2]%7 == 0 {
					err = fmt.Errorf("%w: a timeout", stream.ErrThrottled)
				}
				return err
			}}),
	}
}
