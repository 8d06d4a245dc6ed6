package memory

import (
	"sort"

	"github.com/streamport-go/streamport/stream"
)

// A cursor is how far a reader has come in a partition. One goroutine at a time uses it.
type cursor struct {
	after  uint64 // number of the last record that was read
	slab   *slab
	at     int // in slab: the first record over after
	remade int // the partition's, when slab was found
}

// What reading a partition can meet.
type reading uint8

const (
	got     reading = iota // records
	nothing                // no record yet: the reader is woken
	soon                   // no record yet: the reader should yield and look again
	ended                  // the partition's end
	bounded                // the reading's own bound
	expired                // retention has passed the cursor
)

// unbounded, as a bound, is no bound.
const unbounded = ^uint64(0)

// read decodes records up to number until into into and moves the cursor past them. With nothing to read it leaves c
// to be woken.
func (p *partition) read(cur *cursor, into []stream.Record, until uint64, c *claim) (int, reading) {
	for {
		s, limit, now := p.look(cur, until, c)
		if s == nil {
			return 0, now
		}
		if n := p.decode(cur, s, limit, into); n > 0 {
			return n, got
		}
	}
}

// look finds, under the lock, what there is to decode: the bytes written of the slab at the cursor, up to number limit.
func (p *partition) look(cur *cursor, until uint64, c *claim) (buf []byte, limit uint64, met reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.topic.trims {
		p.expire(p.topic.b.clock.millis(), false)
	}
	if cur.after < p.floor && cur.after < until {
		return nil, 0, expired
	}
	stable := p.stable()
	limit = min(stable, until)
	if cur.after < limit {
		if cur.slab == nil || cur.remade != p.remade {
			p.locate(cur)
		}
		if p.advance(cur) {
			if c != nil {
				c.idle, c.looks = false, 0
			}
			return cur.slab.buf, limit, got
		}
		cur.after = limit
	}
	switch {
	case cur.after >= until:
		return nil, 0, bounded
	case p.closed && stable == p.end:
		return nil, 0, ended
	}
	if c != nil {
		if c.looks < c.eager {
			c.looks++
			return nil, 0, soon
		}
		c.idle = true
		if !c.parked {
			c.parked = true
			p.waiting = append(p.waiting, c)
		}
	}
	return nil, 0, nothing
}

// locate finds the slab and the offset at which the cursor goes on.
func (p *partition) locate(cur *cursor) {
	cur.remade = p.remade
	i := sort.Search(len(p.slabs), func(i int) bool { return p.slabs[i].last > cur.after })
	if i == len(p.slabs) {
		cur.slab = nil
		if i > 0 {
			cur.slab, cur.at = p.slabs[i-1], len(p.slabs[i-1].buf)
		}
		return
	}
	cur.slab, cur.at = p.slabs[i], p.slabs[i].seek(cur.after)
}

// advance moves a cursor at the end of a slab to the next one, and reports whether there is a record.
func (p *partition) advance(cur *cursor) bool {
	if cur.slab == nil {
		return false
	}
	for cur.at >= len(cur.slab.buf) {
		i := cur.slab.serial + 1 - p.slabs0()
		if i < 0 || i >= len(p.slabs) {
			return false
		}
		cur.slab, cur.at = p.slabs[i], 0
	}
	return true
}

func (p *partition) slabs0() int {
	if len(p.slabs) == 0 {
		return 0
	}
	return p.slabs[0].serial
}

// decode fills into from the slab's bytes and moves the cursor. It takes no lock: what is written stays.
func (p *partition) decode(cur *cursor, buf []byte, limit uint64, into []stream.Record) int {
	n, at := 0, cur.at
	for n < len(into) && at < len(buf) {
		num := number(buf, at)
		if num > limit {
			cur.at, cur.after = at, limit
			return n
		}
		if isHole(buf, at) {
			at += recordBytes(buf, at)
			continue
		}
		at = decode(&into[n], buf, at, p.topic.name, p.name, p.scale.position(num))
		cur.after = num
		n++
	}
	cur.at = at
	return n
}
