package kafka_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// wires are the connections between clients and fake brokers, and what is wrong with them.
type wires struct {
	net kfake.VirtualNetwork // in a bubble

	mu      sync.Mutex // guards what follows
	cut     chan struct{}
	paused  map[string]bool // by member
	open    map[*wire]bool
	trouble *rand.Rand // nil: answers come, and soon
}

func newWires() *wires { return &wires{paused: map[string]bool{}, open: map[*wire]bool{}} }

// sever takes the brokers off the network until heal is called.
func (w *wires) sever() (heal func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = make(chan struct{})
	return sync.OnceFunc(func() {
		w.mu.Lock()
		close(w.cut)
		w.cut = nil
		w.mu.Unlock()
		w.reset()
	}), nil
}

// pause lets nothing through between a member's clients and the brokers, until resume.
func (w *wires) pause(_, member string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused[member] = true
	return nil
}

func (w *wires) resume(_, member string) error {
	w.mu.Lock()
	delete(w.paused, member)
	w.mu.Unlock()
	w.reset()
	return nil
}

// reset ends the connections that have lost something.
func (w *wires) reset() {
	w.mu.Lock()
	var torn []*wire
	for c := range w.open {
		if c.torn {
			torn = append(torn, c)
		}
	}
	w.mu.Unlock()
	for _, c := range torn {
		_ = c.Close() // whoever uses it is told
	}
}

func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	cut := w.cut
	w.mu.Unlock()
	if cut != nil {
		select {
		case <-cut:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	inner, err := w.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &wire{Conn: inner, wires: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[c] = true
	return c, nil
}

func (w *wires) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if bubbles {
		return w.net.DialContext(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// A wire is one connection. A client writes a request as a whole, or at least its header.
type wire struct {
	net.Conn
	wires *wires

	client string        // what follows is guarded by wires.mu
	behind int           // bytes of the last request that are still to come
	torn   bool          // something was lost on the way
	lose   bool          // the next answer is
	delay  time.Duration // of the next answer
}

// Close forgets the connection.
func (c *wire) Close() error {
	c.wires.mu.Lock()
	delete(c.wires.open, c)
	c.wires.mu.Unlock()
	return c.Conn.Close()
}

// Write sends a request; without a network it goes nowhere.
func (c *wire) Write(b []byte) (int, error) {
	c.wires.mu.Lock()
	c.look(b)
	gone := c.gone()
	c.wires.mu.Unlock()
	if gone {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Read brings an answer, unless it is lost. Without a network there are none.
func (c *wire) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		c.wires.mu.Lock()
		gone, lose, delay := c.gone(), c.lose, c.delay
		c.lose, c.delay = false, 0
		c.wires.mu.Unlock()
		switch {
		case err != nil:
			return n, err
		case lose:
			_ = c.Close() // the error is the read's
			return 0, net.ErrClosed
		case !gone:
			time.Sleep(delay)
			return n, nil
		}
	}
}

// gone reports whether nothing gets through, and notes that something was lost.
func (c *wire) gone() bool {
	off := c.torn || c.wires.cut != nil
	for member := range c.wires.paused {
		off = off || of(c.client, member)
	}
	c.torn = off
	return off
}

// plague has the answer to an append or a commit get lost or late now and then.
func (c *wire) plague(request kmsg.Key) {
	if c.wires.trouble == nil || request != kmsg.Produce && request != kmsg.EndTxn {
		return
	}
	switch c.wires.trouble.IntN(12) {
	case 0:
		c.lose = true
	case 1:
		c.delay = 300 * time.Millisecond
	}
}

// look sees whose request begins with b, unless b goes on with the last one.
func (c *wire) look(b []byte) {
	if c.behind > 0 {
		c.behind = max(0, c.behind-len(b))
		return
	}
	request, client, ok := header(b)
	if !ok {
		return
	}
	c.behind = max(0, 4+int(binary.BigEndian.Uint32(b))-len(b))
	c.client = client
	c.plague(request)
}

// header reads the kind of a request and who sends it: length, kind, version and number come before the client's id.
func header(b []byte) (request kmsg.Key, client string, ok bool) {
	const before = 4 + 2 + 2 + 4
	if len(b) < before+2 {
		return 0, "", false
	}
	long := int(int16(binary.BigEndian.Uint16(b[before:])))
	if long < 0 || len(b) < before+2+long {
		return 0, "", false
	}
	return kmsg.Key(binary.BigEndian.Uint16(b[4:])), string(b[before+2 : before+2+long]), true
}
