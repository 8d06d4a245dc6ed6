package producer

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

const (
	atlasAge      = time.Minute      // after which shards are listed again
	atlasPause    = time.Second      // between listings at the least
	atlasPatience = 10 * time.Second // of one listing
	firstRelist   = time.Second      // after a listing that failed: growing by a half, with jitter
	mostRelist    = 30 * time.Second
)

// An atlas is what is known of where keys go. It is guarded by the outlet's lock, but for the pointer.
type atlas struct {
	current  atomic.Pointer[shard.Map]
	lines    []*line  // of the open shards, by the end of their range
	ends     []uint64 // of these ranges: the upper half
	round    uint64   // raised by each new map
	asked    int64    // when shards were listed last, or failed to be
	listing  bool
	surprise bool // a record arrived elsewhere
	failures int
}

// find is the line of the shard that contains h; nil if that is not known.
func (a *atlas) find(h shard.Hash) *line {
	low, _ := slices.BinarySearch(a.ends, h.High)
	for low < len(a.lines) && h.Compare(a.lines[low].within.Last) > 0 {
		low++ // ranges that end in the same upper half, of which there is more than one only if shards are tiny
	}
	if low == len(a.lines) || !a.lines[low].within.Contains(h) {
		return nil
	}
	return a.lines[low]
}

// move puts a parcel in the line where it belongs now, and returns that. The caller holds o.mu.
func (o *outlet) move(p *parcel) *line {
	l := o.lineOf(p)
	if l != p.line {
		o.unqueue(p)
		o.queue(p, false)
	}
	return l
}

// lineOf is the line where a parcel belongs now. The caller holds o.mu.
func (o *outlet) lineOf(p *parcel) *line {
	p.place = o.atlas.round
	if !o.auto && len(o.atlas.lines) > 0 {
		if p.lane == nil && p.hash == (shard.Hash{}) {
			p.hash = p.locate()
		}
		if l := o.atlas.find(p.hash); l != nil {
			return l
		}
	}
	return o.line("", shard.Whole())
}

// line is the line of a shard. The caller holds o.mu.
func (o *outlet) line(id string, within shard.Range) *line {
	l := o.lines[id]
	if l == nil {
		l = &line{shard: id, pace: o.paceOf(id)}
		o.lines[id] = l
	}
	l.within = within
	return l
}

// locate is the hash of a parcel that has its record.
func (p *parcel) locate() shard.Hash {
	if key, text := p.key(); text {
		return shard.HashKey(key)
	}
	return shard.HashKey(string(p.items.head.rec.Key))
}

// paceOf is the pace of a new line. One that is not of a shard has the limits of all. The caller holds o.mu.
func (o *outlet) paceOf(id string) pace {
	shards := 1.0
	if id == "" {
		shards = o.shards()
	}
	p := newPace(shards*o.sink.settings.Share, o.facts.RecordBytes, o.clock)
	if id != "" && o.clock-o.astray < int64(time.Second) {
		p.drain() // it may have had its burst
	}
	return p
}

// shards is how many open shards the stream has, as far as is known. The caller holds o.mu.
func (o *outlet) shards() float64 {
	if o.facts.Shards == 0 {
		return manyShards
	}
	return float64(o.facts.Shards)
}

// manyShards bounds the pace of a stream of which nothing is known: it is throttles that slow it down then.
const manyShards = 1000

// relist begins a listing if it is time for one. The caller holds o.mu, and calls list on a goroutine if it returns
// true.
func (o *outlet) relist(now int64) bool {
	a := &o.atlas
	age := time.Duration(now - a.asked)
	wait := atlasAge
	switch {
	case a.failures > 0:
		wait = min(firstRelist*time.Duration(1<<min(a.failures-1, 5)), mostRelist)
	case a.current.Load() == nil:
		wait = 0
	case a.surprise:
		wait = atlasPause
	}
	if a.listing || o.auto || o.ended != nil || age < wait {
		return false
	}
	a.listing, a.surprise, a.asked = true, false, now
	return true
}

// list asks for the shards.
func (o *outlet) list() {
	ctx, cancel := context.WithTimeout(o.base, atlasPatience)
	defer cancel()
	listing, err := o.sink.service.Shards(ctx, o.name, api.Filter{Type: "AT_LATEST"})
	now := o.sink.now()
	o.mu.Lock()
	a := &o.atlas
	a.listing = false
	if err != nil {
		a.failures++
		a.asked = now - int64(rand.N(firstRelist/2))
	} else {
		a.failures = 0
		a.round++
		a.current.Store(shard.NewMap(listing.Shards))
		o.redraw()
	}
	o.mu.Unlock()
	if err != nil && o.base.Err() == nil {
		o.sink.config.Logger.Warn("the shards of a stream cannot be listed: records are not paced by shard",
			slog.String("stream", o.name), slog.Any("error", err))
	}
	o.nudge()
}

// redraw makes the lines of the shards that there are, and forgets those of shards that are gone, unless they still
// have parcels. The caller holds o.mu.
func (o *outlet) redraw() {
	open := make(map[string]bool)
	o.atlas.lines, o.atlas.ends = nil, nil
	for _, s := range o.atlas.current.Load().Open() {
		open[s.ID] = true
		o.atlas.lines = append(o.atlas.lines, o.line(s.ID, s.Range))
		o.atlas.ends = append(o.atlas.ends, s.Range.Last.High)
	}
	for id, l := range o.lines {
		if !open[id] && l.n == 0 && l.status == empty {
			delete(o.lines, id)
		}
	}
}
