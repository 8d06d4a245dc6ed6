package kinesis_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// A world is where the eleven scenarios are played: a service with one stream of one shard. What it cannot do is nil.
type world struct {
	stream  string
	session time.Duration                     // after what silence a member loses its shards
	open    func(t testing.TB) stream.Backend // as another process would; it is closed with the play
	shards  func() []string                   // of all records so far, open or closed, in the order in which they were made
	split   func(shard string) error
	merge   func(left, right string) error

	pause, resume func(member string) error                   // stops what a member of group "g" asks of its leases
	take          func(member string) error                   // takes a member's shards away, and it can learn of that at once
	put           func(t testing.TB, key string, data []byte) // stores bytes as another program would
	age           func()                                      // retention passes
	bulk          int                                         // how many records of 512 KiB may be sent
}

// A play is a scenario on its way in a world. Its methods are called by the test alone, except by handlers.
type play struct {
	*testing.T
	w        *world
	backend  stream.Backend // of the producer
	producer stream.Producer
	readings []*reading

	mu    sync.Mutex // guards what follows
	begun []sight    // records whose handling began, in this order
	done  []sight    // records that were handled
}

// A sight is a record in a handler.
type sight struct{ member, shard, value string }

// A reading is a member of group "g" that runs.
type reading struct {
	*play
	member  string
	backend stream.Backend
	cancel  context.CancelFunc
	over    chan struct{} // closed when Run has returned
	err     error         // of Run; read after over

	events []stream.Event // guarded by play.mu
}

// A work is what a member does to a record. Nil errors make it done.
type work func(ctx context.Context, p *stream.Partition, rec *stream.Record) error

// nothing to do.
func quick(context.Context, *stream.Partition, *stream.Record) error { return nil }

// end stops what still runs.
func (p *play) end() {
	for _, r := range p.readings {
		r.stop()
	}
	p.quiet()
}

// quiet closes the producer.
func (p *play) quiet() {
	if p.producer == nil {
		return
	}
	require.NoError(p, p.producer.Close(context.Background()))
	require.NoError(p, p.backend.Close())
	p.producer = nil
}

// send stores records, each with its value as the key, one after the other.
func (p *play) send(values ...string) {
	p.Helper()
	for _, v := range values {
		p.sendRecord(&stream.Record{Stream: p.w.stream, Key: []byte(v), Value: []byte(v)})
	}
}

func (p *play) sendRecord(r *stream.Record) {
	p.Helper()
	if p.producer == nil {
		p.backend = p.w.open(p)
		var err error
		p.producer, err = stream.NewProducer(p.Context(), p.backend, stream.ProducerConfig{Streams: []string{p.w.stream}})
		require.NoError(p, err)
	}
	require.NoError(p, p.producer.Send(p.Context(), r))
}

// split divides a shard and returns its children.
func (p *play) split(shard string) []string {
	p.Helper()
	before := p.w.shards()
	require.NoError(p, p.w.split(shard))
	var children []string
	p.until("the children to be listed", func() bool {
		children = slices.DeleteFunc(p.w.shards(), func(id string) bool { return slices.Contains(before, id) })
		return len(children) == 2
	})
	return children
}

// first is the shard that the stream began with.
func (p *play) first() string { return p.w.shards()[0] }

// tick lets the service's clock, which tells whole seconds, go on.
func (p *play) tick() { time.Sleep(2100 * time.Millisecond) }

// until waits for something that must come.
func (p *play) until(what string, is func() bool) {
	p.Helper()
	for deadline := time.Now().Add(90 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.mu.Lock()
			defer p.mu.Unlock()
			require.FailNow(p, "waited in vain for "+what, "begun: %v\ndone: %v", p.begun, p.done)
		}
	}
}

