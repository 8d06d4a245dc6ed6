package engine

import "sync/atomic"

// An Ending happens once. Who comes later waits for the first, with no lock held meanwhile.
type Ending struct {
	begun atomic.Bool
	over  chan struct{} // closed when it has happened
	err   error         // read after over
}

// NewEnding makes one that has not happened.
func NewEnding() *Ending { return &Ending{over: make(chan struct{})} }

// Run runs end, if nobody did, and returns what it returned.
func (e *Ending) Run(end func() error) error {
	if e.begun.Swap(true) {
		<-e.over
		return e.err
	}
	e.err = end()
	close(e.over)
	return e.err
}
