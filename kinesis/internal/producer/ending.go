package producer

import "sync/atomic"

// An ending happens once. Who comes later waits for the first, with no lock held meanwhile.
type ending struct {
	begun atomic.Bool
	over  chan struct{} // closed when it has happened
	err   error         // read after over
}

func newEnding() *ending { return &ending{over: make(chan struct{})} }

func (e *ending) run(end func() error) error {
	if e.begun.Swap(true) {
		<-e.over
		return e.err
	}
	e.err = end()
	close(e.over)
	return e.err
}
