package engine

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// A Gate bounds the records, and their bytes, that a sink has accepted and not answered. Whoever finds no space waits in
// line. Methods may be called from many goroutines.
type Gate struct {
	records, bytes int64
	waiting        atomic.Int32  // len(line), or more once the gate is shut; looked at before the lock is taken
	in             atomic.Uint64 // all that ever entered: records above gateBytes bits, bytes below
	seen           atomic.Uint64 // out, as of some time ago
	_              [64]byte      // whoever enters and whoever leaves write to cache lines of their own
	out            atomic.Uint64 // all that ever left
	_              [64]byte

	mu   sync.Mutex // guards what follows
	line []chan struct{}
	shut chan struct{} // closed by Shut
}

// The count of records and that of bytes share a word, so that a record's answer costs one atomic operation. The sums may
// overflow: their difference is right.
const (
	gateBytes  = 40 // bits: a tebibyte
	mostBytes  = 1<<gateBytes - 1
	mostRecord = 1<<(64-gateBytes) - 1
)

// NewGate returns a gate for so many records and bytes, at most 16 million and 512 GiB. A record that is larger than all
// bytes passes when nothing else is inside.
func NewGate(records int, bytes int64) *Gate {
	return &Gate{
		records: min(int64(records), mostRecord/2), bytes: min(bytes, mostBytes/2), shut: make(chan struct{}),
	}
}

// TryEnter is Enter that does not wait: it takes space for as many of the records as there is, perhaps for none, unless
// somebody waits already.
func (g *Gate) TryEnter(sizes ...int64) int {
	if g.waiting.Load() != 0 {
		return 0
	}
	return g.take(sizes)
}

// Enter takes space for as many of the records, whose sizes are given, as there is, at least for one. It waits until ctx
// ends or the gate is shut, and calls stalled, if it is not nil, before it waits.
func (g *Gate) Enter(ctx context.Context, sizes []int64, stalled func()) (int, error) {
	var turn chan struct{}
	for {
		n, next := g.try(sizes, turn)
		if n > 0 {
			return n, nil
		}
		if turn == nil && stalled != nil {
			stalled()
		}
		turn = next
		select {
		case <-g.shut:
			g.abandon(turn)
			return 0, stream.ErrClosed
		case <-ctx.Done():
			g.abandon(turn)
			return 0, ctx.Err()
		case <-turn:
		}
	}
}

// try takes what fits, or returns a place at the end of the line, or at its head for whoever has waited there already.
func (g *Gate) try(sizes []int64, turn chan struct{}) (int, chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.shut:
		return 0, make(chan struct{})
	default:
	}
	if turn == nil && len(g.line) > 0 {
		return 0, g.queue(false)
	}
	if n := g.take(sizes); n > 0 {
		g.next()
		return n, nil
	}
	place := g.queue(turn != nil)
	if n := g.take(sizes); n > 0 { // what left before it saw the place
		g.leaveLine(place)
		g.next()
		return n, nil
	}
	return 0, place
}

// take looks at what has left only when there seems to be no space: that word belongs to whoever leaves.
func (g *Gate) take(sizes []int64) int {
	for {
		seen := g.seen.Load() // first, so that it is never more than in
		in := g.in.Load()
		n, sum := g.fit(in-seen, sizes)
		if n < len(sizes) {
			if out := g.out.Load(); out != seen {
				g.seen.Store(out)
				continue
			}
		}
		if n == 0 || g.in.CompareAndSwap(in, in+uint64(n)<<gateBytes+uint64(sum)) {
			return n
		}
	}
}

// fit is how many of the records fit in, and their bytes.
func (g *Gate) fit(used uint64, sizes []int64) (n int, sum int64) {
	records, bytes := int64(used>>gateBytes), int64(used&mostBytes)
	for n < len(sizes) && records+int64(n) < g.records {
		size := min(sizes[n], g.bytes)
		if bytes+sum+size > g.bytes {
			break
		}
		sum += size
		n++
	}
	return n, sum
}

// used is what is inside. Out is read first, so that it is never more than in.
func (g *Gate) used() uint64 {
	out := g.out.Load()
	return g.in.Load() - out
}

// Leave gives back the space of one record.
func (g *Gate) Leave(size int64) {
	g.out.Add(1<<gateBytes + uint64(min(size, g.bytes)))
	if g.waiting.Load() > 0 && g.roomy(g.used()) {
		g.mu.Lock()
		g.wake()
		g.mu.Unlock()
	}
}

// roomy reports whether an eighth of the space is free: whoever waits is not woken for each record that leaves, which would
// make batches of single records.
func (g *Gate) roomy(used uint64) bool {
	records, bytes := int64(used>>gateBytes), int64(used&mostBytes)
	return records <= g.records-max(g.records/8, 1) && bytes <= g.bytes-g.bytes/8
}

// Shut lets nobody in any more; whoever waits gets stream.ErrClosed.
func (g *Gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.shut:
	default:
		close(g.shut)
		g.count()
	}
}

// Used returns how many records and bytes are inside.
func (g *Gate) Used() (records, bytes int64) {
	used := g.used()
	return int64(used >> gateBytes), int64(used & mostBytes)
}

func (g *Gate) queue(first bool) chan struct{} {
	place := make(chan struct{})
	if first {
		g.line = append([]chan struct{}{place}, g.line...)
	} else {
		g.line = append(g.line, place)
	}
	g.count()
	return place
}

// count keeps waiting up to date. Nobody gets past a gate that is shut, as if there were always one who waits.
func (g *Gate) count() {
	waiting := int32(len(g.line))
	select {
	case <-g.shut:
		waiting++
	default:
	}
	g.waiting.Store(waiting)
}

// next lets the first in line try if there is space for it too.
func (g *Gate) next() {
	if g.roomy(g.used()) {
		g.wake()
	}
}

// wake lets the first in line try.
func (g *Gate) wake() {
	if len(g.line) > 0 {
		close(g.line[0])
		g.line = g.line[1:]
		g.count()
	}
}

// abandon gives up a place; if it was its turn already, the next one's comes.
func (g *Gate) abandon(place chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.leaveLine(place) {
		g.wake()
	}
}

func (g *Gate) leaveLine(place chan struct{}) bool {
	for i, other := range g.line {
		if other == place {
			g.line = append(g.line[:i], g.line[i+1:]...)
			g.count()
			return true
		}
	}
	return false
}
