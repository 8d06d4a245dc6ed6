package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

const (
	clusterAge    = 5 * time.Second  // how long what is known of the brokers is taken for true
	probePatience = 20 * time.Second // how long a probe in the background may take
	maxProbed     = 10_000           // topics that are remembered; of others the limits stay unknown
)

// A Prober finds out what topics can do, and remembers it. It is the Probe of a backend's sinks.
//
// At most one request for a topic is under way at a time: who asks while it is waits for the next one, and shares it. An
// answer of Capabilities was never asked for before the call, but for what concerns the brokers, which may be 5 s old.
// While something is open, what is in use is probed again every Settings.ProbeEvery by one goroutine.
//
// Methods may be called from many goroutines.
type Prober struct {
	admin     Admin
	settings  Settings
	abilities Abilities
	gate      chan struct{} // held while the cluster is asked

	mu      sync.Mutex // guards what follows
	clock   uint64     // counts calls, so that a call can tell an answer that was asked for after it
	topics  map[string]*probed
	cluster Cluster
	asked   time.Time // when cluster was; zero: never
	run     *probing  // nil: nothing is open
	closed  bool
}

// probed is what is remembered of a topic.
type probed struct {
	gate  chan struct{} // held while the topic is asked for
	users int           // how many open handles use it
	asked uint64        // the clock when it was last asked for with success; 0: never
	last  Topic
}

// probing is one life of the goroutine.
type probing struct {
	users  int
	wake   chan struct{} // holds one
	cancel context.CancelFunc
	done   chan struct{}
}

// NewProber returns a Prober that has asked nothing yet and runs nothing.
func NewProber(a Admin, s Settings, b Abilities) *Prober {
	return &Prober{admin: a, settings: s, abilities: b, gate: make(chan struct{}, 1), topics: make(map[string]*probed)}
}

// Capabilities asks for a topic; stream.ErrNotFound if there is none. A broker that is out of reach is an error and no
// unknown capability: a producer must not be withdrawn for it.
func (p *Prober) Capabilities(ctx context.Context, topic string) (stream.Capabilities, error) {
	cluster, err := p.brokers(ctx)
	if err != nil {
		return stream.Capabilities{}, err
	}
	t, err := p.ask(ctx, topic)
	if err != nil {
		return stream.Capabilities{}, err
	}
	return Capabilities(cluster, t, p.settings, p.abilities), nil
}

