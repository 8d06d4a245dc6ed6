package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// A txSink is a sink that was opened for transactions. A later one of the same member fences it.
type txSink struct {
	*sink
	sessions chan struct{} // one token for each open transaction
	fenced   atomic.Bool   // a newer sink of the member is open, or this one is closed

	open []*tx // guarded by sink.mu
}

// openTx makes s the one sink of its member that may commit. The caller holds b.mu.
func (b *Backend) openTx(s *sink) *txSink {
	t := &txSink{sink: s, sessions: make(chan struct{}, max(s.config.Sessions, 1))}
	if old := b.producers[s.config.Member]; old != nil {
		old.fence()
	}
	b.producers[s.config.Member] = t
	s.tx = t
	return t
}

// fence aborts what is open: the member has opened a newer sink, or this one is closed.
func (s *txSink) fence() {
	s.fenced.Store(true)
	s.mu.Lock()
	open := slices.Clone(s.open)
	s.mu.Unlock()
	for _, t := range open {
		t.end(false)
	}
}

// errFenced is why a transaction is over that nobody has ended.
var errFenced = fmt.Errorf("%w: the transaction was aborted; its time was over, or the member opened another producer",
	stream.ErrLost)

// Begin opens a transaction when a session is free.
func (s *txSink) Begin(ctx context.Context) (stream.SinkTx, error) {
	var t *tx
	err := s.b.call(ctx, OpBegin, Where{Member: s.config.Member}, s.id, func() (err error) {
		t, err = s.begin(ctx)
		return err
	})
	if err != nil {
		if t != nil {
			t.end(false)
		}
		return nil, fault("begin", "", "", err)
	}
	return t, nil
}

func (s *txSink) begin(ctx context.Context) (*tx, error) {
	if s.gate.isShut() {
		return nil, stream.ErrClosed
	}
	if s.fenced.Load() {
		return nil, errFenced
	}
	select {
	case s.sessions <- struct{}{}:
	default:
		select {
		case s.sessions <- struct{}{}:
		case <-s.shutting:
			return nil, stream.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	t := &tx{s: s, parts: map[*partition]*txPart{}}
	s.mu.Lock()
	s.open = append(s.open, t)
	s.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timeout = s.b.clock.after(s.b.txTimeout(), func() { t.end(false) })
	return t, nil
}

// A tx is one open transaction. Its records stand in the log from Append on; readers stop before the first of them
// until it is decided.
type tx struct {
	s *txSink

	mu      sync.Mutex // guards what follows
	timeout *timer
	parts   map[*partition]*txPart
	order   []*txPart // as first written to
	err     error     // the first record's failure
	over    bool      // committed or aborted
}

// A txPart is what a transaction has written to one partition.
type txPart struct {
	part   *partition
	first  uint64
	places []place
}

// Append writes the records into the log, not yet to be seen.
func (t *tx) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if !t.s.gate.enter() {
		refuse(recs, fault("append", "", "", stream.ErrClosed), done)
		return
	}
	defer t.s.gate.leave()
	t.s.b.faults.pace(OpAppend, Where{Member: t.s.config.Member}, t.s.id)
	for _, r := range recs {
		ack, err := t.one(ctx, r)
		if err != nil {
			t.mu.Lock()
			if t.err == nil {
				t.err = err
			}
			t.mu.Unlock()
		}
		done(ack, err)
	}
}

func (t *tx) one(ctx context.Context, r *stream.Record) (stream.Ack, error) {
	ack := stream.Ack{Record: r}
	if err := ctx.Err(); err != nil {
		return ack, err
	}
	to, err := t.s.admit(r)
	if err != nil {
		return ack, err
	}
	p := to.choose(r)
	at := Where{Stream: to.name, Partition: p.name, Member: t.s.config.Member}
	then, err := t.s.b.faults.entry(ctx, at, &entry{topic: to, rec: r})
	if err != nil && !errors.Is(err, errTransient) { // what passes is tried again, and that is recognised
		return ack, fault("append", to.name, p.name, err)
	}
	n, err := t.put(p, r)
	if err != nil {
		return ack, fault("append", to.name, p.name, err)
	}
	if then.Delay > 0 {
		nap(ctx, then.Delay)
	}
	if then.Err != nil {
		return ack, fault("append", to.name, p.name, fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, then.Err))
	}
	t.s.produced(to, p, 1, r)
	ack.Partition, ack.Position = p.name, p.scale.position(n)
	return ack, nil
}

// put writes one record into a partition.
func (t *tx) put(p *partition, r *stream.Record) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return 0, errFenced
	}
	now := t.s.b.clock.millis()
	p.mu.Lock()
	defer p.mu.Unlock()
	at, n := p.put(r, p.stamp(r, now), encodedBytes(r))
	part := t.parts[p]
	if part == nil {
		part = &txPart{part: p, first: n}
		t.parts[p] = part
		t.order = append(t.order, part)
		p.open = append(p.open, part)
	}
	part.places = append(part.places, at)
	return n, nil
}

// Commit makes the records and the checkpoint visible, or nothing.
func (t *tx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	claim, err := t.own(c)
	if err == nil {
		at := Where{Member: t.s.config.Member}
		err = t.s.b.call(ctx, OpCommit, at, t.s.id, func() error { return t.commit(ctx, claim, to) })
	}
	t.end(false) // unless it is committed
	return fault("commit", "", "", err)
}

// own is the claim as one of this backend's, or nil.
func (t *tx) own(c stream.Claim) (*claim, error) {
	if c == nil {
		return nil, nil
	}
	own, ok := c.(*claim)
	if !ok || own.m.b != t.s.b {
		return nil, fmt.Errorf("%w: the partition is of another backend; a transaction spans one", stream.ErrUnsupported)
	}
	return own, nil
}

func (t *tx) commit(ctx context.Context, c *claim, to stream.Checkpoint) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	failed, over := t.err, t.over
	t.mu.Unlock()
	switch {
	case t.s.gate.isShut():
		return stream.ErrClosed
	case failed != nil:
		return failed
	case over:
		return errFenced
	case c == nil:
		return t.decide()
	}
	return c.save(to, t.decide)
}

// decide commits if the transaction is not over.
func (t *tx) decide() error {
	if !t.end(true) {
		return errFenced
	}
	return nil
}

// Abort takes everything back.
func (t *tx) Abort(ctx context.Context) error {
	err := t.s.b.call(ctx, OpAbort, Where{Member: t.s.config.Member}, t.s.id, func() error {
		t.end(false)
		return nil
	})
	t.end(false)
	return fault("abort", "", "", err)
}

// end writes the marker of a commit or an abort into each partition. It reports false if the transaction was over.
func (t *tx) end(commit bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return false
	}
	t.over = true
	t.timeout.stop()
	now := t.s.b.clock.millis()
	for _, part := range t.order {
		part.end(commit, now)
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.s.open = slices.DeleteFunc(t.s.open, func(other *tx) bool { return other == t })
	<-t.s.sessions
	return true
}

// end ends a transaction in one partition: the marker takes a number, and aborted records become holes.
func (part *txPart) end(commit bool, now int64) {
	p := part.part
	p.mu.Lock()
	defer p.mu.Unlock()
	if !commit {
		for _, at := range part.places {
			at.slab.buf[at.at+atFlags] |= flagHole
			at.slab.live--
		}
	}
	p.open = slices.DeleteFunc(p.open, func(other *txPart) bool { return other == part })
	p.end += p.step()
	p.settle(now)
}
