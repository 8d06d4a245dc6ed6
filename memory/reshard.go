package memory

import (
	"fmt"
	"slices"

	"github.com/streamport-go/streamport/stream"
)

// Split replaces a partition by two that take half of its hashes each. Only hashed profiles (Kinesis, Strict) can; the
// others answer stream.ErrUnsupported.
func (b *Backend) Split(name, which string) error {
	return b.alter("split", name, which, func(t *topic, open []*partition) ([]*partition, []*partition, error) {
		i, err := t.findOpen(open, which)
		if err != nil {
			return nil, nil, err
		}
		p := open[i]
		middle := p.low.middle(p.high)
		parents := []*partition{p}
		left, right := t.add(p.low, middle, parents), t.add(middle.next(), p.high, parents)
		return slices.Concat(open[:i], []*partition{left, right}, open[i+1:]), parents, nil
	})
}

// Merge replaces two neighbours by one partition. Only hashed profiles (Kinesis, Strict) can; partitions whose ranges
// do not touch are stream.ErrInvalid.
func (b *Backend) Merge(name, first, second string) error {
	return b.alter("merge", name, first, func(t *topic, open []*partition) ([]*partition, []*partition, error) {
		i, err := t.findOpen(open, first)
		if err != nil {
			return nil, nil, err
		}
		j, err := t.findOpen(open, second)
		if err != nil {
			return nil, nil, err
		}
		low, high := min(i, j), max(i, j)
		if high != low+1 {
			return nil, nil, fmt.Errorf("%w: partitions %s and %s are no neighbours", stream.ErrInvalid, first, second)
		}
		parents := []*partition{open[low], open[high]}
		child := t.add(open[low].low, open[high].high, parents)
		return slices.Concat(open[:low], []*partition{child}, open[high+1:]), parents, nil
	})
}

// Grow adds partitions until there are n. Only profiles that place by murmur2 (Kafka) can, and it moves keys.
func (b *Backend) Grow(name string, n int) error {
	t, err := b.topic(name)
	if err != nil {
		return fault("grow", name, "", err)
	}
	if t.traits.hashed {
		return fault("grow", name, "", fmt.Errorf("%w: here partitions split and merge", stream.ErrUnsupported))
	}
	t.mu.Lock()
	open := slices.Clone(t.routes.Load().open)
	if n <= len(open) || n > maxPartitions {
		t.mu.Unlock()
		err := fmt.Errorf("%w: the stream has %d partitions and cannot have %d", stream.ErrInvalid, len(open), n)
		return fault("grow", name, "", err)
	}
	for len(open) < n {
		open = append(open, t.add(point{}, point{}, nil))
	}
	t.routes.Store(&routes{open: open})
	t.mu.Unlock()
	b.spread(t, true)
	return nil
}

// alter replaces some open partitions by others: first the new ones take records, then the old ones are closed.
func (b *Backend) alter(
	op, name, which string, how func(*topic, []*partition) (open, closed []*partition, err error),
) error {
	t, err := b.topic(name)
	if err != nil {
		return fault(op, name, which, err)
	}
	if !t.traits.hashed || !t.traits.resharding {
		return fault(op, name, which, fmt.Errorf("%w: here partitions are only added, by Grow", stream.ErrUnsupported))
	}
	t.mu.Lock()
	open, closed, err := how(t, t.routes.Load().open)
	if err == nil {
		t.routes.Store(&routes{open: open})
	}
	t.mu.Unlock()
	if err != nil {
		return fault(op, name, which, err)
	}
	for _, p := range closed {
		p.close(b.clock.millis())
	}
	b.spread(t, false)
	return nil
}

// findOpen returns the index of a partition that takes records.
func (t *topic) findOpen(open []*partition, name string) (int, error) {
	for i, p := range open {
		if p.name == name {
			return i, nil
		}
	}
	for _, p := range t.all {
		if p.name == name {
			return 0, fmt.Errorf("%w: the partition is closed", stream.ErrInvalid)
		}
	}
	return 0, fmt.Errorf("%w: no such partition", stream.ErrNotFound)
}

// spread tells every group of the new partitions of a stream.
func (b *Backend) spread(t *topic, everybody bool) {
	for _, g := range b.everyGroup() {
		g.discover(t, everybody)
	}
}

// everyGroup returns all groups, those of readings without group too, in a fixed order.
func (b *Backend) everyGroup() []*group {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*group
	for _, g := range b.groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(x, y *group) int {
		if x.name < y.name {
			return -1
		}
		return 1
	})
	for _, m := range b.members {
		if m.config.Group == "" {
			all = append(all, m.g)
		}
	}
	return all
}

// reshard is the random fault: it splits the partition, merges it with a neighbour, or adds one.
func (b *Backend) reshard(t *topic, at Where) {
	open := t.routes.Load().open
	const most = 64 // a random test stays small
	if !t.traits.hashed {
		if len(open) < most {
			_ = b.Grow(t.name, len(open)+1) // somebody else may have been faster
		}
		return
	}
	i := slices.IndexFunc(open, func(p *partition) bool { return p.name == at.Partition })
	if i < 0 {
		return
	}
	if b.faults.dice.draw("split or merge", at)&1 == 0 && len(open) < most || len(open) == 1 {
		_ = b.Split(t.name, open[i].name) // likewise
		return
	}
	j := i + 1
	if j == len(open) {
		j = i - 1
	}
	_ = b.Merge(t.name, open[i].name, open[j].name) // likewise
}
