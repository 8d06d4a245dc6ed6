package memory

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// Lag tells how far a group is behind without joining it. Records are counted on profiles that can tell (Kafka); the
// age of the oldest is always known.
func (b *Backend) Lag(
	ctx context.Context, c stream.SourceConfig, at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	var lags []stream.Lag
	err := b.call(ctx, OpLag, Where{Group: c.Group}, 0, func() (err error) {
		lags, err = b.lag(c, at)
		return err
	})
	if err != nil {
		return nil, fault("lag", "", "", err)
	}
	return lags, nil
}

func (b *Backend) lag(
	c stream.SourceConfig, at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	if err := b.live(); err != nil {
		return nil, err
	}
	m := &member{b: b, config: c}
	if err := m.resolve(); err != nil {
		return nil, err
	}
	g := b.peek(c.Group)
	var lags []stream.Lag
	for _, t := range m.topics {
		for _, p := range t.partitions() {
			if !m.selects(p) || p.gone() {
				continue
			}
			lag, over, err := b.lagOf(g, p, c.Start, at)
			if err != nil {
				return nil, fault("lag", t.name, p.name, err)
			}
			if !over {
				lags = append(lags, lag)
			}
		}
	}
	return lags, nil
}

// peek returns the group of that name, or nil: nobody has joined it yet.
func (b *Backend) peek(name string) *group {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.groups[name]
}

// lagOf tells one partition's lag; over: the group is through with it.
func (b *Backend) lagOf(
	g *group, p *partition, start stream.Start, at func(stream, partition string) (stream.Position, error),
) (lag stream.Lag, over bool, err error) {
	lag = stream.Lag{Stream: p.topic.name, Partition: p.name}
	after, saved, over, err := g.reached(p, start)
	if err != nil || over {
		return lag, over, err
	}
	lag.Checkpoint = saved
	if at != nil {
		if lag.Checkpoint, err = at(p.topic.name, p.name); err != nil {
			return lag, false, err
		}
		if !lag.Checkpoint.IsZero() {
			if after, err = p.scale.number(lag.Checkpoint); err != nil {
				return lag, false, err
			}
		}
	}
	now := b.clock.millis()
	count, oldest := p.behind(after)
	lag.Records = stream.Count{N: count, Known: b.traits.lagRecords}
	if !b.traits.lagRecords {
		lag.Records.N = 0
	}
	lag.Millis.Known = true
	if count > 0 {
		lag.Millis.N = max(now-oldest, 1) // a record that has just come is behind too
	}
	return lag, false, nil
}

// reached says after which number the group reads p next; g may be nil, a group that does not exist yet.
func (g *group) reached(p *partition, start stream.Start) (after uint64, saved stream.Position, over bool, err error) {
	if g != nil {
		g.mu.Lock()
		s := g.byPart[p]
		g.mu.Unlock()
		if s != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			if s.saved.Position.IsZero() {
				return s.start, stream.Position{}, s.ended, nil
			}
			return s.after, s.saved.Position, s.ended, nil
		}
	}
	after, over, err = begin(p, start, []*partition{p})
	return after, stream.Position{}, over, err
}

// behind counts the readable records after a number, and tells the time of the first of them.
func (p *partition) behind(after uint64) (count, oldest int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit, first := p.stable(), true
	for i, s := range p.slabs {
		if s.last <= after {
			continue
		}
		if i > 0 && !first && s.last <= limit {
			count += int64(s.live)
			continue
		}
		at := 0
		if i == 0 {
			at = p.head
		}
		at = max(at, s.seek(after))
		for ; at < len(s.buf) && number(s.buf, at) <= limit; at = s.next(at) {
			if isHole(s.buf, at) {
				continue
			}
			if first {
				first, oldest = false, millis(s.buf, at)
			}
			count++
		}
	}
	return count, oldest
}
