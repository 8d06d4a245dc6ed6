package memory

import (
	"sync"
	"sync/atomic"
)

// A gate counts the calls that are inside, and lets Close shut it and wait until they have left.
type gate struct {
	state atomic.Int64 // calls inside, and gateShut once it is shut
	mu    sync.Mutex   // guards what follows
	empty chan struct{}
	left  bool
}

const gateShut = 1 << 40

// enter reports whether the gate is still open; then leave must follow.
func (g *gate) enter() bool {
	if g.state.Add(1) < gateShut {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.state.Add(-1) == gateShut {
		g.announce()
	}
}

// shut lets nobody in any more, and returns a channel that is closed when nobody is inside.
func (g *gate) shut() <-chan struct{} {
	g.mu.Lock()
	if g.empty != nil {
		defer g.mu.Unlock()
		return g.empty
	}
	g.empty = make(chan struct{})
	g.mu.Unlock()
	if g.state.Add(gateShut) == gateShut {
		g.announce()
	}
	return g.empty
}

// announce is called whenever the last one leaves a gate that is shut.
func (g *gate) announce() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.left {
		g.left = true
		close(g.empty)
	}
}

// isShut reports whether shut was called.
func (g *gate) isShut() bool { return g.state.Load() >= gateShut }
