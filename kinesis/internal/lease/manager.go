package lease

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Manager holds one member's leases of one table: it takes its share of them, renews what it holds, and gives leases to
// members that have less. Methods may be called from many goroutines.
//
// Renewals wait for nothing but the table: not for handlers, and not for takes.
type Manager struct {
	config Config
	slots  chan struct{} // renewals under way
	nudge  chan struct{} // holds a token when the taker should look now
	quit   chan struct{} // closed when nothing more is to be taken
	taken  chan struct{} // closed when the taker has ended
	ended  chan struct{} // closed when Close has ended
	wg     sync.WaitGroup
	taker  taker // its goroutine's alone

	mu      sync.Mutex // guards what follows
	started bool
	halt    context.CancelFunc // ends the taker and its calls
	kill    context.CancelFunc // ends every goroutine
	rows    map[string]Row
	held    map[string]*Lease // until released
	past    map[string]past   // what was released since the taker looked
	queue   []*Lease          // for Next
	bell    chan struct{}     // closed and replaced when Next should look again
	fault   error             // Next's, from then on
	over    bool              // closed or abandoned
	closed  bool              // Close was called
	endErr  error
}

// atOnce bounds the renewals that are under way at a time.
const atOnce = 64

// NewManager makes a manager that does nothing before Start.
func NewManager(c Config) *Manager {
	m := &Manager{
		config: c.withDefaults(), slots: make(chan struct{}, atOnce), nudge: make(chan struct{}, 1),
		quit: make(chan struct{}), taken: make(chan struct{}), ended: make(chan struct{}),
		held: map[string]*Lease{}, past: map[string]past{}, bell: make(chan struct{}), halt: func() {}, kill: func() {},
	}
	m.taker = taker{m: m, seen: sights{}, asked: map[string]time.Time{}, forced: map[string]bool{}, rand: source(c.Owner, "", 0)}
	return m
}

// source is a source of chance that is the same in every run with these names.
func source(owner, key string, n int64) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(owner + "\x00" + key))
	return rand.New(rand.NewPCG(h.Sum64(), uint64(n)))
}

// Start begins to take leases and to renew them. It does nothing the second time, or after the end.
func (m *Manager) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.started || m.over {
		return
	}
	m.started = true
	running, kill := context.WithCancel(context.Background())
	taking, halt := context.WithCancel(running)
	m.kill, m.halt = kill, halt
	m.wg.Go(func() {
		defer close(m.taken)
		m.taker.run(taking, running)
	})
}

// Next waits for a lease that is newly held. It is stream.ErrClosed after Close or Abandon, and stream.ErrInvalid when
// another process uses our owner's name. A lease is not returned again before the former Lease of its row was released.
func (m *Manager) Next(ctx context.Context) (*Lease, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, bell, err := m.next()
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-bell:
		case <-ctx.Done():
		}
	}
}

// next grants a lease if there is one, or says what to wait for.
func (m *Manager) next() (*Lease, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.over:
		return nil, nil, stream.ErrClosed
	case m.fault != nil:
		return nil, nil, m.fault
	}
	for len(m.queue) > 0 {
		l := m.queue[0]
		m.queue = m.queue[1:]
		if !l.released && l.Valid() {
			l.granted = true
			return l, nil, nil
		}
	}
	return nil, m.bell, nil
}

// stir lets a waiting Next look again. The caller holds mu.
func (m *Manager) stir() {
	close(m.bell)
	m.bell = make(chan struct{})
}

// Rows is the table as it was last read; nil before that. It must not be changed.
func (m *Manager) Rows() map[string]Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows
}

// Wake looks for leases now: a parent ended, or rows were created.
func (m *Manager) Wake() {
	select {
	case m.nudge <- struct{}{}:
	default:
	}
}

// Close gives all leases back and ends everything. Leases that were not released are lost. When ctx ends first, what is
// left expires by itself. A second Close returns what the first returned.
func (m *Manager) Close(ctx context.Context) error {
	first, started := m.finish(true)
	if !first {
		<-m.ended
		return m.endErr
	}
	defer close(m.ended)
	if started {
		select {
		case <-m.taken:
		case <-ctx.Done():
		}
		m.halt()
		<-m.taken
	}
	var leaving sync.WaitGroup
	all := m.leases()
	errs := make([]error, len(all))
	for i, l := range all {
		if l.shut("the member has left", true) {
			leaving.Go(func() { errs[i] = l.leave(ctx) })
		}
	}
	m.taker.decline(ctx)
	leaving.Wait()
	m.kill()
	m.wg.Wait()
	m.endErr = errors.Join(errs...)
	return m.endErr
}

// Abandon does what kill -9 does: everything stops, every lease is lost, nothing is written.
func (m *Manager) Abandon() {
	first, started := m.finish(false)
	if !first {
		return
	}
	m.kill()
	if started {
		<-m.taken // a take that was answered a moment before is lost with the others
	}
	for _, l := range m.leases() {
		l.lose("the member was abandoned")
	}
	m.wg.Wait()
}

// finish ends Next and the takes. First: nobody did so before; a Close after Abandon has nothing left to do either.
func (m *Manager) finish(closing bool) (first, started bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if closing {
		first = !m.closed
		m.closed = true
	} else {
		first = !m.over
	}
	if !m.over {
		m.over = true
		close(m.quit)
		m.stir()
	}
	return first, m.started
}

// leases are all that are not released.
func (m *Manager) leases() []*Lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Lease
	for _, key := range sortedKeys(m.held) {
		all = append(all, m.held[key])
	}
	return all
}

// hold begins to hold a row that was just taken.
func (m *Manager) hold(running context.Context, l *Lease) {
	ctx, cancel := context.WithCancel(running)
	l.cancel = cancel
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[l.key] = l
	m.wg.Go(func() { l.serve(ctx) })
	m.wg.Go(l.watch)
}

// offer lets Next return the lease.
func (m *Manager) offer(l *Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !l.released {
		m.queue = append(m.queue, l)
		m.stir()
	}
}

// withdraw takes the lease back before Next returned it, and reports whether that was so.
func (m *Manager) withdraw(l *Lease) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.granted {
		return false
	}
	l.released = true
	return true
}

// dropped forgets a lease that was lost before Next returned it; nobody is going to release it.
func (m *Manager) dropped(l *Lease) {
	if m.withdraw(l) {
		m.forget(l)
	}
}

// releasing notes that the lease's user gives it back, and reports whether it is the first time.
func (m *Manager) releasing(l *Lease) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := !l.released
	l.released = true
	return first
}

// A past is what the last write of a lease left: nobody has seen it as early as its writer.
type past struct {
	counter int64
	sent    time.Time
}

// forget lets the row be taken again.
func (m *Manager) forget(l *Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held[l.key] == l {
		delete(m.held, l.key)
		m.past[l.key] = l.past()
	}
}

// fail ends Next for good.
func (m *Manager) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == nil {
		m.fault = err
		m.stir()
	}
}
