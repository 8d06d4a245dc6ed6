package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

const (
	patience  = 20 * time.Second // how long a probe in the background may take
	maxProbed = 10_000           // streams that are remembered
)

// A Prober finds out what streams can do, and remembers it. While something is open, what is in use is probed again every
// Settings.ProbeEvery by one goroutine: DescribeStreamSummary is limited to 20 calls a second and account.
//
// Methods may be called from many goroutines.
type Prober struct {
	service  api.Service
	settings settings.Settings

	mu      sync.Mutex // guards what follows
	streams map[string]*probed
	run     *probing // nil: nothing is open
	closed  bool
}

// probed is what is remembered of a stream.
type probed struct {
	gate  chan struct{} // held while the service is asked
	users int           // how many open handles use it
	known bool
	last  Facts
}

// probing is one life of the goroutine.
type probing struct {
	users  int
	cancel context.CancelFunc
	done   chan struct{}
}

// Facts are what the service said of a stream.
type Facts struct {
	Summary api.Summary
	Denied  error // why the summary is not known: the right to ask is missing
}

// Auto reports whether the service spreads records by itself and ignores keys.
func (f Facts) Auto() bool { return f.Summary.Distribution == "AUTO" }

// RecordBytes is how large a record may be, key included; false if that is not known, and then it is the service's default.
func (f Facts) RecordBytes() (bytes int64, known bool) {
	if f.Summary.RecordBytes == 0 {
		return defaultRecordBytes, false
	}
	return f.Summary.RecordBytes, true
}

// New returns a Prober that has asked nothing yet and runs nothing.
func New(service api.Service, s settings.Settings) *Prober {
	return &Prober{service: service, settings: s, streams: make(map[string]*probed)}
}

// Capabilities asks for a stream; stream.ErrNotFound if there is none. A service that is out of reach is an error and no
// unknown capability: a producer must not be withdrawn for it.
func (p *Prober) Capabilities(ctx context.Context, name string) (stream.Capabilities, error) {
	f, err := p.Ask(ctx, name)
	if err != nil {
		return stream.Capabilities{}, err
	}
	return capabilities(f, p.settings), nil
}

// Known is what was found out of a stream last, without I/O; false if nothing was.
func (p *Prober) Known(name string) (Facts, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.streams[name]; s != nil {
		return s.last, s.known
	}
	return Facts{}, false
}

// Ask finds out about a stream now, and remembers it. Who asks while somebody else does waits for his own answer.
func (p *Prober) Ask(ctx context.Context, name string) (Facts, error) {
	p.mu.Lock()
	s := p.remember(name)
	p.mu.Unlock()
	if s == nil {
		return p.describe(ctx, name)
	}
	select {
	case s.gate <- struct{}{}:
		defer func() { <-s.gate }()
	case <-ctx.Done():
		return Facts{}, ctx.Err()
	}
	f, err := p.describe(ctx, name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		s.last, s.known = f, true
	} else if s.users == 0 && !s.known {
		delete(p.streams, name) // so that asking for names does not fill the memory
	}
	return f, err
}

// describe asks the service. That the right is missing is a fact.
func (p *Prober) describe(ctx context.Context, name string) (Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		sum, err := p.service.Summary(ctx, name)
		switch {
		case err == nil:
			return Facts{Summary: sum}, nil
		case api.CodeOf(err) == api.Denied:
			return Facts{Denied: err}, nil
		case !passes(err) || wait > 2*time.Second:
			return Facts{}, err
		}
		if rest(ctx, wait) != nil {
			return Facts{}, err
		}
	}
}

// passes reports whether asking again may help.
func passes(err error) bool {
	var e *api.Error
	return errors.Is(err, stream.ErrThrottled) || errors.As(err, &e) && (e.Status >= 500 || e.Status == 0)
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Open probes streams for a sink or a source that is opened, and from then on again and again until the function that it
// returns is called, which waits for the goroutine if nothing else is open.
func (p *Prober) Open(ctx context.Context, names ...string) (release func(), err error) {
	for _, name := range names {
		if _, err := p.Ask(ctx, name); err != nil {
			return nil, fmt.Errorf("stream %s: %w", name, err)
		}
	}
	if err := p.use(names); err != nil {
		return nil, err
	}
	var once sync.Once
	return func() { once.Do(func() { p.release(names) }) }, nil
}

// Close ends the goroutine and waits for it. Whatever is open loses its probes.
func (p *Prober) Close() {
	p.mu.Lock()
	p.closed = true
	run := p.run
	p.run = nil
	p.mu.Unlock()
	run.end()
}

func (p *Prober) use(names []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return stream.ErrClosed
	}
	for _, name := range names {
		if s := p.remember(name); s != nil {
			s.users++
		}
	}
	if p.run == nil {
		ctx, cancel := context.WithCancel(context.Background())
		p.run = &probing{cancel: cancel, done: make(chan struct{})}
		go p.loop(ctx, p.run)
	}
	p.run.users++
	return nil
}

func (p *Prober) release(names []string) {
	p.mu.Lock()
	for _, name := range names {
		if s := p.streams[name]; s != nil && s.users > 0 {
			s.users--
		}
	}
	run := p.run
	if run != nil {
		run.users--
	}
	last := run != nil && run.users == 0
	if last {
		p.run = nil
	}
	p.mu.Unlock()
	if last {
		run.end()
	}
}

// end stops the goroutine and waits for it. A nil probing has none.
func (r *probing) end() {
	if r != nil {
		r.cancel()
		<-r.done
	}
}

// loop probes what is in use at every tick. What fails stays as it was.
func (p *Prober) loop(ctx context.Context, r *probing) {
	defer close(r.done)
	ticker := time.NewTicker(p.settings.ProbeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, name := range p.used() {
			_, _ = p.Ask(ctx, name)
		}
	}
}

func (p *Prober) used() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := slices.Sorted(maps.Keys(p.streams))
	return slices.DeleteFunc(names, func(name string) bool { return p.streams[name].users == 0 })
}

// remember returns the entry of a stream, a new one if there is none, or nil if there are too many. The caller holds p.mu.
func (p *Prober) remember(name string) *probed {
	s := p.streams[name]
	if s == nil && len(p.streams) < maxProbed {
		s = &probed{gate: make(chan struct{}, 1)}
		p.streams[name] = s
	}
	return s
}
