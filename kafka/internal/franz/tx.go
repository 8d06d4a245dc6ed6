package franz

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A tx is one open transaction. It has its session until it is over.
type tx struct {
	s       *txSink
	session *session

	turn    chan struct{} // holds a token while a method works; Close is the one caller beside the caller
	over    bool          // guarded by turn
	records int64         // guarded by turn: appended

	answered atomic.Int64 // records that are done

	mu     sync.Mutex // guards what follows; promises come on goroutines of the client
	failed error      // the first record's failure
}

// Append gives the records to the session's client. A record that fails makes Commit abort.
func (t *tx) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	if t.over {
		refuseAll(recs, &stream.Error{Op: "append", Err: t.isOver()}, done)
		return
	}
	t.records += int64(len(recs))
	ctx, cancel := t.s.whileAlive(ctx)
	defer cancel()
	answer := func(ack stream.Ack, err error) {
		if ack.Record != nil {
			t.s.gate.Leave(engine.BatchSize(ack.Record))
		}
		t.answer(ack, err, done)
	}
	for part := range slices.Chunk(recs, chunk) {
		t.append(ctx, part, answer, done)
	}
}

// append waits for space and hands the records over. The session's own sink has as much space as all sessions together.
func (t *tx) append(ctx context.Context, recs []*stream.Record, answer, done func(stream.Ack, error)) {
	var sizes [chunk]int64
	for i, r := range recs {
		if r != nil {
			sizes[i] = engine.BatchSize(r)
		}
	}
	for first := 0; first < len(recs); {
		n, err := 1, error(nil)
		if recs[first] != nil {
			n, err = t.s.gate.Enter(ctx, untilNil(sizes[first:len(recs)]), nil)
		}
		if err != nil {
			for _, r := range recs[first:] {
				t.answer(stream.Ack{Record: r}, placed("append", topicOf(r), "", cause(ctx, err)), done)
			}
			return
		}
		t.session.sink.Append(ctx, recs[first:first+n], answer)
		first += n
	}
}

// untilNil are the sizes up to the next record that is nil: it takes no space.
func untilNil(sizes []int64) []int64 {
	if i := slices.Index(sizes, 0); i > 0 {
		return sizes[:i]
	}
	return sizes
}

// answer tells what became of a record.
func (t *tx) answer(ack stream.Ack, err error, done func(stream.Ack, error)) {
	if err != nil {
		err = settled(err) // whatever became of the record: its transaction does not commit
		t.fail(err)
	}
	t.answered.Add(1)
	done(ack, err)
}

// refuseAll fails every record with the same error.
func refuseAll(recs []*stream.Record, err error, done func(stream.Ack, error)) {
	for _, r := range recs {
		done(stream.Ack{Record: r}, err)
	}
}

func (t *tx) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = err
	}
}

func (t *tx) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// isOver is why a transaction takes nothing any more.
func (t *tx) isOver() error {
	return fmt.Errorf("%w: the transaction is over", stream.ErrClosed)
}

// Commit makes the records and the checkpoint visible at once, or nothing.
func (t *tx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	if t.over {
		return &stream.Error{Op: "commit", Err: t.isOver()}
	}
	claim, err := t.s.own(c)
	if err == nil {
		err = t.commit(ctx, claim, to)
	}
	switch {
	case err == nil:
		t.finish()
		return nil
	case errors.Is(err, stream.ErrUnknownOutcome):
		t.finish()
	case isFenced(err):
		err = fmt.Errorf("%w (the transaction's time was over, or another producer has its id)", err)
		t.session.broken = true
		t.finish()
	default:
		if failed := t.abort(ctx); failed != nil {
			t.s.config.Logger.Warn("a transaction was not committed, and its abort was not confirmed",
				slog.String("id", t.session.id), slog.Any("error", failed))
		}
	}
	return &stream.Error{Op: "commit", Err: err}
}

// isFenced reports whether the producer's epoch is not the current one any more.
func isFenced(err error) bool {
	code, _ := engine.CodeOf(err)
	return code == producerFenced || code == invalidProducerEpoch
}

// own is the claim as one of this backend's, or nil.
func (s *txSink) own(c stream.Claim) (engine.TxClaim, error) {
	if c == nil {
		return nil, nil
	}
	own, ok := c.(engine.TxClaim)
	if !ok || !own.Of(s.client) {
		return nil, fmt.Errorf("%w: the partition is of another backend; a transaction spans one", stream.ErrUnsupported)
	}
	return own, nil
}

func (t *tx) commit(ctx context.Context, claim engine.TxClaim, to stream.Checkpoint) error {
	ctx, cancel := t.s.whileAlive(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := t.session.sink.Flush(ctx); err != nil {
		return settled(cause(ctx, err))
	}
	if err := t.failure(); err != nil {
		return err
	}
	if answered := t.answered.Load(); answered != t.records {
		return fmt.Errorf("internal error: %d of %d records have an answer after a flush", answered, t.records)
	}
	switch {
	case claim == nil:
		return t.decide(ctx, nil)
	case t.records == 0:
		return t.checkpoint(ctx, claim, to)
	}
	return t.commitWith(ctx, claim, to)
}

// checkpoint stores a checkpoint that nothing is produced with. Franz-go ends no transaction that it produced nothing in:
// the offset would stay pending until the time-out. It needs no transaction either.
func (t *tx) checkpoint(ctx context.Context, claim engine.TxClaim, to stream.Checkpoint) error {
	if err := claim.Checkpoint(ctx, to); err != nil {
		return err
	}
	return t.session.native.EndTransaction(ctx, kgo.TryAbort) // of nothing: it asks nobody
}

// Abort takes everything back. An error means that the brokers did not confirm it: nothing becomes visible all the same,
// but readers may wait for the session's next client, or for the time-out.
func (t *tx) Abort(ctx context.Context) error {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	if t.over {
		return nil
	}
	if err := t.abort(ctx); err != nil {
		return &stream.Error{Op: "abort", Err: err}
	}
	return nil
}

// end aborts a transaction that is still open when the sink closes, and waits for a method that is under way.
func (t *tx) end() {
	_ = t.Abort(context.Background()) // bounded; whoever has the transaction is told by its methods
}

// abortPatience bounds how long an abort is waited for. The session's next client aborts what it finds open.
const abortPatience = 5 * time.Second

// abort ends the transaction. The caller has the turn.
func (t *tx) abort(ctx context.Context) error {
	defer t.finish()
	native := t.session.native
	if native == nil { // an unknown commit was resolved in vain: the next client ends what is left
		return nil
	}
	if t.failure() != nil {
		t.session.broken = true // the client may not have sent what it counts on, or the brokers know more than it
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortPatience)
	defer cancel()
	err := native.AbortBufferedRecords(ctx)
	if err == nil {
		err = native.EndTransaction(ctx, kgo.TryAbort)
	}
	if err != nil {
		t.session.broken = true
	}
	return mapped(cause(ctx, err))
}

// finish frees the session. The caller has the turn.
func (t *tx) finish() {
	t.over = true
	t.s.give(t)
}
