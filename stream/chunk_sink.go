package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// A chunkSink splits. It keeps no records of its own: chunks go to the inner sink in one call, and its bounds hold.
type chunkSink struct {
	backend *chunkBackend
	inner   Sink
	flights *chunkFlights
}

func (s *chunkSink) Append(ctx context.Context, recs []*Record, done func(Ack, error)) {
	whole := func(recs []*Record) { s.inner.Append(ctx, recs, done) }
	alone := func(r *Record, plan chunkPlan, verdict chunkVerdict, err error) {
		switch {
		case err != nil:
			done(Ack{Record: r}, err)
		case verdict == storeChunks:
			s.appendChunks(ctx, s.inner, plan, r, true, done)
		default:
			s.appendAfter(ctx, r, done)
		}
	}
	s.backend.divide(ctx, recs, s.flights.busy, whole, alone)
}

// divide passes records in their order: those that are stored as they are in runs, to whole, and the others, and those
// for which apart answers true, one by one.
func (b *chunkBackend) divide(
	ctx context.Context, recs []*Record, apart func(*Record) bool, whole func([]*Record),
	alone func(*Record, chunkPlan, chunkVerdict, error),
) {
	from := 0
	var plan chunkPlan
	var planErr error
	for i, r := range recs {
		if i == 0 || r.Stream != recs[i-1].Stream {
			plan, planErr = b.plan(ctx, r.Stream)
		}
		verdict, err := storeNothing, planErr
		if err == nil {
			verdict, err = plan.judge(r)
		}
		if verdict == storeWhole && !apart(r) {
			continue
		}
		if from < i {
			whole(recs[from:i])
		}
		from = i + 1
		alone(r, plan, verdict, wrap("send", r.Stream, "", err))
	}
	if from < len(recs) {
		whole(recs[from:])
	}
}

// appendAfter stores a record whose key has a large one under way. If the large one fails, so would those that the
// sink took before its done returned; this one is taken afterwards.
func (s *chunkSink) appendAfter(ctx context.Context, r *Record, done func(Ack, error)) {
	if err := s.flights.await(ctx, r); err != nil {
		done(Ack{Record: r}, wrap("send", r.Stream, "", err))
		return
	}
	s.inner.Append(ctx, []*Record{r}, done)
}

// An appender is a Sink or a SinkTx.
type appender interface {
	Append(ctx context.Context, recs []*Record, done func(Ack, error))
}

func (s *chunkSink) appendChunks(
	ctx context.Context, to appender, plan chunkPlan, r *Record, gate bool, done func(Ack, error),
) {
	flight, err := s.flights.begin(ctx, r, gate, done)
	if err != nil {
		done(Ack{Record: r}, wrap("send", r.Stream, "", err))
		return
	}
	to.Append(ctx, flight.split(plan), flight.settle)
}

func (s *chunkSink) Flush(ctx context.Context) error { return s.inner.Flush(ctx) }

func (s *chunkSink) Close(ctx context.Context) error { return s.inner.Close(ctx) }

// A chunkTxSink is a chunkSink over a TxSink.
type chunkTxSink struct {
	*chunkSink
	inner TxSink
}

func (s *chunkTxSink) Begin(ctx context.Context) (SinkTx, error) {
	tx, err := s.inner.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &chunkTx{sink: s.chunkSink, inner: tx}, nil
}

// A chunkTx splits inside one transaction. Records of one key need not wait for each other: all are stored or none.
type chunkTx struct {
	sink  *chunkSink
	inner SinkTx

	mu     sync.Mutex // guards what follows
	failed error      // the first failure that the inner transaction does not know of
}

func (t *chunkTx) Append(ctx context.Context, recs []*Record, done func(Ack, error)) {
	never := func(*Record) bool { return false }
	whole := func(recs []*Record) { t.inner.Append(ctx, recs, done) }
	failing := func(ack Ack, err error) {
		t.fail(err)
		done(ack, err)
	}
	t.sink.backend.divide(ctx, recs, never, whole, func(r *Record, plan chunkPlan, _ chunkVerdict, err error) {
		if err != nil {
			failing(Ack{Record: r}, err)
			return
		}
		t.sink.appendChunks(ctx, t.inner, plan, r, false, failing)
	})
}

func (t *chunkTx) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = err
	}
}

func (t *chunkTx) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *chunkTx) Commit(ctx context.Context, c Claim, to Checkpoint) error {
	claim, to, err := t.sink.backend.unwrap(c, to)
	if err = errors.Join(t.failure(), err); err != nil {
		// Nobody aborts after Commit. If the abort fails too, the service's own time-out ends the transaction.
		_ = t.inner.Abort(ctx)
		return err
	}
	err = t.inner.Commit(ctx, claim, to)
	if failed := t.failure(); err == nil && failed != nil {
		return fmt.Errorf("%w: committed without a record that failed while committing: %w", ErrUnknownOutcome, failed)
	}
	return err
}

func (t *chunkTx) Abort(ctx context.Context) error { return t.inner.Abort(ctx) }

// unwrap finds the inner backend's claim and the checkpoint in its terms.
func (b *chunkBackend) unwrap(c Claim, to Checkpoint) (Claim, Checkpoint, error) {
	if c == nil {
		return nil, to, nil
	}
	claim, ok := c.(*chunkClaim)
	if !ok || claim.backend != b {
		return nil, to, unsupported("the partition is not of the producer's own backend")
	}
	to.Position = claim.marks.raise(to.Position)
	return claim.inner, to, nil
}
