package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// A claim is one member's time with one partition. The group's lock guards the fields below the first blank line.
type claim struct {
	m     *member
	id    int // in replays
	seat  *seat
	part  *partition
	hold  stream.Hold
	asked chan struct{}
	lost  chan struct{}
	alarm chan struct{} // holds a token when Fetch should look again
	flags atomic.Uint32
	cur   cursor // used by Fetch and, before it, by Seek
	until uint64 // the last number to read
	stop  int64  // the time at which reading ends, in Unix milliseconds, while it is in the future; 0: none
	bell  *timer // wakes Fetch at that time
	met   atomic.Uint32

	moving bool   // it counts in group.moving
	grace  *timer // closes lost

	parked bool // it stands in partition.waiting; the partition's lock guards this and the next
	idle   bool // the last look found nothing to read
	looks  int  // looks in vain since the last record
	eager  int  // after so many it parks
}

// What can have happened to a claim.
const (
	claimAsked    = 1 << iota // asked back
	claimReleased             // given back
	claimLost                 // taken
	claimFenced               // taken, and its member does not know yet
	claimClosed               // the backend is closed
)

func (c *claim) has(flags uint32) bool { return c.flags.Load()&flags != 0 }

// set notes what has happened and lets Fetch look.
func (c *claim) set(flag uint32) {
	c.flags.Or(flag)
	c.nudge()
}

// nudge lets a waiting Fetch look again. It never blocks.
func (c *claim) nudge() {
	select {
	case c.alarm <- struct{}{}:
	default:
	}
}

// gone reports whether the claim is over without having been released.
func (c *claim) gone() bool { return c.has(claimLost | claimFenced) }

// newClaim makes a claim for a member. The caller holds the group's lock.
func newClaim(m *member, s *seat) *claim {
	c := &claim{
		m: m, id: m.b.faults.number(aClaim), seat: s, part: s.part, until: m.limit(s.part),
		asked: make(chan struct{}), lost: make(chan struct{}), alarm: make(chan struct{}, 1),
	}
	c.cur.after, c.stop = s.start, m.stop(s.part)
	if !m.b.faults.wild {
		c.eager = eagerLooks
	}
	c.hold = stream.Hold{
		Stream: s.part.topic.name, Partition: s.part.name, Owns: s.part.owns(), Asked: c.asked, Lost: c.lost,
	}
	if !m.config.External && m.config.Group != "" {
		c.hold.Saved = copyCheckpoint(s.saved)
		if !s.saved.Position.IsZero() {
			c.cur.after = s.after
		}
	}
	c.hold.Replaces = m.g.parents(s.part, map[*partition][]stream.Parent{})
	return c
}

func copyCheckpoint(c stream.Checkpoint) stream.Checkpoint {
	c.State = bytes.Clone(c.State)
	return c
}

// parents tells what a partition replaces, with the group's last checkpoints.
func (g *group) parents(p *partition, seen map[*partition][]stream.Parent) []stream.Parent {
	if known, ok := seen[p]; ok || len(p.parents) == 0 {
		return known
	}
	parents := make([]stream.Parent, len(p.parents))
	for i, up := range p.parents {
		parents[i] = stream.Parent{Partition: up.name, Replaces: g.parents(up, seen)}
		if s := g.byPart[up]; s != nil && g.name != "" {
			parents[i].Saved = copyCheckpoint(s.saved)
		}
	}
	seen[p] = parents
	return parents
}

// Hold describes the claim.
func (c *claim) Hold() stream.Hold { return c.hold }

// Seek replaces the position at which reading begins.
func (c *claim) Seek(ctx context.Context, after stream.Position) error {
	return c.fault("seek", c.m.call(ctx, OpSeek, c, func() error {
		if err := c.state(); err != nil {
			return err
		}
		n, err := c.number(after)
		if err != nil {
			return err
		}
		c.cur = cursor{after: n}
		return nil
	}))
}

// number is the number of a position that may be read after or saved: one of this partition, not beyond its end.
func (c *claim) number(p stream.Position) (uint64, error) {
	c.part.mu.Lock()
	defer c.part.mu.Unlock()
	return c.part.number(p)
}

// number is the number of a position of this partition that is not beyond its end. The caller holds p.mu.
func (p *partition) number(at stream.Position) (uint64, error) {
	n, err := p.scale.number(at)
	if err == nil && n > p.end {
		err = fmt.Errorf("%w: position %v is beyond the end of the partition", stream.ErrInvalid, at)
	}
	return n, err
}

