package kafkago

import "sync/atomic"

// A closing happens once. Who comes later waits for the first, with no lock held meanwhile.
type closing struct {
	begun atomic.Bool
	over  chan struct{} // closed when it has happened
	err   error         // read after over
}

func newClosing() *closing { return &closing{over: make(chan struct{})} }

func (c *closing) run(end func() error) error {
	if c.begun.Swap(true) {
		<-c.over
		return c.err
	}
	c.err = end()
	close(c.over)
	return c.err
}
