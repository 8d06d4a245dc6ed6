package memory

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// bound resolves SourceConfig.End to a number for each selected partition.
func (m *member) bound() error {
	kind, at, position := m.config.End.Parts()
	if kind == stream.StartOldest {
		return nil
	}
	m.bounds = map[*partition]uint64{}
	now := m.b.clock.millis()
	m.fixed = kind != stream.StartSince || at.UnixMilli() <= now
	for _, t := range m.topics {
		for _, p := range t.partitions() {
			if !m.selects(p) {
				continue
			}
			if err := m.boundOne(p, kind, at.UnixMilli(), position); err != nil {
				return fault("open source", t.name, p.name, err)
			}
		}
	}
	return nil
}

func (m *member) boundOne(p *partition, kind string, at int64, position stream.Position) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch kind {
	case stream.StartLatest:
		m.bounds[p] = p.stable()
	case stream.StartSince:
		if n, found := p.before(at); found || m.fixed {
			m.bounds[p] = n
		}
	case stream.StartAfter:
		n, err := p.scale.number(position)
		if err != nil {
			return err
		}
		m.bounds[p] = n
	}
	return nil
}

// limit is the last number that this reading reads of p.
func (m *member) limit(p *partition) uint64 {
	if n, ok := m.bounds[p]; ok {
		return n
	}
	return unbounded
}

// reached reports whether this reading is through with a seat, or never was to read it.
func (m *member) reached(s *seat) bool {
	if m.bounds == nil {
		return false
	}
	n, ok := m.bounds[s.part]
	switch {
	case !ok:
		return m.fixed
	case s.ended || s.doneAt >= n && s.doneAt > 0:
		return true
	case m.config.External:
		return n == 0
	case s.saved.Position.IsZero():
		return s.start >= n
	}
	return s.after >= n
}

// over reports whether nothing is left to read for this member or any other of its group.
func (m *member) over() bool {
	if m.bounds == nil && len(m.only) == 0 {
		return false
	}
	seats := m.g.seats
	for m.reading < len(seats) {
		s := seats[m.reading]
		if m.selects(s.part) && !s.ended && !m.reached(s) {
			return false
		}
		m.reading++
	}
	return true
}

// stop is the time at which this reading of p ends, in Unix milliseconds, or 0: its end is a number, or nowhere.
func (m *member) stop(p *partition) int64 {
	kind, at, _ := m.config.End.Parts()
	if _, known := m.bounds[p]; known || kind != stream.StartSince {
		return 0
	}
	return at.UnixMilli()
}

// clip ends a reading that ends at a time: before the first record at or after it, or at the end of the partition when
// the time has come.
func (c *claim) clip(into []stream.Record, n int, met reading) (int, reading) {
	now := c.m.b.clock.millis()
	switch met {
	case got:
		for i := range into[:n] {
			if into[i].Time.UnixMilli() >= c.stop {
				first, _ := c.part.scale.number(into[i].Position) // cannot fail: the partition made it
				c.settle(first - 1)
				if i == 0 {
					return 0, bounded
				}
				return i, got
			}
		}
	case nothing:
		if now >= c.stop {
			c.settle(c.cur.after)
			return 0, bounded
		}
		if c.bell == nil {
			c.bell = c.m.b.clock.after(time.Duration(c.stop-now)*time.Millisecond, c.nudge)
		}
	}
	return n, met
}

// settle fixes the number at which the reading ends.
func (c *claim) settle(n uint64) {
	c.until, c.stop = n, 0
	c.cur.after = min(c.cur.after, n)
	c.m.g.mu.Lock()
	defer c.m.g.mu.Unlock()
	c.m.bounds[c.part] = n
}

// ration waits until the partition may be read again, where reads are limited.
func (c *claim) ration(ctx context.Context) error {
	if !c.m.b.config.ReadLimits {
		return nil
	}
	p, r := c.part, c.part.topic.traits
	for {
		now := c.m.b.clock.nanos()
		p.mu.Lock()
		ok := p.calls.take(now, 1, 0, r.readCalls, 0) && p.reads.level(now, r.readBytes) > 0
		p.mu.Unlock()
		if ok {
			return nil
		}
		nap(ctx, time.Second/time.Duration(max(r.readCalls, 1)))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// charge counts what was read against the partition's rate: a reader may overdraw it, and then waits.
func (c *claim) charge(recs []stream.Record) {
	if !c.m.b.config.ReadLimits {
		return
	}
	size := int64(0)
	for i := range recs {
		size += payload(&recs[i])
	}
	c.part.mu.Lock()
	defer c.part.mu.Unlock()
	c.part.reads.bytes -= float64(size)
}
