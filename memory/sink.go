package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A sink stores records. Where nothing can go wrong (no rate limit, no fault, no replay) Append stores them before it
// returns; elsewhere they go through lanes, which retry.
type sink struct {
	b      *Backend
	config stream.SinkConfig
	direct bool
	id     int // in replays
	lanes  *lanes

	last atomic.Pointer[topic] // the stream of the record before: the next one's, most likely

	gate     gate
	shutting chan struct{} // closed when Close begins
	tx       *txSink       // what this sink is a part of, if it was opened for transactions
	once     sync.Once
	halting  sync.Once
	err      error      // of Close
	mu       sync.Mutex // guards txSink.open
}

// OpenSink opens a producer's side. SinkConfig.Transactions needs the profile Kafka.
func (b *Backend) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	var s stream.Sink
	err := b.call(ctx, OpOpen, Where{Member: c.Member}, 0, func() (err error) {
		s, err = b.openSink(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (b *Backend) openSink(c stream.SinkConfig) (stream.Sink, error) {
	if err := b.live(); err != nil {
		return nil, fault("open sink", "", "", err)
	}
	if c.Transactions && !b.traits.transacts {
		return nil, fault("open sink", "", "", fmt.Errorf(
			"%w: this profile has no transactions; use a Checkpointer in your own database for exactly-once effects",
			stream.ErrUnsupported))
	}
	for _, name := range c.Streams {
		if _, err := b.topic(name); err != nil {
			return nil, fault("open sink", name, "", err)
		}
	}
	s := &sink{b: b, config: c, id: b.faults.number(aSink), shutting: make(chan struct{})}
	s.direct = b.tame() && !b.traits.refuses
	s.lanes = newLanes(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fault("open sink", "", "", stream.ErrClosed)
	}
	b.sinks = append(b.sinks, s)
	if c.Transactions {
		return b.openTx(s), nil
	}
	return s, nil
}

// chunk is how many records of one call are sorted by partition at a time.
const chunk = 128

// Append stores the records, or answers why not.
func (s *sink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if !s.gate.enter() {
		refuse(recs, fault("append", "", "", stream.ErrClosed), done)
		return
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		refuse(recs, err, done)
		return
	}
	if !s.direct {
		s.lanes.append(ctx, recs, done)
		return
	}
	now := s.b.clock.nanos() / int64(time.Millisecond)
	if len(recs) == 1 {
		s.one(recs[0], now, done)
		return
	}
	for part := range slices.Chunk(recs, chunk) {
		s.many(part, now, done)
	}
}

// refuse fails every record with the same error.
func refuse(recs []*stream.Record, err error, done func(stream.Ack, error)) {
	for _, r := range recs {
		done(stream.Ack{Record: r}, err)
	}
}

// admit finds the record's stream and checks the record.
func (s *sink) admit(r *stream.Record) (*topic, error) {
	if r == nil {
		return nil, fault("append", "", "", fmt.Errorf("%w: the record is nil", stream.ErrInvalid))
	}
	t := s.last.Load()
	if t == nil || t.name != r.Stream {
		var err error
		if t, err = s.learn(r.Stream); err != nil {
			return nil, fault("append", r.Stream, "", err)
		}
	}
	if err := t.check(r); err != nil {
		return nil, fault("append", r.Stream, "", err)
	}
	return t, nil
}

// learn looks a stream up.
func (s *sink) learn(name string) (*topic, error) {
	if len(s.config.Streams) > 0 && !slices.Contains(s.config.Streams, name) {
		return nil, fmt.Errorf("%w: the producer was not opened for stream %.80q", stream.ErrUnsupported, name)
	}
	t, err := s.b.topic(name)
	if err != nil {
		return nil, err
	}
	s.last.Store(t)
	return t, nil
}

// one stores a single record.
func (s *sink) one(r *stream.Record, now int64, done func(stream.Ack, error)) {
	t, err := s.admit(r)
	if err != nil {
		done(stream.Ack{Record: r}, err)
		return
	}
	p, n := t.store(r, now)
	s.produced(t, p, 1, r)
	done(stream.Ack{Record: r, Partition: p.name, Position: p.scale.position(n)}, nil)
}

// store puts one record where it belongs.
func (t *topic) store(r *stream.Record, now int64) (p *partition, n uint64) {
	for {
		p = t.choose(r)
		if n, ok := p.take(r, now); ok { // else it was closed in between, and the new routes are there
			return p, n
		}
	}
}

// choose is the partition for a record now.
func (t *topic) choose(r *stream.Record) *partition {
	routes, spread := t.routes.Load(), uint64(0)
	if r.Key == nil || t.auto.Load() {
		spread = t.spread.Add(1)
	}
	return routes.open[t.route(routes, r.Key, spread)]
}

// take stores one record, unless the partition is closed.
func (p *partition) take(r *stream.Record, now int64) (n uint64, ok bool) {
	size := encodedBytes(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, false
	}
	_, n = p.put(r, p.stamp(r, now), size)
	p.settle(now)
	return n, true
}

// settle is what follows every change of a partition under its lock.
func (p *partition) settle(now int64) {
	if len(p.waiting) > 0 {
		p.wake()
	}
	if p.topic.tidies {
		p.tidy(now)
	}
}

// many stores up to chunk records with one lock for each partition that they touch.
func (s *sink) many(recs []*stream.Record, now int64, done func(stream.Ack, error)) {
	var (
		topics [chunk]*topic // nil: the record is answered
		acks   [chunk]stream.Ack
	)
	for i, r := range recs {
		t, err := s.admit(r)
		if err != nil {
			done(stream.Ack{Record: r}, err)
		}
		topics[i] = t
	}
	for first := 0; first < len(recs); {
		if topics[first] == nil {
			first++
			continue
		}
		last := first + 1
		for last < len(recs) && (topics[last] == topics[first] || topics[last] == nil) {
			last++
		}
		s.run(topics[first], recs[first:last], topics[first:last], acks[first:last], now)
		first = last
	}
	for i := range recs {
		if topics[i] != nil {
			done(acks[i], nil)
		}
	}
}
