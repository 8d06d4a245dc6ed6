package memory

import (
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
