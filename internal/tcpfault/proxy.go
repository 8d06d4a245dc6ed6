package tcpfault

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// acceptPause is the wait after an error of accept, such as too many open files.
const acceptPause = 10 * time.Millisecond

// Proxy forwards the connections of a loopback port to its target, subject to its faults. Its methods may be called
// from many goroutines.
type Proxy struct {
	target   string
	listener net.Listener
	cancel   context.CancelFunc
	wg       sync.WaitGroup // accept and the connections

	mu     sync.Mutex // guards what follows
	faults []*Fault
	conns  map[*conn]struct{}
	count  int
	closed bool
}

// Listen starts a proxy before target, a host and port to which it connects once for each connection it accepts. A
// connection whose target cannot be reached is ended by RST. The caller closes the proxy.
func Listen(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Proxy{target: target, listener: listener, cancel: cancel, conns: make(map[*conn]struct{})}
	p.wg.Go(func() { p.accept(ctx) })
	return p, nil
}

// Addr is the address for clients.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Conns is how many connections were accepted so far, also those that have ended.
func (p *Proxy) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Set puts a rule in force until the fault it returns is removed. Where rules meet, all apply, in the order in which
// they were set; a black hole comes first. A rule that means nothing, such as a Limit without Bytes, panics.
func (p *Proxy) Set(r Rule) *Fault {
	f := newFault(r.checked(), p.drop)
	p.mu.Lock()
	p.faults = append(p.faults, f)
	cut := p.cut(f)
	p.mu.Unlock()
	for _, c := range cut {
		f.hit()
		c.reset()
	}
	return f
}

// cut are the connections that there are and that a new fault cuts off. The lock is held.
func (p *Proxy) cut(f *Fault) []*conn {
	if f.rule.Kind != CutOff {
		return nil
	}
	var cut []*conn
	for c := range p.conns {
		if f.rule.covers(c.number, Both, segment{}) && f.due(segment{}) {
			cut = append(cut, c)
		}
	}
	return cut
}

func (p *Proxy) drop(f *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(one *Fault) bool { return one == f })
}

// Heal removes all faults.
func (p *Proxy) Heal() {
	p.mu.Lock()
	faults := slices.Clone(p.faults)
	p.mu.Unlock()
	for _, f := range faults {
		f.Remove()
	}
}

// Reset ends the connections that there are by RST, and returns how many. New ones are welcome.
func (p *Proxy) Reset() int {
	open := p.open()
	for _, c := range open {
		c.reset()
	}
	return len(open)
}

func (p *Proxy) open() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	open := make([]*conn, 0, len(p.conns))
	for c := range p.conns {
		open = append(open, c)
	}
	return open
}

// Close ends the listener and all connections and returns when no goroutine is left. It may be called more than once.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	_ = p.listener.Close() // the second close of a listener is an error that says so
	p.Reset()
	p.wg.Wait()
}

// accept serves connections until the listener is closed.
func (p *Proxy) accept(ctx context.Context) {
	for {
		accepted, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			pause(ctx.Done(), acceptPause)
			continue
		}
		client := accepted.(*net.TCPConn)
		c := p.add(client)
		if c == nil || p.match(c.number, Both, segment{}, func(k Kind) bool { return k == CutOff }) != nil {
			abort(client)
			p.remove(c)
			continue
		}
		p.wg.Go(func() {
			defer p.remove(c)
			c.serve(ctx, p.target)
		})
	}
}

// add counts a connection, and returns nil if the proxy is closed.
func (p *Proxy) add(client *net.TCPConn) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if p.closed {
		return nil
	}
	c := newConn(p, p.count, client)
	p.conns[c] = struct{}{}
	return c
}

func (p *Proxy) remove(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// hole returns the black hole that covers s, or nil.
func (p *Proxy) hole(conn int, side Side, s segment) *Fault {
	due := p.match(conn, side, s, func(k Kind) bool { return k == BlackHole })
	if len(due) == 0 {
		return nil
	}
	return due[0]
}

// match counts the faults of some kinds that fire on s, and returns them.
func (p *Proxy) match(conn int, side Side, s segment, kinds func(Kind) bool) []*Fault {
	due := p.due(conn, side, s, kinds)
	for _, f := range due {
		f.hit()
	}
	return due
}

func (p *Proxy) due(conn int, side Side, s segment, kinds func(Kind) bool) []*Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []*Fault
	for _, f := range p.faults {
		if kinds(f.rule.Kind) && f.rule.covers(conn, side, s) && f.due(s) {
			due = append(due, f)
		}
	}
	return due
}

// pause waits for d, and is false if done came first.
func pause(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-done:
		return false
	}
}
