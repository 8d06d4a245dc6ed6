package tcpfault

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// chunkSize is how much is read at once.
const chunkSize = 32 << 10

// errCut ends a lane whose connection a fault has ended.
var errCut = errors.New("cut by a fault")

// conn is a client's connection with the one to the target that belongs to it.
type conn struct {
	proxy  *Proxy
	number int
	client *net.TCPConn
	done   chan struct{} // closed when the connection was reset

	mu     sync.Mutex   // guards what follows
	server *net.TCPConn // nil until connected
	ended  bool
}

func newConn(p *Proxy, number int, client *net.TCPConn) *conn {
	return &conn{proxy: p, number: number, client: client, done: make(chan struct{})}
}

// serve forwards in both directions until both have ended.
func (c *conn) serve(ctx context.Context, target string) {
	defer c.reset() // of no effect on what was closed in order
	if c.hold(Requests, segment{}) != nil {
		return
	}
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil || !c.connected(server.(*net.TCPConn)) {
		return
	}
	flights := &flights{}
	up := &lane{conn: c, frames: frames{side: Requests, flights: flights}, from: c.client, to: c.server}
	down := &lane{conn: c, frames: frames{side: Responses, flights: flights}, from: c.server, to: c.client}
	var wg sync.WaitGroup
	wg.Go(up.run)
	down.run()
	wg.Wait()
	_ = c.client.Close() // both directions ended, there is nothing to lose
	_ = c.server.Close()
}

// connected keeps the connection to the target, unless the client's was reset meanwhile.
func (c *conn) connected(server *net.TCPConn) bool {
	c.mu.Lock()
	ended := c.ended
	if !ended {
		c.server = server
	}
	c.mu.Unlock()
	if ended {
		abort(server)
	}
	return !ended
}

// reset ends both connections by RST.
func (c *conn) reset() {
	c.mu.Lock()
	first, server := !c.ended, c.server
	c.ended = true
	c.mu.Unlock()
	if !first {
		return
	}
	close(c.done)
	abort(c.client)
	if server != nil {
		abort(server)
	}
}

// abort closes by RST: what is in the buffers is lost.
func abort(tcp *net.TCPConn) {
	_ = tcp.SetLinger(0) // an error says that it is closed already
	_ = tcp.Close()
}

// hold waits while a black hole covers s. It returns errCut if the connection was reset meanwhile.
func (c *conn) hold(side Side, s segment) error {
	for {
		hole := c.proxy.hole(c.number, side, s)
		if hole == nil {
			return nil
		}
		select {
		case <-hole.removed:
		case <-c.done:
			return errCut
		}
	}
}

// lane is one direction of a connection. It is used by one goroutine.
type lane struct {
	conn     *conn
	frames   frames
	from, to *net.TCPConn
}

// run forwards until the sender has ended. An orderly end is passed on, anything else resets both sides.
func (l *lane) run() {
	chunk := make([]byte, chunkSize)
	for {
		n, err := l.from.Read(chunk)
		if n > 0 {
			if failed := l.forward(chunk[:n]); failed != nil {
				l.conn.reset()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			_ = l.to.CloseWrite() // an error says that it is closed already
			return
		}
		if err != nil {
			l.conn.reset()
			return
		}
	}
}

// forward writes a chunk, as the faults that fire on its segments have it.
func (l *lane) forward(chunk []byte) error {
	clear := 0 // from here on nothing was written yet
	for s := range l.frames.split(chunk) {
		side := l.frames.side
		if err := l.conn.hold(side, s); err != nil {
			return err
		}
		due := l.conn.proxy.match(l.conn.number, side, s, onTheWay)
		if len(due) == 0 {
			continue
		}
		if err := l.write(chunk[clear:s.from]); err != nil {
			return err
		}
		if err := l.suffer(due, chunk[s.from:s.to]); err != nil {
			return err
		}
		clear = s.to
	}
	return l.write(chunk[clear:])
}

// onTheWay are the kinds that act on bytes as they are forwarded.
func onTheWay(k Kind) bool { return k != BlackHole && k != CutOff }

func (l *lane) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := l.to.Write(b)
	return err
}

// suffer writes b under faults.
func (l *lane) suffer(faults []*Fault, b []byte) error {
	piece, perSecond := len(b), 0
	for _, f := range faults {
		switch r := f.rule; r.Kind {
		case Reset, LoseReply:
			return errCut
		case Truncate:
			return l.truncate(b[:min(r.Bytes, len(b))])
		case Delay:
			if !pause(l.conn.done, r.Delay) {
				return errCut
			}
		case Slice:
			piece = min(piece, r.Bytes)
		case Limit:
			if perSecond == 0 || r.Bytes < perSecond {
				perSecond = r.Bytes
			}
		}
	}
	if perSecond > 0 {
		piece = min(piece, max(1, perSecond/writesPerSecond))
	}
	return l.trickle(b, piece, perSecond)
}

// writesPerSecond is into how many writes a limited second is divided.
const writesPerSecond = 20

// trickle writes b in pieces, at most perSecond bytes a second unless that is 0.
func (l *lane) trickle(b []byte, piece, perSecond int) error {
	for len(b) > 0 {
		n := min(piece, len(b))
		if perSecond > 0 && !pause(l.conn.done, time.Duration(n)*time.Second/time.Duration(perSecond)) {
			return errCut
		}
		if err := l.write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// truncate writes b and closes the receiver's side in order, so that it gets all of b and then the end.
func (l *lane) truncate(b []byte) error {
	if err := l.write(b); err != nil {
		return err
	}
	if err := l.to.Close(); err != nil {
		return err
	}
	return errCut
}
