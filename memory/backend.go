package memory

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Backend is a simulated log service and the client to it at once. Methods may be called from many goroutines.
type Backend struct {
	config Config
	traits traits
	clock  *clock
	faults *injector

	topics atomic.Pointer[map[string]*topic] // replaced under mu
	done   chan struct{}                     // closed when Close begins
	ended  chan struct{}                     // closed when Close has ended

	mu        sync.Mutex // guards what follows
	closed    bool
	order     []*topic // as they were made
	groups    map[string]*group
	sinks     []*sink            // open ones, as they were opened
	members   []*member          // of sources that are open, likewise
	producers map[string]*txSink // by Member: who may commit
}

var (
	_ stream.Backend   = (*Backend)(nil)
	_ stream.Ensurer   = (*Backend)(nil)
	_ stream.Abandoner = (*Backend)(nil)
	_ stream.LagReader = (*Backend)(nil)
)

// Open makes an empty service and opens it. It reports every mistake of the configuration at once, as errors that are
// stream.ErrInvalid or stream.ErrUnsupported. Close ends it, and everything stored in it is gone.
func Open(ctx context.Context, c Config) (*Backend, error) {
	if err := c.check(); err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	traits, err := c.traits()
	if err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	b := &Backend{
		config: c, traits: traits, clock: newClock(), done: make(chan struct{}), ended: make(chan struct{}),
		groups: map[string]*group{}, producers: map[string]*txSink{},
	}
	b.faults = newInjector(b)
	b.topics.Store(&map[string]*topic{})
	if err := b.make(ctx, c.Streams); err != nil {
		_ = b.Close() // an empty service closes without error
		return nil, err
	}
	if c.Script != nil {
		c.Script.start(b)
	}
	return b, nil
}

// Close ends the service with everything that is open in it: every handle answers ErrClosed from then on. It returns
// nil.
func (b *Backend) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		<-b.ended
		return nil
	}
	b.closed = true
	sinks, members := b.sinks, b.members
	b.sinks, b.members = nil, nil
	close(b.done)
	b.mu.Unlock()
	for _, m := range members {
		m.shut(claimClosed)
	}
	for _, s := range sinks {
		s.shut()
	}
	b.clock.close()
	close(b.ended)
	return nil
}

// topic returns the stream of that name.
func (b *Backend) topic(name string) (*topic, error) {
	if t := (*b.topics.Load())[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf(
		"%w: stream %.80q; streams are not made by using them: list it in Config.Streams or call EnsureStream",
		stream.ErrNotFound, name)
}

func (b *Backend) txTimeout() time.Duration {
	if b.config.TxTimeout > 0 {
		return b.config.TxTimeout
	}
	return defaultTxTimeout
}

// live returns ErrClosed once Close was called.
func (b *Backend) live() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return stream.ErrClosed
	}
	return nil
}

// fault places an error at the package's border.
func fault(op, name, partition string, err error) error {
	if err == nil {
		return nil
	}
	return &stream.Error{Op: op, Stream: name, Partition: partition, Err: err}
}
