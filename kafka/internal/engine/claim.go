package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Claim is one member's hold on one partition. It is made when the partition is assigned, granted by Source.Next when
// it is known where reading begins, and over when it is released or lost.
type Claim struct {
	s        *Source
	p        Partition
	guard    *guard
	hold     stream.Hold // set before the claim is granted
	asked    chan struct{}
	lost     chan struct{}
	done     chan struct{} // closed when the claim is released or lost
	alarm    chan struct{} // holds a token when Fetch should look again
	progress atomic.Int64  // when the handler called last, in Unix nanoseconds
	granted  bool          // Next returned it; the source's lock guards it

	// Only Fetch uses what follows, and before it Seek.
	read    Offset    // the next to be read
	until   int64     // the reading ends before this offset; -1: nowhere, or not yet known
	stop    time.Time // the reading ends before the first record of this time or later; zero: see until
	begun   bool
	suspect bool // the topic may have been made anew since
	doubts  int  // how often an offset was out of range that turned out to be in range

	as     string       // the member's id when the partition was granted; empty: not known
	saved  atomic.Int64 // the offset of the last checkpoint
	ended  atomic.Bool  // the reading's end was reached
	buffer buffer

	mu       sync.Mutex // guards what follows
	over     error      // why the claim can no longer be used: ErrLost or ErrClosed
	isAsked  bool
	isLost   bool
	released bool
}

func newClaim(s *Source, p Partition) *Claim {
	c := &Claim{
		s: s, p: p, guard: newGuard(), until: -1,
		asked: make(chan struct{}), lost: make(chan struct{}), done: make(chan struct{}), alarm: make(chan struct{}, 1),
	}
	if s.member != nil {
		c.as = s.member.Membership().Member
	}
	c.touch()
	return c
}

// begin sets where reading begins: what the group has saved, or its Start.
func (c *Claim) begin(at Committed) error {
	state, err := decodeState(at.Metadata)
	if err != nil {
		return c.fault("acquire", err)
	}
	c.read = at.Offset
	c.saved.Store(at.Offset.At)
	c.until, c.stop = c.s.ends.of(c.p)
	c.hold = stream.Hold{
		Stream: c.p.Topic, Partition: c.p.String(), Asked: c.asked, Lost: c.lost,
		Saved: stream.Checkpoint{Position: positionAfter(at.Offset), State: state},
	}
	return nil
}

// positionAfter is Before, but zero where nothing precedes the offset.
func positionAfter(o Offset) stream.Position {
	if o.At <= 0 {
		return stream.Position{}
	}
	return Before(o)
}

// Hold describes the claim.
func (c *Claim) Hold() stream.Hold { return c.hold }

// Partition is what the claim holds.
func (c *Claim) Partition() Partition { return c.p }

// Seek replaces the position at which reading begins. Whether the log still has it is seen by Fetch.
func (c *Claim) Seek(ctx context.Context, after stream.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.touch()
	if err := c.state(); err != nil {
		return c.fault("seek", err)
	}
	at, err := offsetAfter(after)
	if err != nil {
		return c.fault("seek", err)
	}
	c.read = at
	return nil
}

// offsetAfter is After for a position that may come from anywhere.
func offsetAfter(p stream.Position) (Offset, error) {
	major, sub, _ := p.Parts()
	if major[0] != 0 || major[1] != 0 || major[2] > 1<<62 || sub != 0 {
		return Offset{}, fmt.Errorf("%w: position %v is not of this partition", stream.ErrInvalid, p)
	}
	return After(p), nil
}

