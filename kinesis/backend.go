package kinesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/streamport-go/streamport/internal/handles"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/consumer"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/kinesis/internal/probe"
	"github.com/streamport-go/streamport/kinesis/internal/producer"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// A Backend is Kinesis in one region, opened. Methods may be called from many goroutines.
type Backend struct {
	settings settings.Settings
	service  api.Service
	clients  Clients
	prober   *probe.Prober
	idle     func() // closes connections that nobody uses
	sinks    handles.Sinks
	sources  handles.Members

	closing atomic.Bool
	closed  chan struct{} // closed when Close begins
	ended   chan struct{} // closed when Close has ended
	result  error         // of Close; read after ended
}

var (
	_ stream.Backend   = (*Backend)(nil)
	_ stream.Ensurer   = (*Backend)(nil)
	_ stream.Abandoner = (*Backend)(nil)
	_ stream.LagReader = (*Backend)(nil)
)

func newBackend(s settings.Settings, service api.Service, c Clients, idle func()) *Backend {
	return &Backend{
		settings: s, service: service, clients: c, prober: probe.New(service, s), idle: idle,
		closed: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Capabilities tells what the stream can do as it is configured now, and as this Config uses it. What the right to
// kinesis:DescribeStreamSummary would tell is Unknown without it.
func (b *Backend) Capabilities(ctx context.Context, name string) (stream.Capabilities, error) {
	if err := b.refusal(ctx, name); err != nil {
		return stream.Capabilities{}, b.place("capabilities", name, err)
	}
	c, err := b.prober.Capabilities(ctx, name)
	return c, b.place("capabilities", name, err)
}

// EnsureStream makes a provisioned stream, or checks that it is as s says: one that differs is stream.ErrInvalid and is not
// changed. Zero Partitions make one shard. It waits until the stream is ACTIVE, for ten minutes at most.
func (b *Backend) EnsureStream(ctx context.Context, s stream.StreamConfig) error {
	if err := b.refusal(ctx, s.Name); err != nil {
		return b.place("ensure", s.Name, err)
	}
	if strings.HasPrefix(s.Name, "arn:") {
		return b.place("ensure", s.Name, fmt.Errorf("%w: a stream is made by its name, not by an ARN", stream.ErrUnsupported))
	}
	return b.place("ensure", s.Name, b.prober.Ensure(ctx, s))
}

// OpenSink opens a producer. Transactions are stream.ErrUnsupported.
func (b *Backend) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	if err := b.refusal(ctx, c.Streams...); err != nil {
		return nil, b.place("open sink", "", err)
	}
	s, err := b.openSink(ctx, c)
	return s, b.place("open sink", "", err)
}

// openSink asks the service before anything is accepted: one that cannot be reached or refuses the credentials is told at
// once, and the streams' limits are known.
func (b *Backend) openSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	if c.Transactions {
		return nil, fmt.Errorf("%w: Kinesis has no transactions; use a Checkpointer in your own database for exactly-once effects", stream.ErrUnsupported)
	}
	release, err := b.prober.Open(ctx, c.Streams...)
	if err != nil {
		return nil, err
	}
	s, err := producer.New(b.service, b.settings, c, probed{b})
	if err != nil {
		release()
		return nil, err
	}
	return b.sinks.Add(s, release)
}

// probed tells producers what was found out.
type probed struct{ b *Backend }

// Facts are what was found out about a stream last.
func (p probed) Facts(name string) producer.Facts {
	f, known := p.b.prober.Known(name)
	if !known || f.Denied != nil {
		return producer.Facts{}
	}
	bytes, _ := f.RecordBytes()
	return producer.Facts{RecordBytes: bytes, Shards: f.Summary.OpenShards, Auto: f.Auto()}
}

// OpenSource joins a group, or reads without one.
func (b *Backend) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	if err := b.refusal(ctx, c.Streams...); err != nil {
		return nil, b.place("open source", "", err)
	}
	s, err := b.openSource(ctx, c)
	return s, b.place("open source", "", err)
}

