package streamtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// errLostAnswer is the answer that did not come: the write has happened, and nobody is told.
var errLostAnswer = fmt.Errorf("%w: the answer was lost", stream.ErrUnknownOutcome)

// errPlanned is a failure of a backend that the suite makes.
var errPlanned = errors.New("a failure that the suite makes")

// A wrapper is a backend over a backend whose answers can be lost and whose capabilities can go away.
type wrapper struct {
	stream.Backend
	lose      atomic.Bool // answers to appends and commits are lost from now on
	fail      atomic.Bool // appends are refused from now on, with errPlanned
	hold      atomic.Bool // answers are held back from now on, until let go
	aborts    atomic.Int64
	commits   atomic.Int64
	mu        sync.Mutex // guards what follows
	held      []func()
	let       chan struct{} // closed when what is held is let go; nil: nothing is
	withdrawn func(*stream.Capabilities)
}

func (w *wrapper) Capabilities(ctx context.Context, name string) (stream.Capabilities, error) {
	c, err := w.Backend.Capabilities(ctx, name)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && w.withdrawn != nil {
		w.withdrawn(&c)
	}
	return c, err
}

// withdraw changes what Capabilities say from now on.
func (w *wrapper) withdraw(change func(*stream.Capabilities)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.withdrawn = change
}

func (w *wrapper) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	s, err := w.Backend.OpenSink(ctx, c)
	if err != nil {
		return nil, err
	}
	inner := &wrappedSink{s, w}
	if tx, ok := s.(stream.TxSink); ok {
		return &wrappedTxSink{inner, tx}, nil
	}
	return inner, nil
}

// OpenSource opens a source whose claims say whose they are.
func (w *wrapper) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	return w.Backend.OpenSource(ctx, c)
}

// release gives the answers that were held back.
func (w *wrapper) release() {
	w.hold.Store(false)
	w.mu.Lock()
	held, let := w.held, w.let
	w.held, w.let = nil, nil
	w.mu.Unlock()
	for _, answer := range held {
		answer()
	}
	if let != nil {
		close(let)
	}
}

// waitHeld waits until nothing is held back.
func (w *wrapper) waitHeld(ctx context.Context) error {
	w.mu.Lock()
	let := w.let
	w.mu.Unlock()
	if let == nil {
		return nil
	}
	select {
	case <-let:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done is the done of an append as the wrapper passes it on.
func (w *wrapper) done(done func(stream.Ack, error)) func(stream.Ack, error) {
	return func(ack stream.Ack, err error) {
		if w.lose.Load() && err == nil {
			ack, err = stream.Ack{Record: ack.Record}, errLostAnswer
		}
		if w.hold.Load() {
			w.mu.Lock()
			if w.let == nil {
				w.let = make(chan struct{})
			}
			w.held = append(w.held, func() { done(ack, err) })
			w.mu.Unlock()
			return
		}
		done(ack, err)
	}
}

type wrappedSink struct {
	stream.Sink
	w *wrapper
}

func (s *wrappedSink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if s.w.fail.Load() {
		for _, rec := range recs {
			done(stream.Ack{Record: rec}, errPlanned)
		}
		return
	}
	s.Sink.Append(ctx, recs, s.w.done(done))
}

func (s *wrappedSink) Flush(ctx context.Context) error {
	if err := s.Sink.Flush(ctx); err != nil {
		return err
	}
	return s.w.waitHeld(ctx)
}

// Close gives the answers that are held back, since every done has run when it returns.
func (s *wrappedSink) Close(ctx context.Context) error {
	err := s.Sink.Close(ctx)
	s.w.release()
	return err
}

type wrappedTxSink struct {
	*wrappedSink
	tx stream.TxSink
}

func (s *wrappedTxSink) Begin(ctx context.Context) (stream.SinkTx, error) {
	tx, err := s.tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &wrappedTx{tx, s.w}, nil
}

type wrappedTx struct {
	stream.SinkTx
	w *wrapper
}

func (x *wrappedTx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	x.w.commits.Add(1)
	err := x.SinkTx.Commit(ctx, c, to)
	if err == nil && x.w.lose.Load() {
		return errLostAnswer
	}
	return err
}

func (x *wrappedTx) Abort(ctx context.Context) error {
	x.w.aborts.Add(1)
	return x.SinkTx.Abort(ctx)
}
