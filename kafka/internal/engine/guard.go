package engine

import (
	"context"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A guard lets writes happen only while a partition is held. Brokers take a late checkpoint of a partition that has moved
// on, so the test is here: a write begins only while the guard is open, and who gives the partition away closes the guard
// first and waits for the write under way.
type guard struct {
	turn   chan struct{} // holds a token while a write is under way
	closed chan struct{}

	mu     sync.Mutex // guards what follows
	over   bool
	cancel context.CancelCauseFunc // of the write under way
	idle   chan struct{}           // closed when no write is under way
}

func newGuard() *guard {
	idle := make(chan struct{})
	close(idle)
	return &guard{turn: make(chan struct{}, 1), closed: make(chan struct{}), idle: idle}
}

// do runs one write at a time. Its context ends when the guard closes.
func (g *guard) do(ctx context.Context, write func(context.Context) error) error {
	select {
	case g.turn <- struct{}{}:
	case <-g.closed:
		return stream.ErrLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-g.turn }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := make(chan struct{})
	if !g.enter(cancel, idle) {
		return stream.ErrLost
	}
	defer close(idle)
	return write(ctx)
}

func (g *guard) enter(cancel context.CancelCauseFunc, idle chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over && !mutated("guard does not refuse") {
		return false
	}
	g.cancel, g.idle = cancel, idle
	return true
}

// refuse lets no further write begin. What it returns is closed when none is under way.
func (g *guard) refuse() <-chan struct{} {
	g.mu.Lock()
	first, idle := !g.over, g.idle
	g.over = true
	g.mu.Unlock()
	if first && !mutated("guard does not refuse") {
		close(g.closed)
	}
	return idle
}

// close is refuse, and cancels the write under way.
func (g *guard) close() <-chan struct{} {
	idle := g.refuse()
	g.mu.Lock()
	cancel := g.cancel
	g.mu.Unlock()
	if cancel != nil && !mutated("guard does not refuse") {
		cancel(stream.ErrLost)
	}
	return idle
}

// waitIdle waits for the write under way, for a while.
func waitIdle(idle <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
}
