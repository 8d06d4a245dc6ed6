package tcpfault

import (
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

// Remove ends the fault: what it stalls goes on, what it cut stays cut. It may be called more than once.
func (f *Fault) Remove() { f.remove() }

// Hits is how often the fault did something to a chunk, frame or connection.
func (f *Fault) Hits() int64 { return f.hits.Load() }

// Fired is closed when the fault did something for the first time.
func (f *Fault) Fired() <-chan struct{} { return f.fired }

// hit says that the fault did something. No lock is held.
func (f *Fault) hit() {
	f.hits.Add(1)
	f.fire()
}

// due counts a match and tells whether the fault fires on it. A segment that only goes on with a frame counts for
// nothing and shares the fate of the frame's head as far as the rule is still in force. The proxy's lock is held.
func (f *Fault) due(s segment) bool {
	r := f.rule
	if len(r.Keys) == 0 || s.head {
		f.matches++
	}
	return f.matches > r.Skip && (r.Times == 0 || f.matches <= r.Skip+r.Times)
}
