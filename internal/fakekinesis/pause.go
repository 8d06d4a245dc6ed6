package fakekinesis

import (
	"context"
	"sync"
)

// A Pause holds one call before it is done, until the test lets it go on.
type Pause struct {
	op, item string
	reached  chan struct{}
	resume   chan struct{}
	once     sync.Once
}

// PauseNext holds the next call of op; item "" is any shard or lease key.
func (s *Script) PauseNext(op, item string) *Pause {
	p := &Pause{op: op, item: item, reached: make(chan struct{}), resume: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauses = append(s.pauses, p)
	return p
}

// Reached is closed when a call has come to the pause.
func (p *Pause) Reached() <-chan struct{} { return p.reached }

// Resume lets the call go on, or never hold. It may be called more than once.
func (p *Pause) Resume() { p.once.Do(func() { close(p.resume) }) }

// takePause returns the pause for c and forgets it. The caller holds the lock.
func (s *Script) takePause(c Call) *Pause {
	for i, p := range s.pauses {
		if p.op == c.Op && (p.item == "" || p.item == c.Item) {
			s.pauses = append(s.pauses[:i:i], s.pauses[i+1:]...)
			return p
		}
	}
	return nil
}

// hold waits until the pause is over. A nil Pause holds nothing.
func (p *Pause) hold(ctx context.Context) error {
	if p == nil {
		return nil
	}
	close(p.reached)
	select {
	case <-p.resume:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
