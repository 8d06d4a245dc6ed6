package kfake

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	fake "github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/internal/verify/fault"
)

// late is how long a late answer takes longer, and by how much a request that is cut off fails sooner.
const late = 700 * time.Millisecond

// wires are the connections between clients and brokers, and what is wrong with them.
type wires struct {
	net fake.VirtualNetwork

	mu      sync.Mutex           // guards what follows
	armed   map[int16][]*mishap  // by request, oldest first
	stalled map[string]time.Time // until when a member's connections stand still
	open    map[string]int       // connections by client
}

// A mishap waits for its turn.
type mishap struct {
	kind fault.Kind
	left int // requests to let pass
}

func newWires() *wires {
	return &wires{armed: map[int16][]*mishap{}, stalled: map[string]time.Time{}, open: map[string]int{}}
}

// arm has something go wrong with a later request of a kind.
func (w *wires) arm(request int16, kind fault.Kind, after int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed[request] = append(w.armed[request], &mishap{kind: kind, left: after})
}

// stall lets a member's connections stand still, as if its process did.
func (w *wires) stall(member string, long time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalled[member] = time.Now().Add(long)
}

func (w *wires) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.armed)
	clear(w.stalled)
}

// take tells what goes wrong with a request now; "" is nothing.
func (w *wires) take(request int16) fault.Kind {
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting := w.armed[request]
	for i, m := range waiting {
		if m.left == 0 {
			w.armed[request] = slices.Delete(waiting, i, i+1)
			return m.kind
		}
		m.left--
	}
	return ""
}

// pause is how long a client must stand still from now on. A client's id ends with its member's name.
func (w *wires) pause(client string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var longest time.Duration
	for member, until := range w.stalled {
		if strings.HasSuffix(client, "-"+member) {
			longest = max(longest, time.Until(until))
		}
	}
	return longest
}

// count adds to a client's connections.
func (w *wires) count(client string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[client] += n
}

// alive reports whether a client has a connection.
func (w *wires) alive(client string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open[client] > 0
}

func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := w.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &wire{Conn: c, wires: w, closed: make(chan struct{})}, nil
}

// A wire is one connection. A client writes at least the beginning of a request at once.
type wire struct {
	net.Conn
	wires   *wires
	close   sync.Once
	closed  chan struct{}
	reading limit
	writing limit

	mu     sync.Mutex // guards what follows
	client string
	next   fault.Kind // what becomes of the next answer
	rest   int        // what is still to be written of a request, in bytes
}

// Close ends what stands still as well.
func (c *wire) Close() error {
	c.close.Do(func() {
		close(c.closed)
		if client := c.name(""); client != "" {
			c.wires.count(client, -1)
		}
	})
	return c.Conn.Close()
}

// name notes whose connection it is, and returns what was noted before.
func (c *wire) name(client string) (before string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.client
	if client != "" {
		c.client = client
	}
	return before
}

// SetDeadline, SetReadDeadline and SetWriteDeadline also end what stands still.
func (c *wire) SetDeadline(t time.Time) error {
	c.reading.set(t)
	c.writing.set(t)
	return c.Conn.SetDeadline(t)
}

func (c *wire) SetReadDeadline(t time.Time) error {
	c.reading.set(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *wire) SetWriteDeadline(t time.Time) error {
	c.writing.set(t)
	return c.Conn.SetWriteDeadline(t)
}

// stand stands still for a while, or until the deadline or the connection's end.
func (c *wire) stand(still time.Duration, deadline *limit) error {
	until := time.Now().Add(still)
	for time.Now().Before(until) {
		at, moved := deadline.get()
		timer := time.NewTimer(time.Until(earlier(until, at)))
		select {
		case <-timer.C:
		case <-moved:
		case <-c.closed:
		}
		timer.Stop()
		select {
		case <-c.closed:
			return &net.OpError{Op: "wait", Net: "tcp", Err: net.ErrClosed}
		default:
		}
		if at, _ := deadline.get(); !at.IsZero() && !time.Now().Before(at) {
			return &net.OpError{Op: "wait", Net: "tcp", Err: os.ErrDeadlineExceeded}
		}
	}
	return nil
}

// earlier is the earlier time; zero is never.
func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// A limit is a deadline that may be moved while somebody waits for it.
type limit struct {
	mu    sync.Mutex // guards what follows
	at    time.Time
	moved chan struct{} // closed when the deadline moves
}

func (l *limit) set(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
	if l.moved != nil {
		close(l.moved)
		l.moved = nil
	}
}

func (l *limit) get() (time.Time, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.moved == nil {
		l.moved = make(chan struct{})
	}
	return l.at, l.moved
}

// Write sends a request, or loses it.
func (c *wire) Write(b []byte) (int, error) {
	request, client, ok := c.begins(b)
	if !ok {
		n, err := c.Conn.Write(b)
		return n, broken("write", err)
	}
	if c.name(client) == "" {
		c.wires.count(client, 1)
	}
	if err := c.stand(c.wires.pause(client), &c.writing); err != nil {
		return 0, err
	}
	switch kind := c.wires.take(request); kind {
	case fault.Cut:
		_ = c.Close() // the error is the reset's
		return 0, reset("write")
	case fault.Lose, fault.Late:
		c.mu.Lock()
		c.next = kind
		c.mu.Unlock()
	}
	n, err := c.Conn.Write(b)
	return n, broken("write", err)
}

// begins reads the header of a request, unless b is the rest of one.
func (c *wire) begins(b []byte) (request int16, client string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rest > 0 {
		c.rest -= len(b)
		return 0, "", false
	}
	if request, client, ok = header(b); ok {
		c.rest = 4 + int(binary.BigEndian.Uint32(b)) - len(b)
	}
	return request, client, ok
}

// Read brings an answer, or loses it when the broker has given it.
func (c *wire) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	client, next := c.client, c.next
	c.next = ""
	c.mu.Unlock()
	still := c.wires.pause(client)
	switch next {
	case fault.Late:
		still += late
	case fault.Lose:
		_ = c.Close() // the error is the reset's
		return 0, reset("read")
	}
	if stood := c.stand(still, &c.reading); stood != nil {
		return 0, stood
	}
	return n, broken("read", err)
}

// reset is how a connection ends that the network cuts.
func reset(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
}

// broken makes the errors of a pipe those of a connection: clients know them by their types.
func broken(op string, err error) error {
	switch {
	case errors.Is(err, io.ErrClosedPipe):
		return &net.OpError{Op: op, Net: "tcp", Err: net.ErrClosed}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &net.OpError{Op: op, Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	return err
}

// header reads the kind of a request and who sends it: length, kind, version and number come before the client's id.
func header(b []byte) (request int16, client string, ok bool) {
	const before = 4 + 2 + 2 + 4
	if len(b) < before+2 {
		return 0, "", false
	}
	long := int(int16(binary.BigEndian.Uint16(b[before:])))
	if long < 0 || len(b) < before+2+long {
		return 0, "", false
	}
	return int16(binary.BigEndian.Uint16(b[4:])), string(b[before+2 : before+2+long]), true
}
