package memory

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// A member is one source: a member of its group. The group's lock guards the fields below the first blank line.
type member struct {
	b      *Backend
	g      *group
	config stream.SourceConfig
	id     int // in replays
	topics []*topic
	only   []*partition        // empty: all
	picked map[*partition]bool // the same
	bounds map[*partition]uint64
	fixed  bool // only the partitions in bounds are read

	joined  bool // the group counts it in
	closed  bool // Close was called, or the backend's
	dead    bool // Abandon was called
	offers  []*seat
	claims  map[*seat]*claim // granted and not released, lost ones too
	load    int              // seats that it should have
	reading int              // how many of the group's seats, from the first, this reading is through with
	wake    chan struct{}    // closed and replaced when Next should look again
	waits   bool             // a Next waits for wake
	held    atomic.Bool      // paused is not nil; read without the lock
	paused  chan struct{}    // not nil while the member is paused; closed by Resume
	silence *timer           // until a paused or dead member is taken for dead
}

// OpenSource joins the group, or begins a reading without group.
func (b *Backend) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	var m *member
	err := b.call(ctx, OpOpen, Where{Group: c.Group, Member: c.Member}, 0, func() (err error) {
		m, err = b.openSource(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (b *Backend) openSource(c stream.SourceConfig) (*member, error) {
	if err := b.live(); err != nil {
		return nil, fault("open source", "", "", err)
	}
	m := &member{b: b, config: c, claims: map[*seat]*claim{}, wake: make(chan struct{}), id: b.faults.number(aSource)}
	if err := m.resolve(); err != nil {
		return nil, err
	}
	m.g = newGroup(b, "")
	if c.Group != "" {
		m.g = b.group(c.Group)
	}
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil, fault("open source", "", "", stream.ErrClosed)
	}
	b.members = append(b.members, m)
	b.mu.Unlock()
	if err := m.g.join(m); err != nil {
		b.forget(m)
		return nil, fault("open source", "", "", err)
	}
	return m, nil
}

// resolve looks up the streams and partitions, and where the reading ends.
func (m *member) resolve() error {
	c := m.config
	m.picked = map[*partition]bool{}
	if err := m.able(); err != nil {
		return fault("open source", "", "", err)
	}
	for _, name := range c.Streams {
		t, err := m.b.topic(name)
		if err != nil {
			return fault("open source", name, "", err)
		}
		m.topics = append(m.topics, t)
	}
	if len(c.Partitions) > 0 && len(m.topics) != 1 {
		return fault("open source", "", "", fmt.Errorf("%w: partitions are selected in one stream only", stream.ErrInvalid))
	}
	for _, name := range c.Partitions {
		p, ok := m.topics[0].partition(name)
		if !ok {
			return fault("open source", c.Streams[0], name, fmt.Errorf("%w: no such partition", stream.ErrNotFound))
		}
		if m.picked[p] {
			return fault("open source", c.Streams[0], name, fmt.Errorf("%w: the partition is named twice", stream.ErrInvalid))
		}
		m.only = append(m.only, p)
		m.picked[p] = true
	}
	for _, s := range []stream.Start{c.Start, c.End} {
		if kind, _, _ := s.Parts(); kind == stream.StartAfter && len(m.only) != 1 {
			return fault("open source", "", "", fmt.Errorf("%w: After needs exactly one partition", stream.ErrInvalid))
		}
	}
	return m.bound()
}

// able refuses what the service that is simulated cannot do.
func (m *member) able() error {
	t := m.b.traits
	if t.ungrouped && m.config.Group != "" {
		return fmt.Errorf("%w: the service has no groups", stream.ErrUnsupported)
	}
	for _, s := range []stream.Start{m.config.Start, m.config.End} {
		if kind, _, _ := s.Parts(); t.untimed && kind == stream.StartSince {
			return fmt.Errorf("%w: the service cannot find a time", stream.ErrUnsupported)
		}
	}
	return nil
}

// join makes m a member of the group. Its Start counts where the group has not been.
func (g *group) join(m *member) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, other := range slices.Clone(g.members) {
		if other.config.Member != m.config.Member {
			continue
		}
		if !other.dead {
			return fmt.Errorf("%w: member %.80q is alive in group %.80q", stream.ErrInvalid, m.config.Member, g.name)
		}
		g.leave(other) // the dead one has been started anew
	}
	for _, t := range m.topics {
		if err := g.born(t, m.config.Start, m.only); err != nil {
			return err
		}
	}
	m.joined = true
	g.members = append(g.members, m)
	g.rebalance(true)
	return nil
}

// leave takes a member out of the group, with its claims.
func (g *group) leave(m *member) {
	if !m.joined {
		return
	}
	m.joined = false
	m.silence.stop()
	g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
	for _, s := range g.seats {
		if s.holder != nil && s.holder.m == m {
			g.strip(m, s.holder)
		}
	}
	m.offers = nil
	for _, s := range g.seats {
		if s.queued == m {
			s.queued = nil
		}
	}
	g.rebalance(true)
}

// strip ends a claim of a member that leaves.
func (g *group) strip(m *member, c *claim) {
	switch {
	case m.closed:
		c.set(claimReleased)
	case m.paused != nil: // it learns of it when it resumes
		c.set(claimFenced)
	case !c.has(claimLost):
		close(c.lost)
		c.set(claimLost)
	}
	g.vacate(c)
}

// Next grants the next partition.
func (m *member) Next(ctx context.Context) (stream.Claim, error) {
	var c *claim
	err := m.call(ctx, OpNext, nil, func() (err error) {
		c, err = m.await(ctx)
		return err
	})
	if err != nil {
		if c != nil { // the answer is lost: as if nobody had been granted anything
			_ = c.Release(context.WithoutCancel(ctx), false)
		}
		return nil, err
	}
	return c, nil
}

// await waits for a partition.
func (m *member) await(ctx context.Context) (*claim, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, wait, err := m.next()
		if c != nil || err != nil {
			return c, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
		}
		m.b.faults.pace(OpNext, m.at(nil), m.id)
	}
}

