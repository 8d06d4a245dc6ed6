package mutant

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// A shim is a Backend over a Backend that breaks some of its calls. A nil field breaks nothing.
type shim struct {
	capabilities func(*stream.Capabilities)
	append       func(s stream.Sink, ctx context.Context, recs []*stream.Record, done func(stream.Ack, error))
	closing      func(s stream.Sink, ctx context.Context) error
	commit       func(t stream.SinkTx, ctx context.Context, c stream.Claim, to stream.Checkpoint) error
	abort        func(t stream.SinkTx, ctx context.Context) error
	txAppend     func(s stream.Sink, t stream.SinkTx, ctx context.Context, recs []*stream.Record, done func(stream.Ack, error))
	source       func(*stream.SourceConfig)
	claim        func(c stream.Claim, config stream.SourceConfig) stream.Claim
}

// over puts the shim in front of a backend.
func (s shim) over(b stream.Backend) stream.Backend { return &backend{Backend: b, shim: s} }

type backend struct {
	stream.Backend
	shim
}

func (b *backend) Capabilities(ctx context.Context, name string) (stream.Capabilities, error) {
	c, err := b.Backend.Capabilities(ctx, name)
	if err == nil && b.capabilities != nil {
		b.capabilities(&c)
	}
	return c, err
}

func (b *backend) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	s, err := b.Backend.OpenSink(ctx, c)
	if err != nil {
		return nil, err
	}
	inner := &sink{Sink: s, shim: b.shim}
	tx, ok := s.(stream.TxSink)
	if !ok {
		return inner, nil
	}
	plain := s
	if b.txAppend != nil { // it may write outside the transaction
		c.Transactions = false
		if plain, err = b.Backend.OpenSink(ctx, c); err != nil {
			return nil, err
		}
	}
	return &txSink{sink: inner, inner: tx, plain: plain}, nil
}

func (b *backend) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	if b.shim.source != nil {
		b.shim.source(&c)
	}
	s, err := b.Backend.OpenSource(ctx, c)
	if err != nil {
		return nil, err
	}
	return &source{Source: s, shim: b.shim, config: c}, nil
}

// EnsureStream, Abandon and Lag are the inner backend's.
func (b *backend) EnsureStream(ctx context.Context, c stream.StreamConfig) error {
	return stream.EnsureStream(ctx, b.Backend, c)
}

func (b *backend) Abandon(group, member string) error {
	return b.Backend.(stream.Abandoner).Abandon(group, member)
}

func (b *backend) Lag(
	ctx context.Context, c stream.SourceConfig, at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	return b.Backend.(stream.LagReader).Lag(ctx, c, at)
}

type sink struct {
	stream.Sink
	shim
}

func (s *sink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if s.append == nil {
		s.Sink.Append(ctx, recs, done)
		return
	}
	s.append(s.Sink, ctx, recs, done)
}

func (s *sink) Close(ctx context.Context) error {
	if s.closing == nil {
		return s.Sink.Close(ctx)
	}
	return s.closing(s.Sink, ctx)
}

type txSink struct {
	*sink
	inner stream.TxSink
	plain stream.Sink
}

func (s *txSink) Begin(ctx context.Context) (stream.SinkTx, error) {
	t, err := s.inner.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &sinkTx{SinkTx: t, sink: s}, nil
}

func (s *txSink) Close(ctx context.Context) error {
	err := s.sink.Close(ctx)
	if s.plain != s.Sink {
		_ = s.plain.Close(ctx) // of a mutant
	}
	return err
}

type sinkTx struct {
	stream.SinkTx
	sink *txSink
}

func (t *sinkTx) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if t.sink.txAppend == nil {
		t.SinkTx.Append(ctx, recs, done)
		return
	}
	t.sink.txAppend(t.sink.plain, t.SinkTx, ctx, recs, done)
}

func (t *sinkTx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	if own, ok := c.(wrapped); ok {
		c = own.inner()
	}
	if t.sink.commit == nil {
		return t.SinkTx.Commit(ctx, c, to)
	}
	return t.sink.commit(t.SinkTx, ctx, c, to)
}

func (t *sinkTx) Abort(ctx context.Context) error {
	if t.sink.abort == nil {
		return t.SinkTx.Abort(ctx)
	}
	return t.sink.abort(t.SinkTx, ctx)
}

type source struct {
	stream.Source
	shim
	config stream.SourceConfig
}

func (s *source) Next(ctx context.Context) (stream.Claim, error) {
	c, err := s.Source.Next(ctx)
	if err != nil || s.shim.claim == nil || s.config.Group == "" { // the final reading must tell the truth
		return c, err
	}
	return s.shim.claim(c, s.config), nil
}

// wrapped is a claim of a mutant, which a transaction must unwrap.
type wrapped interface{ inner() stream.Claim }

// A claim breaks some calls of a claim. A nil field breaks nothing.
type claim struct {
	stream.Claim
	hold       func(stream.Hold) stream.Hold
	fetch      func(ctx context.Context, into []stream.Record) (int, error)
	checkpoint func(ctx context.Context, c stream.Checkpoint) error
	release    func(ctx context.Context, finished bool) error
}

func (c *claim) inner() stream.Claim { return c.Claim }

func (c *claim) Hold() stream.Hold {
	if c.hold == nil {
		return c.Claim.Hold()
	}
	return c.hold(c.Claim.Hold())
}

func (c *claim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	if c.fetch == nil {
		return c.Claim.Fetch(ctx, into)
	}
	return c.fetch(ctx, into)
}

func (c *claim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	if c.checkpoint == nil {
		return c.Claim.Checkpoint(ctx, to)
	}
	return c.checkpoint(ctx, to)
}

func (c *claim) Release(ctx context.Context, finished bool) error {
	if c.release == nil {
		return c.Claim.Release(ctx, finished)
	}
	return c.release(ctx, finished)
}