// state returns why the claim can no longer be used, or nil.
func (c *claim) state() error {
	flags := c.flags.Load()
	switch {
	case flags&claimClosed != 0:
		return stream.ErrClosed
	case flags&(claimReleased|claimLost|claimFenced) != 0:
		return stream.ErrLost
	}
	return nil
}

// held is state for a checkpoint: a service without fencing, which Config.Like can ask for, takes late ones.
func (c *claim) held() error {
	err := c.state()
	if c.m.b.traits.unfenced && errors.Is(err, stream.ErrLost) {
		return nil
	}
	return err
}

// Fetch reads the next records, and waits for one.
func (c *claim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	if c.m.plain() {
		return c.fetch(ctx, into)
	}
	n, from := 0, c.cur
	err := c.m.call(ctx, OpFetch, c, func() (err error) {
		n, err = c.fetch(ctx, into)
		return err
	})
	if err != nil {
		if n > 0 {
			c.cur = from // the answer is lost: the records come again
		}
		return 0, c.fault("fetch", err)
	}
	return n, nil
}

func (c *claim) fetch(ctx context.Context, into []stream.Record) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if c.flags.Load() != 0 {
			if err := c.state(); err != nil {
				return 0, c.fault("fetch", err)
			}
			return 0, io.EOF // asked back
		}
		if err := c.ration(ctx); err != nil {
			return 0, err
		}
		n, met := c.part.read(&c.cur, into, c.until, c)
		if c.stop > 0 {
			n, met = c.clip(into, n, met)
		}
		switch met {
		case got:
			c.charge(into[:n])
			return n, nil
		case ended, bounded:
			c.met.Store(uint32(met))
			return 0, io.EOF
		case expired:
			if err := c.leap(); err != nil {
				return 0, err
			}
			continue
		case soon:
			yield()
			continue
		}
		select {
		case <-c.alarm:
		case <-ctx.Done():
		}
		c.m.b.faults.pace(OpFetch, c.m.at(c.part), c.id)
	}
}

// How a reader that found nothing waits at first: it yields the processor so many times, and looks so often, before it
// parks. Records that come one by one are then read many at a time, and their writer need not wake anybody.
const (
	eagerLooks  = 4
	eagerYields = 32
)

func yield() {
	for range eagerYields {
		runtime.Gosched()
	}
}

// leap does what the policy says when retention has passed the cursor.
func (c *claim) leap() error {
	p := c.part
	p.mu.Lock()
	gap := &stream.Error{Op: "fetch", Stream: p.topic.name, Partition: p.name, Err: stream.ErrExpired,
		Asked: p.scale.position(c.cur.after), Oldest: p.oldest()}
	to := p.floor
	if c.m.config.Expired == stream.ExpiredLatest {
		to = p.stable()
	}
	p.mu.Unlock()
	if policy := c.m.config.Expired; policy != stream.ExpiredOldest && policy != stream.ExpiredLatest {
		return gap
	}
	c.cur = cursor{after: to}
	c.m.config.Observe(stream.Event{
		Kind: stream.EventGap, Group: c.m.config.Group, Member: c.m.config.Member, Stream: p.topic.name, Partition: p.name,
		Position: gap.Asked, Oldest: gap.Oldest, Err: gap,
	})
	return nil
}

// Checkpoint saves position and state, if the partition is still held.
func (c *claim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.m.plain() {
		return c.fault("checkpoint", c.save(to, nil))
	}
	return c.fault("checkpoint", c.m.call(ctx, OpCheckpoint, c, func() error { return c.save(to, nil) }))
}

// save writes a checkpoint; decided, if not nil, runs under the lock when it is
// certain that the claim is held, and has the last word.
func (c *claim) save(to stream.Checkpoint, decided func() error) error {
	if err := c.held(); err != nil {
		return err
	}
	if c.m.g.name == "" || c.m.config.External {
		return fmt.Errorf("%w: this reading keeps no checkpoints in the backend", stream.ErrUnsupported)
	}
	if most := c.m.b.traits.stateBytes; most > 0 && int64(len(to.State)) > most {
		return fmt.Errorf("%w: a state of %d bytes, at most %d are kept", stream.ErrTooLarge, len(to.State), most)
	}
	n, err := c.number(to.Position)
	if err != nil {
		return err
	}
	to = copyCheckpoint(to)
	g := c.m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := c.held(); err != nil {
		return err
	}
	if decided != nil {
		if err := decided(); err != nil {
			return err
		}
	}
	to.Epoch = 0
	c.seat.saved, c.seat.after = to, n
	return nil
}

func (c *claim) fault(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return fault(op, c.part.topic.name, c.part.name, err)
}