// next grants a partition if it can, or says what to wait for.
func (m *member) next() (*claim, <-chan struct{}, error) {
	g := m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.closed || m.dead {
		return nil, nil, fault("next", "", "", stream.ErrClosed)
	}
	if !m.joined && m.paused == nil { // it was expelled: come back
		m.joined = true
		g.members = append(g.members, m)
		g.rebalance(true)
	}
	if g.moving == 0 || !g.b.traits.eager {
		if c := m.take(); c != nil {
			return c, nil, nil
		}
	}
	if m.over() {
		return nil, nil, io.EOF
	}
	m.waits = true
	return nil, m.wake, nil
}

// take makes a claim of the first offer that still stands.
func (m *member) take() *claim {
	var kept []*seat
	for i, s := range m.offers {
		stands := s.want == m && s.holder == nil && !s.ended && s.queued == m
		if stands && m.claims[s] != nil {
			kept = append(kept, s) // the former claim must be released first
			continue
		}
		if s.queued == m {
			s.queued = nil
		}
		if !stands {
			continue
		}
		if m.offers = m.offers[i+1:]; len(kept) > 0 {
			m.offers = append(kept, m.offers...)
		}
		c := newClaim(m, s)
		s.holder = c
		m.claims[s] = c
		return c
	}
	m.offers = kept
	return nil
}

// stir lets a waiting Next look again.
func (m *member) stir() {
	if m.waits {
		m.waits = false
		close(m.wake)
		m.wake = make(chan struct{})
	}
}

// selects reports whether this member reads p.
func (m *member) selects(p *partition) bool {
	if len(m.only) > 0 {
		return m.picked[p]
	}
	return slices.Contains(m.topics, p.topic)
}

// Close leaves the group; a second Close does nothing.
func (m *member) Close(ctx context.Context) error {
	m.shut(0)
	m.b.forget(m)
	return nil
}

// shut ends the source: its claims are over, and Next answers ErrClosed. Flag is noted on every claim.
func (m *member) shut(flag uint32) {
	g := m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	m.unpause()
	for _, c := range m.claims {
		c.set(flag)
		if flag == claimClosed && !c.has(claimLost) {
			close(c.lost)
			c.set(claimLost)
		}
	}
	if !m.dead {
		g.leave(m)
	}
	m.stir()
}

// forget takes a closed source off the backend's list.
func (b *Backend) forget(m *member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = slices.DeleteFunc(b.members, func(other *member) bool { return other == m })
}
