package streamtest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// A mutant is a backend that breaks the contract in one place. A nil field breaks nothing.
type mutant struct {
	*memory.Backend
	capabilities func(*stream.Capabilities, error) error
	append       func(next appendFunc) appendFunc
	flush        func(stream.Sink) error
	closeSink    func(stream.Sink) error
	tx           func(stream.SinkTx, stream.Sink) stream.SinkTx
	begin        func(ctx context.Context, s stream.TxSink) (stream.SinkTx, error)
	asTx         bool // every sink claims to be opened for transactions
	unlisted     bool // sinks are opened for any stream
	fetch        func([]stream.Record)
	next         func(ctx context.Context, c stream.Claim, err error) (stream.Claim, error)
	checkpoint   func(c stream.Claim, to stream.Checkpoint) error
	ensure       func(b stream.Ensurer, c stream.StreamConfig) error
	lag          func([]stream.Lag)
	close        func(b stream.Backend, calls int) error

	mu     sync.Mutex // guards what follows
	closes int
}

type appendFunc = func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error))

func (m *mutant) Capabilities(ctx context.Context, name string) (stream.Capabilities, error) {
	c, err := m.Backend.Capabilities(ctx, name)
	if m.capabilities != nil {
		err = m.capabilities(&c, err)
	}
	return c, err
}

func (m *mutant) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	if m.unlisted {
		c.Streams = nil
	}
	s, err := m.Backend.OpenSink(ctx, c)
	if err != nil {
		return nil, err
	}
	sink := &mutantSink{Sink: s, m: m}
	if _, ok := s.(stream.TxSink); ok || m.asTx {
		return &mutantTxSink{sink}, nil
	}
	return sink, nil
}

func (m *mutant) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	s, err := m.Backend.OpenSource(ctx, c)
	if err != nil {
		return nil, err
	}
	return &mutantSource{s, m}, nil
}

func (m *mutant) EnsureStream(ctx context.Context, c stream.StreamConfig) error {
	if m.ensure != nil {
		return m.ensure(m.Backend, c)
	}
	return m.Backend.EnsureStream(ctx, c)
}

func (m *mutant) Lag(
	ctx context.Context, c stream.SourceConfig, at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	lags, err := m.Backend.Lag(ctx, c, at)
	if m.lag != nil {
		m.lag(lags)
	}
	return lags, err
}

func (m *mutant) Close() error {
	m.mu.Lock()
	m.closes++
	n := m.closes
	m.mu.Unlock()
	if m.close != nil {
		return m.close(m.Backend, n)
	}
	return m.Backend.Close()
}

type mutantSink struct {
	stream.Sink
	m *mutant
}

func (s *mutantSink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if s.m.append == nil {
		s.Sink.Append(ctx, recs, done)
		return
	}
	s.m.append(s.Sink.Append)(ctx, recs, done)
}

func (s *mutantSink) Flush(ctx context.Context) error {
	if s.m.flush != nil {
		return s.m.flush(s.Sink)
	}
	return s.Sink.Flush(ctx)
}

func (s *mutantSink) Close(ctx context.Context) error {
	if s.m.closeSink != nil {
		return s.m.closeSink(s.Sink)
	}
	return s.Sink.Close(ctx)
}

type mutantTxSink struct{ *mutantSink }

func (s *mutantTxSink) Begin(ctx context.Context) (stream.SinkTx, error) {
	t, ok := s.Sink.(stream.TxSink)
	if !ok {
		return nil, stream.ErrUnsupported
	}
	begin := s.m.begin
	if begin == nil {
		begin = func(ctx context.Context, t stream.TxSink) (stream.SinkTx, error) { return t.Begin(ctx) }
	}
	tx, err := begin(ctx, t)
	if err != nil {
		return nil, err
	}
	tx = mutantTx{tx}
	if s.m.tx != nil {
		return s.m.tx(tx, s.Sink), nil
	}
	return tx, nil
}

// mutantTx hands a transaction the claims that are its backend's own.
type mutantTx struct{ stream.SinkTx }

func (x mutantTx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	if own, ok := c.(*mutantClaim); ok {
		c = own.Claim
	}
	return x.SinkTx.Commit(ctx, c, to)
}

type mutantSource struct {
	stream.Source
	m *mutant
}

func (s *mutantSource) Next(ctx context.Context) (stream.Claim, error) {
	c, err := s.Source.Next(ctx)
	if err == nil {
		c = &mutantClaim{c, s.m}
	}
	if s.m.next != nil {
		return s.m.next(ctx, c, err)
	}
	return c, err
}

type mutantClaim struct {
	stream.Claim
	m *mutant
}

func (c *mutantClaim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	n, err := c.Claim.Fetch(ctx, into)
	if c.m.fetch != nil {
		c.m.fetch(into[:n])
	}
	return n, err
}

func (c *mutantClaim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	if c.m.checkpoint != nil {
		return c.m.checkpoint(c.Claim, to)
	}
	return c.Claim.Checkpoint(ctx, to)
}

// blockForGood is what a mutant leaves behind: nobody can wake a goroutine of a bubble that is over.
func blockForGood() { <-make(chan int) }

// leakyTx also stores what it was given outside of the transaction.
type leakyTx struct {
	stream.SinkTx
	sink stream.Sink
}

func (x leakyTx) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	x.sink.Append(ctx, recs, func(stream.Ack, error) {})
	x.SinkTx.Append(ctx, recs, done)
}

// idleTx aborts and says that it has committed.
type idleTx struct{ stream.SinkTx }

func (x idleTx) Commit(ctx context.Context, _ stream.Claim, _ stream.Checkpoint) error {
	return x.Abort(ctx)
}

// forgetfulTx commits without the checkpoint.
type forgetfulTx struct{ stream.SinkTx }

func (x forgetfulTx) Commit(ctx context.Context, _ stream.Claim, _ stream.Checkpoint) error {
	return x.SinkTx.Commit(ctx, nil, stream.Checkpoint{})
}

// denyingTx commits and says that it has not.
type denyingTx struct{ stream.SinkTx }

func (x denyingTx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	return firstError(x.SinkTx.Commit(ctx, c, to), stream.ErrThrottled)
}

// firstError is the first of two errors that is not nil.
func firstError(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// losingTx loses records and says nothing.
type losingTx struct{ stream.SinkTx }

func (x losingTx) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	x.SinkTx.Append(ctx, recs[1:], done)
	done(stream.Ack{Record: recs[0]}, nil)
}

// laxTx commits without the checkpoint if it has to.
type laxTx struct{ stream.SinkTx }

func (x laxTx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	if err := x.SinkTx.Commit(ctx, c, to); c == nil || err == nil {
		return err
	}
	return nil
}

func sortHeaders(r *stream.Record) {
	slices.SortFunc(r.Headers, func(x, y stream.Header) int { return cmp.Compare(x.Key, y.Key) })
}

func compactHeaders(r *stream.Record) {
	seen := map[string]bool{}
	r.Headers = slices.DeleteFunc(r.Headers, func(h stream.Header) bool {
		repeated := seen[h.Key]
		seen[h.Key] = true
		return repeated
	})
}

// mutated opens a mutant over memory.
func mutated(profile memory.Profile, f func() *mutant) func(testing.TB) Harness {
	return func(t testing.TB) Harness {
		b, err := memory.Open(t.Context(), memory.Config{Profile: profile})
		require.NoError(t, err)
		m := f()
		m.Backend = b
		return Harness{Backend: m, Bubble: true, Expel: b.Expel, Split: b.Split, Merge: b.Merge, Grow: b.Grow}
	}
}