// read starts a member. Start matters to the first of the group only.
func (p *play) read(member string, start stream.Start, do work) *reading {
	p.Helper()
	r := &reading{play: p, member: member, backend: p.w.open(p), over: make(chan struct{})}
	c, err := stream.NewConsumer(p.Context(), r.backend, stream.ConsumerConfig{
		Group: "g", Member: member, Streams: []string{p.w.stream}, Start: start, Expired: stream.ExpiredOldest,
		CheckpointEvery: 200 * time.Millisecond, Grace: time.Second, Observe: r.observe,
	})
	require.NoError(p, err)
	ctx, cancel := context.WithCancel(p.Context())
	r.cancel = cancel
	p.readings = append(p.readings, r)
	go func() {
		defer close(r.over)
		r.err = c.Run(ctx, r.handler(do))
	}()
	return r
}

// handler writes down what happens to records.
func (r *reading) handler(do work) stream.Handler {
	return func(ctx context.Context, part *stream.Partition) error {
		for rec, err := range part.Records(ctx) {
			if err != nil {
				return err
			}
			at := sight{r.member, part.Name, string(rec.Value)}
			r.note(&r.begun, at)
			if err := do(ctx, part, rec); err != nil {
				return err
			}
			r.note(&r.play.done, at)
			part.Done(rec)
		}
		return nil
	}
}

func (p *play) note(where *[]sight, at sight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*where = append(*where, at)
}

func (r *reading) observe(e stream.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// happened counts events of a kind.
func (r *reading) happened(kind string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// granted waits until the member was granted shards so often.
func (r *reading) granted(n int) {
	r.Helper()
	r.until("a grant", func() bool { return r.happened(stream.EventGranted) >= n })
}

// stop ends the member, which gives its shards back, and returns what Run returned.
func (r *reading) stop() error {
	r.cancel()
	return r.wait()
}

// wait returns what Run returned, and closes the member's process.
func (r *reading) wait() error {
	<-r.over
	require.NoError(r, r.backend.Close())
	return r.err
}

// die ends the member as kill -9 does.
func (r *reading) die() {
	r.Helper()
	killer, ok := r.backend.(stream.Abandoner)
	require.True(r, ok)
	require.NoError(r, killer.Abandon("g", r.member))
	_ = r.stop() // what a dead process returns nobody sees
}

// handling waits until somebody works on a record.
func (p *play) handling(value string) sight {
	p.Helper()
	var found sight
	p.until("record "+value+" in a handler", func() bool {
		i := slices.IndexFunc(p.seen(&p.begun), func(s sight) bool { return s.value == value })
		if i >= 0 {
			found = p.seen(&p.begun)[i]
		}
		return i >= 0
	})
	return found
}

// handled waits until each of the values was handled, and a while more for what should not come. It fails if any other
// was, or if one was handled twice.
func (p *play) handled(values ...string) {
	p.Helper()
	p.until("all records to be handled", func() bool {
		got := p.values(&p.done)
		return !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(got, v) })
	})
	p.tick()
	require.ElementsMatch(p, values, p.values(&p.done))
}

func (p *play) seen(which *[]sight) []sight {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(*which)
}

func (p *play) values(which *[]sight) []string {
	var values []string
	for _, s := range p.seen(which) {
		values = append(values, s.value)
	}
	return values
}

// order fails unless every record of the shards began to be handled after value was done.
func (p *play) order(value string, shards []string) {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.begun {
		if s.value == value {
			return
		}
		require.NotContains(p, shards, s.shard, "a child was read before record %s of its parent", value)
	}
}

// blocked is work that waits at one record, until it is let go or its hold is over.
func blocked(value string, let <-chan struct{}) work {
	return func(ctx context.Context, _ *stream.Partition, rec *stream.Record) error {
		if string(rec.Value) != value {
			return nil
		}
		select {
		case <-let:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

var errWork = errors.New("the record cannot be handled")

// failing is work that fails at one record.
func failing(value string) work {
	return func(_ context.Context, _ *stream.Partition, rec *stream.Record) error {
		if string(rec.Value) == value {
			return errWork
		}
		return nil
	}
}
