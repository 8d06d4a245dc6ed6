package memory

import (
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// A partition is one ordered log. Methods may be called from many goroutines.
type partition struct {
	topic *topic
	name  string
	index int
	scale scale

	low, high point        // hashed: the range of hashes that it takes
	parents   []*partition // hashed: what it replaces

	mu      sync.Mutex // guards what follows
	slabs   []*slab
	head    int    // where the first record that is kept begins in slabs[0]
	end     uint64 // number of the last record or marker
	floor   uint64 // number of the last record that retention took, or 0
	closed  bool   // split or merged away: nothing is appended
	closing int64  // when it was closed, in Unix milliseconds
	latest  int64  // arrival of the last record: arrivals never go back
	bytes   int64  // of the slabs' records that are kept
	swept   int64  // when retention was last looked at, in Unix milliseconds
	clean   int64  // bytes that the last compaction left
	remade  int    // how often compaction has replaced the slabs: cursors look again
	open    []*txPart
	waiting []*claim // readers to wake
	rate    bucket
	reads   bucket
	calls   bucket
}

// put stores r, whose size when encoded is given, and returns its number. The caller holds p.mu.
func (p *partition) put(r *stream.Record, millis int64, size int) (at place, n uint64) {
	s := p.tail(size)
	p.end += p.step()
	at = place{slab: s, at: s.add(r, p.end, millis, size)}
	p.bytes += int64(size)
	return at, p.end
}

// A place is where a record stands in memory.
type place struct {
	slab *slab
	at   int
}

// step is the distance to the next record's number.
func (p *partition) step() uint64 {
	if !p.topic.traits.holes {
		return 1
	}
	return 1 + mix(p.scale.salt+p.end)>>61
}

// tail returns the slab to which size bytes can be added.
func (p *partition) tail(size int) *slab {
	n := len(p.slabs)
	if n > 0 && p.slabs[n-1].room() >= size {
		return p.slabs[n-1]
	}
	serial, room := 0, firstBytes
	if n > 0 {
		serial, room = p.slabs[n-1].serial+1, min(2*cap(p.slabs[n-1].buf), slabBytes)
	}
	s := newSlab(serial, max(room, size))
	p.slabs = append(p.slabs, s)
	return s
}

// stamp is the time of a record that is stored now: its own where event time is stored, else its arrival.
func (p *partition) stamp(r *stream.Record, now int64) int64 {
	p.latest = max(p.latest, now)
	if r.Time.IsZero() || !p.topic.traits.eventTime {
		return p.latest
	}
	return r.Time.UnixMilli()
}

// stable is the number of the last record that a reader may see: all before the first open transaction.
func (p *partition) stable() uint64 {
	if len(p.open) == 0 {
		return p.end
	}
	first := p.open[0].first
	for _, tx := range p.open[1:] {
		first = min(first, tx.first)
	}
	return first - 1
}

// wake lets every waiting reader look again. The caller holds p.mu.
func (p *partition) wake() {
	for i, c := range p.waiting {
		c.parked = false
		c.nudge()
		p.waiting[i] = nil
	}
	p.waiting = p.waiting[:0]
}

// close ends the partition: readers meet its end.
func (p *partition) close(now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.closing = true, now
	p.wake()
}

// gone reports whether the partition is closed and retention has taken all of it: the service no longer knows it.
func (p *partition) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.topic.b.clock.millis()
	p.expire(now, true)
	keep := p.topic.retention()
	return p.closed && len(p.slabs) == 0 && keep > 0 && now-p.closing >= keep.Milliseconds()
}

// first returns the place of the oldest live record, if there is one.
func (p *partition) first() (place, bool) {
	for i, s := range p.slabs {
		at := 0
		if i == 0 {
			at = p.head
		}
		for ; at < len(s.buf); at = s.next(at) {
			if !isHole(s.buf, at) {
				return place{s, at}, true
			}
		}
	}
	return place{}, false
}

// oldest is the position of the oldest live record, or zero.
func (p *partition) oldest() stream.Position {
	if first, ok := p.first(); ok {
		return p.scale.position(number(first.slab.buf, first.at))
	}
	return stream.Position{}
}

// before returns the number of the last record before the first readable one whose time is t or later, and whether
// there is such a one.
func (p *partition) before(t int64) (n uint64, found bool) {
	limit := p.stable()
	prior := p.floor
	for i, s := range p.slabs {
		if s.newest < t {
			prior = s.last
			continue
		}
		at := 0
		if i == 0 {
			at = p.head
		}
		for ; at < len(s.buf); at = s.next(at) {
			n := number(s.buf, at)
			if n > limit {
				return limit, false
			}
			if millis(s.buf, at) >= t && !isHole(s.buf, at) {
				return prior, true
			}
			prior = n
		}
	}
	return limit, false
}
