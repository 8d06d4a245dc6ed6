package httpfault

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// Fault is a rule that was set on a proxy. Its methods may be called from many goroutines.
type Fault struct {
	rule    Rule
	hits    atomic.Int64
	fire    func() // closes fired, once
	fired   chan struct{}
	removed chan struct{}
	remove  func()

	matches int // guarded by the proxy
}

func newFault(r Rule, remove func(*Fault)) *Fault {
	f := &Fault{rule: r, fired: make(chan struct{}), removed: make(chan struct{})}
	f.fire = sync.OnceFunc(func() { close(f.fired) })
	f.remove = sync.OnceFunc(func() {
		remove(f)
		close(f.removed)
	})
	return f
}

// Remove ends the fault: what it holds goes on. It may be called more than once.
func (f *Fault) Remove() { f.remove() }

// Hits is how many calls the fault did something to.
func (f *Fault) Hits() int64 { return f.hits.Load() }

// Fired is closed when the fault did something for the first time.
func (f *Fault) Fired() <-chan struct{} { return f.fired }

// hit says that the fault does something. No lock is held.
func (f *Fault) hit() {
	f.hits.Add(1)
	f.fire()
}

// due counts a match and tells whether the fault fires on it. The proxy's lock is held.
func (f *Fault) due(op string, body []byte, random *rand.Rand) bool {
	r := f.rule
	if len(r.Ops) > 0 && !slices.Contains(r.Ops, op) || r.Kind == FailEntries && op != putRecords {
		return false
	}
	if r.Holding != "" && !bytes.Contains(body, []byte(r.Holding)) || r.Match != nil && !r.Match(body) {
		return false
	}
	if r.Times > 0 && f.matches >= r.Skip+r.Times || r.Chance > 0 && random.Float64() >= r.Chance {
		return false
	}
	f.matches++
	return f.matches > r.Skip
}
