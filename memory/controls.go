package memory

import (
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Abandon does to a member what kill -9 does to its process: its calls fail from now on, and the group learns of it
// when the session is over. A member that is not alive is stream.ErrNotFound, here and in the controls below.
func (b *Backend) Abandon(group, member string) error {
	m, err := b.member("abandon", group, member)
	if err != nil {
		return err
	}
	g := m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	m.die()
	return nil
}

func (m *member) die() {
	if m.dead || m.closed {
		return
	}
	m.dead = true
	for _, c := range m.claims {
		if !c.has(claimLost) {
			c.set(claimLost)
			close(c.lost)
		}
	}
	m.unpause()
	m.stir()
	m.silence = m.b.clock.after(m.b.traits.session, func() {
		m.g.mu.Lock()
		defer m.g.mu.Unlock()
		m.g.leave(m)
	})
}

// Pause stops a member as SIGSTOP, a long garbage collection or a cut cable does: its calls hang until Resume. When
// that lasts for the session, the group takes its partitions away, of which the member learns when it is resumed: its
// handlers go on meanwhile, as zombies. A second Pause does nothing.
func (b *Backend) Pause(group, member string) error {
	m, err := b.member("pause", group, member)
	if err != nil {
		return err
	}
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	m.pause()
	return nil
}

func (m *member) pause() {
	if m.paused != nil || !m.joined {
		return
	}
	m.paused = make(chan struct{})
	m.held.Store(true)
	m.silence = m.b.clock.after(m.b.traits.session, func() {
		m.g.mu.Lock()
		defer m.g.mu.Unlock()
		if m.paused != nil {
			m.g.leave(m)
		}
	})
}

// Resume lets a paused member go on. If its session is over, it loses what it held, and joins again.
func (b *Backend) Resume(group, member string) error {
	m, err := b.member("resume", group, member)
	if err != nil {
		return err
	}
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	m.unpause()
	return nil
}

func (m *member) unpause() {
	if m.paused == nil {
		return
	}
	close(m.paused)
	m.paused = nil
	m.held.Store(false)
	m.silence.stop()
	for _, c := range m.claims {
		if c.has(claimFenced) && !c.has(claimLost) {
			close(c.lost)
			c.set(claimLost)
		}
	}
	m.waits = true
	m.stir()
}

// Expel throws a member out of its group at once: it loses its partitions, and joins again when it asks for the next.
func (b *Backend) Expel(group, member string) error {
	m, err := b.member("expel", group, member)
	if err != nil {
		return err
	}
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	m.g.leave(m)
	m.waits = true
	m.stir()
	return nil
}

// Rebalance shares a group's partitions out anew, as when a member comes or goes: with eager assignment all are asked
// back, else each member with a partition gives one back. A group that nobody has joined is stream.ErrNotFound.
func (b *Backend) Rebalance(group string) error {
	g := b.peek(group)
	if g == nil {
		return &stream.Error{Op: "rebalance", Err: fmt.Errorf("%w: group %.80q", stream.ErrNotFound, group)}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !b.traits.eager {
		g.shift()
	}
	g.rebalance(true)
	return nil
}

// shift asks one partition of each member back and gives it to the next member.
func (g *group) shift() {
	moved := map[*member]bool{}
	for _, s := range g.seats {
		if s.holder == nil || moved[s.holder.m] {
			continue
		}
		from := s.holder.m
		moved[from] = true
		g.ask(s.holder)
		for i, m := range g.members {
			if next := g.members[(i+1)%len(g.members)]; m == from && next != from && s.want == from && g.can(next, s) {
				s.want = next
			}
		}
	}
}

// Trim deletes the records of a partition that stand before a position, as retention does, or DeleteRecords on Kafka.
func (b *Backend) Trim(name, partition string, before stream.Position) error {
	t, err := b.topic(name)
	if err != nil {
		return fault("trim", name, partition, err)
	}
	p, ok := t.partition(partition)
	if !ok {
		return fault("trim", name, partition, fmt.Errorf("%w: no such partition", stream.ErrNotFound))
	}
	n, err := p.scale.number(before)
	if err != nil {
		return fault("trim", name, partition, err)
	}
	if n > 0 {
		p.trim(n - 1)
	}
	return nil
}

// Retain changes for how long a stream keeps records; those that are older go at once. Below 0 keeps them whatever
// their age. What the profile does not allow is stream.ErrUnsupported.
func (b *Backend) Retain(name string, keep time.Duration) error {
	t, err := b.topic(name)
	if err != nil {
		return fault("retain", name, "", err)
	}
	if keep == 0 || !t.trims {
		return fault("retain", name, "", fmt.Errorf("%w: a retention of %v for this stream", stream.ErrInvalid, keep))
	}
	if errs := b.checkStream(stream.StreamConfig{Name: name, Retention: keep}); len(errs) > 0 {
		return fault("retain", name, "", errs[0])
	}
	t.keep.Store(int64(keep))
	for _, p := range t.partitions() {
		p.mu.Lock()
		p.expire(b.clock.millis(), true)
		p.mu.Unlock()
	}
	return nil
}

// Compact compacts a compacted stream now and whole; other streams answer stream.ErrInvalid.
func (b *Backend) Compact(name string) error {
	t, err := b.topic(name)
	if err == nil && !t.compacted {
		err = fmt.Errorf("%w: the stream is not compacted", stream.ErrInvalid)
	}
	if err != nil {
		return fault("compact", name, "", err)
	}
	for _, p := range t.partitions() {
		p.mu.Lock()
		p.compact(b.clock.millis(), true)
		p.mu.Unlock()
	}
	return nil
}

// Distribute switches a stream's record distribution: with auto the service spreads records as it likes and ignores
// keys, as Kinesis does with RecordDistributionStrategy AUTO. Only the profile Kinesis can.
func (b *Backend) Distribute(name string, auto bool) error {
	t, err := b.topic(name)
	if err == nil && b.config.Profile != Kinesis {
		err = fmt.Errorf("%w: record distribution is of the profile kinesis", stream.ErrUnsupported)
	}
	if err != nil {
		return fault("distribute", name, "", err)
	}
	t.auto.Store(auto)
	return nil
}

// member finds a member that is alive.
func (b *Backend) member(op, group, name string) (*member, error) {
	b.mu.Lock()
	members := append([]*member(nil), b.members...)
	b.mu.Unlock()
	for _, m := range members {
		if m.config.Group == group && m.config.Member == name && m.alive() {
			return m, nil
		}
	}
	err := fmt.Errorf("%w: member %.80q is not alive in group %.80q", stream.ErrNotFound, name, group)
	return nil, &stream.Error{Op: op, Err: err}
}

func (m *member) alive() bool {
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	return !m.dead && !m.closed
}
