package memory

import (
	"fmt"
	"slices"

	"github.com/streamport-go/streamport/stream"
)

// Records returns what a reader of the whole stream would get: partition by partition in the order in which they were
// made, each in its order. The stream must exist; else it is empty.
func (b *Backend) Records(name string) []stream.Record {
	t, err := b.topic(name)
	if err != nil {
		return nil
	}
	var all []stream.Record
	for _, p := range t.partitions() {
		all = append(all, p.records()...)
	}
	return all
}

// records returns the readable records of one partition.
func (p *partition) records() []stream.Record {
	var all []stream.Record
	var cur cursor
	into := make([]stream.Record, 256)
	for {
		n, met := p.read(&cur, into, unbounded, nil)
		switch met {
		case got:
			all = append(all, into[:n]...)
		case expired:
			p.mu.Lock()
			cur = cursor{after: p.floor}
			p.mu.Unlock()
		default:
			return all
		}
	}
}

// Checkpoint returns how far a group is done in a partition; the zero Checkpoint if it has saved nothing, or does not
// exist.
func (b *Backend) Checkpoint(group, name, partition string) stream.Checkpoint {
	return b.Checkpoints(group)[stream.CheckpointKey{Group: group, Stream: name, Partition: partition}]
}

// Checkpoints returns every checkpoint that a group has saved in the backend.
func (b *Backend) Checkpoints(group string) map[stream.CheckpointKey]stream.Checkpoint {
	all := map[stream.CheckpointKey]stream.Checkpoint{}
	g := b.peek(group)
	if g == nil {
		return all
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.seats {
		if !s.saved.Position.IsZero() || s.saved.State != nil {
			key := stream.CheckpointKey{Group: group, Stream: s.part.topic.name, Partition: s.part.name}
			all[key] = copyCheckpoint(s.saved)
		}
	}
	return all
}

// Members returns the names of the members that are in a group as far as the group knows, in the order in which they
// joined.
func (b *Backend) Members(group string) []string {
	g := b.peek(group)
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	for _, m := range g.members {
		names = append(names, m.config.Member)
	}
	return names
}

// Holder returns the member of a group that holds a partition, or "".
func (b *Backend) Holder(group, name, partition string) string {
	g := b.peek(group)
	if g == nil {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.seats {
		if s.part.topic.name == name && s.part.name == partition && s.holder != nil {
			return s.holder.m.config.Member
		}
	}
	return ""
}

// Partitions returns the names of all partitions of a stream, closed ones too, in the order in which they were made.
func (b *Backend) Partitions(name string) []string {
	t, err := b.topic(name)
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range t.partitions() {
		names = append(names, p.name)
	}
	return names
}

// Injected returns how often each random fault has happened, by the field of Faults.
func (b *Backend) Injected() map[string]int { return b.faults.dice.counts() }

// stuck names the first thing that is in flight, or is nil. Busy sinks come first, then partitions whose records are
// not done.
func (b *Backend) stuck() error {
	b.mu.Lock()
	sinks, members, closed := slices.Clone(b.sinks), slices.Clone(b.members), b.closed
	b.mu.Unlock()
	if closed {
		return stream.ErrClosed
	}
	for _, s := range sinks {
		if n := s.lanes.waiting(); n > 0 {
			return fmt.Errorf("producer %q has %d records that are not stored yet", s.config.Member, n)
		}
	}
	for _, m := range members {
		if err := m.g.stuck(m); err != nil {
			return err
		}
	}
	return nil
}

func (l *lanes) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records
}

// stuck names the first partition with records that the group of the member m has not done.
func (g *group) stuck(m *member) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !m.joined && !m.dead {
		return fmt.Errorf("member %q of group %q is about to join again", m.config.Member, g.name)
	}
	for _, s := range g.seats {
		if err := g.stuckAt(s); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) stuckAt(s *seat) error {
	if s.ended || (s.holder == nil && !g.wanted(s)) {
		return nil
	}
	name := s.part.topic.name + "/" + s.part.name
	c := s.holder
	if c == nil && s.want == nil {
		return fmt.Errorf("%s in group %q waits until its former holder has released it", name, g.name)
	}
	if c == nil {
		return fmt.Errorf("%s is on its way to member %q of group %q", name, s.want.config.Member, g.name)
	}
	after, saves := s.start, g.name != "" && !c.m.config.External
	if !s.saved.Position.IsZero() {
		after = s.after
	}
	if !saves {
		if s.part.waits(c) {
			return nil
		}
		return fmt.Errorf("the handler of %s in member %q of group %q is at work and has not asked for more",
			name, c.m.config.Member, g.name)
	}
	if m := c.m; m.bounds != nil && m.reached(s) {
		return nil
	}
	n, _ := s.part.behind(after)
	if n == 0 && !s.part.complete() {
		return nil
	}
	doing := "is at work"
	if s.part.waits(c) {
		doing = "waits for more"
	}
	return fmt.Errorf(
		"the handler of %s in member %q of group %q %s: %d records are not checkpointed, the checkpoint is at %v",
		name, c.m.config.Member, g.name, doing, n, s.saved.Position)
}

// wanted reports whether some member is to read the seat now: one selects it, its end is not reached, and what it
// replaces is done.
func (g *group) wanted(s *seat) bool {
	for _, m := range g.members {
		if m.selects(s.part) && !m.reached(s) && g.ready(s, m) {
			return true
		}
	}
	return false
}

// waits reports whether a claim has read everything and waits for more.
func (p *partition) waits(c *claim) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.idle
}