// MaxBatchBytes is the topic's limit as it was found last, without I/O. A topic that nobody has asked for is not known,
// and is asked for in the background if something is open.
func (p *Prober) MaxBatchBytes(topic string) (bytes int64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.topics[topic]
	if t == nil && p.run != nil && p.remember(topic) != nil {
		select {
		case p.run.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
	if t == nil || t.asked == 0 {
		return 0, false
	}
	n, unknown := facts{topic: t.last}.topicNumber("max.message.bytes")
	return n, unknown == ""
}

// MetadataBytes is the brokers' offset.metadata.max.bytes as it was found last, without I/O; 0 is not known.
func (p *Prober) MetadataBytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, _ := facts{cluster: p.cluster}.brokerNumber("offset.metadata.max.bytes")
	return n
}

// Open probes topics for a sink or a source that is opened, and from then on again and again until the function that it
// returns is called, which waits for the goroutine if nothing else is open.
func (p *Prober) Open(ctx context.Context, topics ...string) (release func(), err error) {
	if _, err := p.brokers(ctx); err != nil {
		return nil, err
	}
	for _, topic := range topics {
		if _, err := p.ask(ctx, topic); err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
	}
	if err := p.use(topics); err != nil {
		return nil, err
	}
	var once sync.Once
	return func() { once.Do(func() { p.release(topics) }) }, nil
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

func (p *Prober) use(topics []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return stream.ErrClosed
	}
	for _, topic := range topics {
		if t := p.remember(topic); t != nil {
			t.users++
		}
	}
	if p.run == nil {
		ctx, cancel := context.WithCancel(context.Background())
		p.run = &probing{wake: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
		go p.loop(ctx, p.run)
	}
	p.run.users++
	return nil
}

func (p *Prober) release(topics []string) {
	p.mu.Lock()
	for _, topic := range topics {
		if t := p.topics[topic]; t != nil && t.users > 0 {
			t.users--
		}
	}
	run := p.run
	if run == nil {
		p.mu.Unlock()
		return
	}
	run.users--
	if run.users > 0 {
		p.mu.Unlock()
		return
	}
	p.run = nil
	p.mu.Unlock()
	run.end()
}

// end stops the goroutine and waits for it. A nil probing has none.
func (r *probing) end() {
	if r != nil {
		r.cancel()
		<-r.done
	}
}

// loop probes what is in use at every tick, and what has become of interest at once.
func (p *Prober) loop(ctx context.Context, r *probing) {
	defer close(r.done)
	ticker := time.NewTicker(p.settings.ProbeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
			p.again(ctx, false)
		case <-ticker.C:
			p.again(ctx, true)
		}
	}
}

// again probes all topics, or those that were never asked for. What fails stays as it was.
func (p *Prober) again(ctx context.Context, all bool) {
	p.mu.Lock()
	names := slices.Sorted(maps.Keys(p.topics))
	names = slices.DeleteFunc(names, func(name string) bool { return !all && p.topics[name].asked != 0 })
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	if all {
		_, _ = p.brokers(ctx)
	}
	for _, name := range names {
		if _, err := p.ask(ctx, name); errors.Is(err, stream.ErrNotFound) {
			p.forget(name)
		}
	}
}

// remember returns the entry of a topic, a new one if there is none, or nil if there are too many. The caller holds p.mu.
func (p *Prober) remember(topic string) *probed {
	t := p.topics[topic]
	if t == nil && len(p.topics) < maxProbed {
		t = &probed{gate: make(chan struct{}, 1)}
		p.topics[topic] = t
	}
	return t
}

// forget drops a topic that is gone and that nobody uses.
func (p *Prober) forget(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.topics[topic]; t != nil && t.users == 0 {
		delete(p.topics, topic)
	}
}

// ask returns what an answer tells that was asked for after the call, by whomever.
func (p *Prober) ask(ctx context.Context, topic string) (Topic, error) {
	p.mu.Lock()
	p.clock++
	arrived, t := p.clock, p.remember(topic)
	p.mu.Unlock()
	if t == nil {
		return p.describe(ctx, topic)
	}
	if err := enter(ctx, t.gate); err != nil {
		return Topic{}, err
	}
	defer leave(t.gate)
	p.mu.Lock()
	if t.asked > arrived {
		defer p.mu.Unlock()
		return t.last, nil
	}
	p.clock++
	asked := p.clock
	p.mu.Unlock()
	last, err := p.describe(ctx, topic)
	if err != nil {
		p.drop(topic, t)
		return Topic{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.asked, t.last = asked, last
	return last, nil
}

// drop forgets a topic that was never there, so that asking for names does not fill the memory.
func (p *Prober) drop(topic string, t *probed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.asked == 0 && t.users == 0 && p.topics[topic] == t {
		delete(p.topics, topic)
	}
}

// describe asks for a topic. Configuration that is denied is a fact; configuration that could not be asked for is not.
func (p *Prober) describe(ctx context.Context, topic string) (Topic, error) {
	if err := CheckName(topic); err != nil {
		return Topic{}, err
	}
	t, err := p.admin.Topic(ctx, topic)
	if err == nil && isPassing(t.ConfigsErr) {
		err = fmt.Errorf("the topic's configuration cannot be had: %w", t.ConfigsErr)
	}
	return t, err
}

// brokers returns what is known of the brokers, or asks.
func (p *Prober) brokers(ctx context.Context) (Cluster, error) {
	if err := enter(ctx, p.gate); err != nil {
		return Cluster{}, err
	}
	defer leave(p.gate)
	p.mu.Lock()
	cluster, asked := p.cluster, p.asked
	p.mu.Unlock()
	if !asked.IsZero() && time.Since(asked) < clusterAge {
		return cluster, nil
	}
	now := time.Now()
	cluster, err := p.admin.Cluster(ctx)
	if err == nil && isPassing(cluster.ConfigsErr) {
		err = fmt.Errorf("the brokers' configuration cannot be had: %w", cluster.ConfigsErr)
	}
	if err != nil {
		return Cluster{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cluster, p.asked = cluster, now
	return cluster, nil
}

// isPassing reports whether an error says nothing about the service's will: no broker answered, or one that was busy. The
// refusal of a right, of a request or of a resource is an answer.
func isPassing(err error) bool {
	final := errors.Is(err, stream.ErrUnauthorized) || errors.Is(err, stream.ErrUnsupported) || errors.Is(err, stream.ErrInvalid)
	return err != nil && !final
}

// enter waits for a gate, but not beyond the end of ctx.
func enter(ctx context.Context, gate chan struct{}) error {
	select {
	case gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func leave(gate chan struct{}) { <-gate }
