package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/handles"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A Backend is a cluster, opened. Methods may be called from many goroutines.
type Backend struct {
	settings engine.Settings
	client   engine.Client
	prober   *engine.Prober
	sinks    handles.Sinks
	sources  engine.Sources

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

func newBackend(s engine.Settings, c engine.Client) *Backend {
	b := &Backend{settings: s, client: c, prober: engine.NewProber(c, s, c.Abilities()), closed: make(chan struct{}), ended: make(chan struct{})}
	b.sources.MetadataBytes = b.prober.MetadataBytes
	return b
}

// Capabilities tells what the topic can do as it and the brokers are configured now, and as this Config uses them. What the
// brokers do not tell, such as configuration without the right DESCRIBE_CONFIGS, is Unknown with that reason.
func (b *Backend) Capabilities(ctx context.Context, topic string) (stream.Capabilities, error) {
	if err := b.refusal(ctx); err != nil {
		return stream.Capabilities{}, b.place("capabilities", topic, err)
	}
	c, err := b.prober.Capabilities(ctx, topic)
	return c, b.place("capabilities", topic, err)
}

// EnsureStream makes a topic, or checks that it is as s says: a topic that differs is stream.ErrInvalid and is not changed.
// Fields that are zero leave the choice to the brokers.
func (b *Backend) EnsureStream(ctx context.Context, s stream.StreamConfig) error {
	if err := b.refusal(ctx); err != nil {
		return b.place("ensure", s.Name, err)
	}
	return b.place("ensure", s.Name, engine.Ensure(ctx, b.client, s))
}

// OpenSink opens a producer. Transactions are stream.ErrUnsupported where idempotent producing is off, or where the
// client library or the brokers have none.
func (b *Backend) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	if err := b.refusal(ctx); err != nil {
		return nil, b.place("open sink", "", err)
	}
	s, err := b.openSink(ctx, c)
	return s, b.place("open sink", "", err)
}

// openSink asks the brokers before anything is accepted: one that cannot be reached or refuses the credentials is told at
// once, and the topics' limits are known.
func (b *Backend) openSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	if why := engine.NoTransactions(b.settings, b.client.Abilities()); c.Transactions && why != "" {
		return nil, fmt.Errorf("%w: no transactions: %s", stream.ErrUnsupported, why)
	}
	release, err := b.prober.Open(ctx, c.Streams...)
	if err != nil {
		return nil, err
	}
	s, err := b.client.OpenSink(ctx, c, b.prober)
	if err != nil {
		release()
		return nil, err
	}
	return b.sinks.Add(s, release)
}

// OpenSource joins a group, or reads without one.
func (b *Backend) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	if err := b.refusal(ctx); err != nil {
		return nil, b.place("open source", "", err)
	}
	s, err := b.openSource(ctx, c)
	return s, b.place("open source", "", err)
}

func (b *Backend) openSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	release, err := b.prober.Open(ctx)
	if err != nil {
		return nil, err
	}
	s, err := engine.NewSource(ctx, b.client, b.settings, c, &b.sources)
	if err != nil {
		release()
		return nil, err
	}
	return probedSource{s, release}, nil
}

// A probedSource is a source for which the brokers are probed while it is open.
type probedSource struct {
	stream.Source
	release func()
}

// Close closes the source.
func (s probedSource) Close(ctx context.Context) error {
	defer s.release()
	return s.Source.Close(ctx)
}

// Lag tells how far a group is behind. It joins nothing.
func (b *Backend) Lag(
	ctx context.Context, c stream.SourceConfig, at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	if err := b.refusal(ctx); err != nil {
		return nil, b.place("lag", "", err)
	}
	lags, err := engine.Lag(ctx, b.client, b.settings, c, at)
	return lags, b.place("lag", "", err)
}

// Abandon ends a member of this process as kill -9 does: for tests.
func (b *Backend) Abandon(group, member string) error {
	if b.isClosed() {
		return b.place("abandon", "", stream.ErrClosed)
	}
	return b.place("abandon", "", b.sources.Abandon(group, member))
}

// Client is franz-go's client for questions and single writes, for what this package does not offer; nil with another
// client library. Producers and consumers have clients of their own, with the same options. It is closed with b: do not
// close it, and give it no topics to consume.
func (b *Backend) Client() *kgo.Client {
	native, _ := b.Native().(*kgo.Client)
	return native
}

// Native is the client library's own client, of a type that the package of the library tells: see Client and
// kafkago.Client.
func (b *Backend) Native() any { return b.client.Native() }

// Close ends every sink and source that is still open, and every connection; records that have no answer fail. Members
// leave their groups, which takes as long as RequestTimeout at most. A second Close waits for the first and returns what
// that returned.
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
	ctx, cancel := context.WithTimeout(context.Background(), b.settings.RequestOverhead)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(b.sinks.Close)
	err := b.sources.Close(ctx)
	wg.Wait()
	b.prober.Close()
	b.client.Close()
	return err
}

// refusal is why a call is not taken.
func (b *Backend) refusal(ctx context.Context) error {
	switch {
	case ctx == nil:
		return errNoContext
	case b.isClosed():
		return stream.ErrClosed
	}
	return nil
}

var errNoContext = fmt.Errorf("%w: the context is nil", stream.ErrInvalid)

func (b *Backend) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

// place adds where an error happened, once, and the brokers' addresses if none could be reached. What a Close cut off is
// stream.ErrClosed.
func (b *Backend) place(op, topic string, err error) error {
	var placed *stream.Error
	switch {
	case err == nil || errors.As(err, &placed):
		return err
	case b.isClosed() && op != "close" && !errors.Is(err, stream.ErrClosed):
		err = fmt.Errorf("%w: %w", stream.ErrClosed, err)
	case unreachable(err):
		err = fmt.Errorf("brokers %s: %w", listed(b.settings.Brokers), err)
	}
	return &stream.Error{Op: op, Stream: topic, Err: err}
}

// unreachable reports whether err is about a connection.
func unreachable(err error) bool {
	var broken net.Error
	cut := errors.As(err, &broken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	return cut && !errors.Is(err, stream.ErrUnauthorized)
}

// mostListed bounds how many brokers an error names.
const mostListed = 6

func listed(brokers []string) string {
	if more := len(brokers) - mostListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(brokers[:mostListed], ","), more)
	}
	return strings.Join(brokers, ",")
}
