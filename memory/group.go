package memory

import (
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// A group is what the service knows of some members that share partitions: who they are, what each holds, and how far
// each partition is done. It outlives its members. A reading without group has one of its own.
type group struct {
	b    *Backend
	name string

	mu      sync.Mutex // guards what follows, and the fields of members, seats and claims that say so
	members []*member  // alive as far as the group knows, in the order in which they joined
	seats   []*seat    // by stream as first read, then as the partitions were made
	byPart  map[*partition]*seat
	topics  []*topic // whose Start is resolved
	moving  int      // claims that were asked back and are not released
	epoch   int64    // how many rebalances there were
}

// A seat is one partition in a group. The group's lock guards it.
type seat struct {
	part   *partition
	start  uint64            // reading begins after it while there is no checkpoint
	saved  stream.Checkpoint // the last one
	after  uint64            // number of saved.Position
	ended  bool              // the partition is complete: what replaces it may be granted
	doneAt uint64            // up to where a reading with an end has been given back as finished
	holder *claim            // who has it
	want   *member           // who should have it
	queued *member           // in whose queue of offers it stands
}

// group returns the group of that name, and makes it when it is first named.
func (b *Backend) group(name string) *group {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.groups[name]
	if g == nil {
		g = newGroup(b, name)
		b.groups[name] = g
	}
	return g
}

func newGroup(b *Backend, name string) *group {
	return &group{b: b, name: name, byPart: map[*partition]*seat{}}
}

// born resolves the Start of a stream that the group has not read before, and takes notice of new partitions of one
// that it has.
func (g *group) born(t *topic, start stream.Start, only []*partition) error {
	known := false
	for _, u := range g.topics {
		known = known || u == t
	}
	for _, p := range t.partitions() {
		if g.byPart[p] != nil {
			continue
		}
		s := &seat{part: p}
		if !known {
			var err error
			if s.start, s.ended, err = begin(p, start, only); err != nil {
				return err
			}
		}
		g.byPart[p] = s
		g.seats = append(g.seats, s)
	}
	if !known {
		g.topics = append(g.topics, t)
	}
	return nil
}

// begin says after which number a new group reads p, and whether p is then over for it.
func begin(p *partition, start stream.Start, only []*partition) (after uint64, over bool, err error) {
	kind, at, position := start.Parts()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(p.topic.b.clock.millis(), true)
	switch kind {
	case stream.StartLatest:
		after = p.stable()
	case stream.StartSince:
		after, _ = p.before(at.UnixMilli())
	case stream.StartAfter:
		if len(only) == 1 && only[0] == p {
			after, err = p.number(position)
		}
	default:
		after = p.floor
	}
	return after, p.closed && after >= p.end && kind != stream.StartOldest, err
}

// discover takes notice of partitions that were made after the group was born, and shares them out.
func (g *group) discover(t *topic, everybody bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range g.topics {
		if u == t {
			_ = g.born(t, stream.Start{}, nil) // cannot fail: the stream is known
			g.rebalance(everybody)
			return
		}
	}
}

// ready reports whether a seat can be granted: it is not over, and all that it replaces is. A parent that retention has
// taken, that the member does not read, or that it has read to its own end, counts as over.
func (g *group) ready(s *seat, m *member) bool {
	if s.ended {
		return false
	}
	for _, parent := range s.part.parents {
		up := g.byPart[parent]
		if up != nil && !up.ended && !m.reached(up) && m.selects(parent) && !parent.gone() {
			return false
		}
	}
	return true
}

// can reports whether the member may be given the seat.
func (g *group) can(m *member, s *seat) bool {
	if !m.selects(s.part) || m.reached(s) {
		return false
	}
	if c := m.claims[s]; c != nil && c.gone() { // it must release the former claim first
		return false
	}
	return g.ready(s, m)
}