// Fetch reads the next records, and waits for one.
func (c *Claim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	if len(into) == 0 {
		return 0, c.fault("fetch", fmt.Errorf("%w: no room for a record", stream.ErrInvalid))
	}
	c.touch()
	defer c.touch()
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := c.step(ctx, into)
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// step does the next thing that Fetch has to do; 0 and nil: look again.
func (c *Claim) step(ctx context.Context, into []stream.Record) (int, error) {
	if err := c.state(); err != nil {
		return 0, c.fault("fetch", err)
	}
	if c.isAskedBack() || c.atEnd() {
		return 0, io.EOF
	}
	if !c.begun && c.suspect {
		if err := c.s.sameTopic(ctx, c.p.Topic); err != nil {
			return 0, c.fault("fetch", err)
		}
		c.suspect = false
	}
	if !c.begun {
		c.start()
	}
	n, broken, found := c.take(into)
	switch {
	case n > 0:
		c.doubts = 0
		if mutated("what was fetched is saved") {
			_, _ = c.commit(ctx, Committed{Offset: c.read})
		}
		return n, nil
	case broken != nil:
		return 0, c.mend(ctx, broken)
	case found:
		return 0, nil
	}
	return 0, c.wait(ctx)
}

// wait sleeps until there is something to look at.
func (c *Claim) wait(ctx context.Context) error {
	var bell <-chan time.Time
	if !c.stop.IsZero() {
		timer := time.NewTimer(max(time.Until(c.stop), endPause))
		defer timer.Stop()
		bell = timer.C
	}
	select {
	case <-c.alarm:
	case <-ctx.Done():
	case <-bell:
		return c.settleEnd(ctx)
	}
	return nil
}

// start begins to read at c.read.
func (c *Claim) start() {
	c.begun = true
	c.buffer.reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over == nil {
		c.s.reading.add(c.p, c.read, c.buffer.expect)
	}
}

// state returns why the claim can no longer be used, or nil.
func (c *Claim) state() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

func (c *Claim) isAskedBack() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isAsked
}

// ask closes Asked.
func (c *Claim) ask() {
	c.mu.Lock()
	first := !c.isAsked && c.over == nil
	c.isAsked = true
	c.mu.Unlock()
	if first {
		close(c.asked)
		c.nudge()
	}
}

// finish ends the claim for a reason, and the reading of its partition; it reports whether it was still alive.
func (c *Claim) finish(why error, lost bool) bool {
	c.mu.Lock()
	if c.over != nil {
		c.mu.Unlock()
		return false
	}
	c.over, c.isLost = why, lost
	if c.buffer.stop() {
		c.s.reading.Resume(c.p)
	}
	c.s.reading.Remove(c.p)
	c.mu.Unlock()
	if lost {
		close(c.lost)
	}
	c.nudge()
	return true
}

// lose takes the partition: writes are refused from now on, and the one under way is cancelled.
func (c *Claim) lose(why error) {
	c.guard.close()
	if c.finish(why, true) {
		close(c.done)
	}
}

// Release gives the partition back. After a loss it only lets the partition be granted to this member again.
func (c *Claim) Release(ctx context.Context, finished bool) error {
	idle := c.guard.close()
	first := c.finish(stream.ErrLost, false)
	select {
	case <-idle:
	case <-ctx.Done():
	}
	c.mu.Lock()
	again := c.released
	c.released = true
	c.mu.Unlock()
	if again {
		return nil
	}
	c.s.released(c, first && finished && c.ended.Load())
	if first {
		close(c.done)
	}
	return nil
}

// nudge lets a waiting Fetch look again. It never blocks.
func (c *Claim) nudge() {
	select {
	case c.alarm <- struct{}{}:
	default:
	}
}

// touch notes that the handler is alive.
func (c *Claim) touch() { c.progress.Store(time.Now().UnixNano()) }

// fault adds the place to an error.
func (c *Claim) fault(op string, err error) error { return fault(op, c.p.Topic, c.p.String(), err) }

// fault adds the operation and the place to err once.
func fault(op, topic, partition string, err error) error {
	var placed *stream.Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &placed) {
		return err
	}
	return &stream.Error{Op: op, Stream: topic, Partition: partition, Err: err}
}