func (b *Backend) openSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	release, err := b.prober.Open(ctx, c.Streams...)
	if err != nil {
		return nil, err
	}
	s, err := consumer.New(ctx, b.deps(), b.settings, c)
	if err != nil {
		release()
		return nil, err
	}
	return probedSource{s, release}, nil
}

// deps are what reading works with.
func (b *Backend) deps() consumer.Deps {
	return consumer.Deps{
		Service: b.service, Store: b.store, Assigned: assigned, Known: b.known, Sources: &b.sources,
	}
}

// store opens the lease table of a group and stream.
func (b *Backend) store(ctx context.Context, table string, create bool) (lease.Store, error) {
	return dynamo.Open(ctx, b.clients.DynamoDB, table, create)
}

// assigned reports whether a leader of KCL 3 gives the leases of a table to workers.
func assigned(ctx context.Context, s lease.Store) (bool, error) {
	table, ok := s.(*dynamo.Store)
	if !ok {
		return false, nil
	}
	fleet, err := table.Fleet(ctx)
	if errors.Is(err, stream.ErrUnauthorized) { // the coordinator's table is KCL 3's, and nobody else needs a right to it
		return false, nil
	}
	return fleet == dynamo.Assigned, err
}

// known is what a stream was last found to be.
func (b *Backend) known(name string) (api.Summary, bool) {
	f, known := b.prober.Known(name)
	return f.Summary, known && f.Denied == nil
}

// A probedSource is a source whose streams are probed while it is open.
type probedSource struct {
	stream.Source
	release func()
}

// Close closes the source.
func (s probedSource) Close(ctx context.Context) error {
	defer s.release()
	return s.Source.Close(ctx)
}

// Lag tells how far a group is behind, in time. It joins nothing and writes nothing.
func (b *Backend) Lag(
	ctx context.Context, c stream.SourceConfig, at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	if err := b.refusal(ctx, c.Streams...); err != nil {
		return nil, b.place("lag", "", err)
	}
	lags, err := consumer.Lag(ctx, b.deps(), b.settings, c, at)
	return lags, b.place("lag", "", err)
}

// Abandon ends a member of this process as kill -9 does: for tests.
func (b *Backend) Abandon(group, member string) error {
	if b.isClosed() {
		return b.place("abandon", "", stream.ErrClosed)
	}
	return b.place("abandon", "", b.sources.Abandon(group, member))
}

// Clients are the SDK's clients that the backend itself uses.
func (b *Backend) Clients() Clients { return b.clients }

// Close ends every sink and source that is still open; records that have no answer fail. Members give their leases back,
// which takes as long as RequestTimeout at most. A second Close waits for the first and returns what that returned.
func (b *Backend) Close() error {
	if b.closing.Swap(true) {
		<-b.ended
		return b.result
	}
	close(b.closed)
	b.result = b.place("close", "", b.end())
	close(b.ended)
	return b.result
}

func (b *Backend) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), b.settings.RequestTimeout)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(b.sinks.Close)
	err := b.sources.Close(ctx)
	wg.Wait()
	b.prober.Close()
	b.idle()
	return err
}

// refusal is why a call is not taken.
func (b *Backend) refusal(ctx context.Context, names ...string) error {
	switch {
	case ctx == nil:
		return errNoContext
	case b.isClosed():
		return stream.ErrClosed
	}
	for _, name := range names {
		if err := b.settings.Allow(name); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

// place adds where an error happened, once. What a Close cut off is stream.ErrClosed.
func (b *Backend) place(op, name string, err error) error {
	var placed *stream.Error
	switch {
	case err == nil || errors.As(err, &placed):
		return err
	case b.isClosed() && op != "close" && !errors.Is(err, stream.ErrClosed):
		err = fmt.Errorf("%w: %w", stream.ErrClosed, err)
	}
	return &stream.Error{Op: op, Stream: name, Err: err}
}
