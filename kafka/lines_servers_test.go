//go:build servers

package kafka_test

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync"
)

// A dial is how a kafka.Config connects.
type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// lines are the connections of a backend, by the member that each belongs to, which the first request's client id tells.
type lines struct {
	mu     sync.Mutex // guards what follows
	paused map[string]chan struct{}
}

func newLines() *lines { return &lines{paused: map[string]chan struct{}{}} }

// over connects by way of next.
func (l *lines) over(next dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &line{Conn: conn, lines: l, closed: make(chan struct{})}, nil
	}
}

// pause stops what a member sends and receives, as if it were not scheduled.
func (l *lines) pause(_, member string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused[member] = make(chan struct{})
	return nil
}

// resume lets everything go on that has waited.
func (l *lines) resume(_, member string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.paused[member])
	delete(l.paused, member)
	return nil
}

// goesOn is closed when a client's member goes on; nil: it is not paused.
func (l *lines) goesOn(client string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	for member, resumed := range l.paused {
		if strings.HasSuffix(client, "-"+member) {
			return resumed
		}
	}
	return nil
}

// A line is a connection that stands still while its member is paused.
type line struct {
	net.Conn
	lines  *lines
	closed chan struct{}
	close  sync.Once
	mu     sync.Mutex // guards client
	client string     // empty before the first request
}

func (c *line) Write(b []byte) (int, error) {
	c.learn(b)
	c.wait()
	return c.Conn.Write(b)
}

func (c *line) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.wait()
	return n, err
}

func (c *line) Close() error {
	c.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *line) wait() {
	c.mu.Lock()
	client := c.client
	c.mu.Unlock()
	if resumed := c.lines.goesOn(client); resumed != nil {
		select {
		case <-resumed:
		case <-c.closed:
		}
	}
}

// learn reads the client id of the first request, which clients write in one piece: behind the frame's size, the key,
// the version and the correlation id stands its length.
func (c *line) learn(b []byte) {
	const before = 4 + 2 + 2 + 4
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != "" || len(b) < before+2 {
		return
	}
	n := int(binary.BigEndian.Uint16(b[before:]))
	if rest := b[before+2:]; n <= len(rest) {
		c.client = string(rest[:n])
	}
}
