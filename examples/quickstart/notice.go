package main

import (
	"context"
	"sync"
)

// A notice guards what several goroutines change, and lets others wait for a change.
type notice struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil: nobody waits
}

// change runs f alone and wakes who waits.
func (n *notice) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// await waits until reached, which is called alone, is true. It returns the cause of ctx if that ends first.
func (n *notice) await(ctx context.Context, reached func() bool) error {
	for {
		n.mu.Lock()
		if reached() {
			n.mu.Unlock()
			return nil
		}
		if n.changed == nil {
			n.changed = make(chan struct{})
		}
		changed := n.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
