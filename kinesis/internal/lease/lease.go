package lease

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Lease is a row that this member holds. One goroutine makes all its writes, so that the counter is always known;
// another looks at the clock, and at nothing else. Methods may be called from many goroutines.
type Lease struct {
	m      *Manager
	key    string
	ready  time.Time // when nobody else can hold the row any more
	rand   *rand.Rand
	asked  chan struct{}
	lost   chan struct{}
	gone   chan struct{}      // closed when the lease can no longer be used
	orders chan order         // to the goroutine that writes
	ended  chan struct{}      // closed when it has ended
	cancel context.CancelFunc // ends both goroutines, and a call under way
	doubt  time.Time          // when the first write was sent that may happen yet; zero: there is none; serve's alone

	granted  bool // Next returned it; the manager's lock guards both
	released bool

	mu      sync.Mutex // guards what follows
	row     Row        // as of the last write that is known to have happened
	sent    time.Time  // when that was sent
	until   time.Time  // from then on somebody else may take the row
	over    bool
	why     string // it is over
	isAsked bool
}

// An order asks for a write.
type order struct {
	change Change
	renew  bool        // nothing but the counter, and until it succeeds
	leave  bool        // give the lease back instead
	done   chan answer // has room
}

// An answer is what became of an order.
type answer struct {
	row Row
	err error
}

// newLease makes a lease of a row that was written by a call sent then.
func newLease(m *Manager, r Row, sent, ready time.Time) *Lease {
	return &Lease{
		m: m, key: r.Key, ready: ready, rand: source(m.config.Owner, r.Key, r.Counter),
		asked: make(chan struct{}), lost: make(chan struct{}), gone: make(chan struct{}),
		orders: make(chan order), ended: make(chan struct{}),
		row: r, sent: sent, until: sent.Add(m.config.valid()),
	}
}

// Row is the row as of the last write that is known to have happened.
func (l *Lease) Row() Row {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.row.clone()
}

// Valid reports whether nobody else can hold the row now, by this member's clock alone. It is false from Release on.
func (l *Lease) Valid() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.over && l.fresh(time.Now())
}

// fresh reports whether the last renewal still counts. The caller holds mu.
func (l *Lease) fresh(now time.Time) bool {
	return now.Before(l.until) || mutated("an expired lease goes on")
}

// Asked is closed when another member waits for the lease: Release hands it over. Until then it can be used.
func (l *Lease) Asked() <-chan struct{} { return l.asked }

// Lost is closed when somebody else may hold the row. Release does not close it.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Update writes to the row if this member still holds it, and renews it. Change must not name Counter, Owner, HandOverIs
// or Raise. A condition of its own that is not met is ErrConflict, with the row as it is. Once the lease is lost or
// released the error Is stream.ErrLost. If the error Is stream.ErrUnknownOutcome as well, or Is that of ctx, the row may
// have been written, or be written yet.
func (l *Lease) Update(ctx context.Context, c Change) (Row, error) {
	if !l.Valid() {
		return Row{}, l.refusal()
	}
	o := order{change: c, done: make(chan answer, 1)}
	select {
	case l.orders <- o:
	case <-l.gone:
		return Row{}, l.refusal()
	case <-ctx.Done():
		return Row{}, ctx.Err()
	}
	select {
	case a := <-o.done:
		return a.row, a.err
	case <-l.gone:
	case <-ctx.Done():
		return Row{}, fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, ctx.Err())
	}
	select {
	case a := <-o.done:
		return a.row, a.err
	default:
		return Row{}, fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, l.refusal())
	}
}

// refusal says why the lease cannot be used.
func (l *Lease) refusal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == "" {
		return stream.ErrLost
	}
	return fmt.Errorf("%w: %s", stream.ErrLost, l.why)
}

// Release gives the lease back, or hands it over to who asked for it. After a loss it writes nothing; in any case this
// manager may take the row again from then on. If the table cannot be reached until ctx ends, the lease expires by itself.
func (l *Lease) Release(ctx context.Context) error {
	if !l.m.releasing(l) {
		return nil
	}
	var err error
	if l.shut("it was released", false) {
		err = l.leave(ctx)
	}
	l.m.forget(l)
	return err
}

// leave gives the row back, after shut, and ends the lease's goroutines. A row whose former owner may not have noticed yet
// is left to expire: whoever found it free would use it at once.
func (l *Lease) leave(ctx context.Context) error {
	defer l.cancel()
	if time.Now().Before(l.ready) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.m.config.Failover)
	defer cancel()
	o := order{leave: true, done: make(chan answer, 1)}
	select {
	case l.orders <- o:
	case <-l.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case a := <-o.done:
		return a.err
	case <-l.ended:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, ctx.Err())
	}
	return nil
}

// shut ends the use of the lease, and reports whether it was in use.
func (l *Lease) shut(why string, lost bool) bool {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return false
	}
	l.over, l.why = true, why
	l.mu.Unlock()
	if lost {
		close(l.lost)
	}
	close(l.gone)
	return true
}

// lose ends a lease that somebody else holds, or may.
func (l *Lease) lose(why string) {
	if !l.shut(why, true) {
		return
	}
	l.cancel()
	l.m.config.Logger.Warn("lease lost", "stream", l.m.config.Stream, "group", l.m.config.Group, "shard", l.key, "cause", why)
	l.m.dropped(l)
	if mutated("a row is granted again while its handler goes on") {
		l.m.forget(l)
	}
}

// ask closes Asked.
func (l *Lease) ask() {
	l.mu.Lock()
	first := !l.isAsked
	l.isAsked = true
	l.mu.Unlock()
	if first {
		close(l.asked)
	}
}

// watch offers the lease when it is ready, and loses it when it expires by this member's clock.
func (l *Lease) watch() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for offered := false; ; {
		select {
		case <-timer.C:
		case <-l.gone:
			return
		}
		now := time.Now()
		left, fresh := l.left(now)
		if !fresh {
			l.lose("it was not renewed in time")
			return
		}
		if !offered && !now.Before(l.ready) {
			offered = true
			l.m.offer(l)
		}
		if !offered {
			left = min(left, l.ready.Sub(now))
		}
		timer.Reset(left)
	}
}

// left is how long the last renewal still counts.
func (l *Lease) left(now time.Time) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.until.Sub(now), time.Millisecond), l.fresh(now)
}

// adopt notes what the row is after a write that was sent then, or what it was found to be (sent is zero).
func (l *Lease) adopt(r Row, sent time.Time) {
	l.mu.Lock()
	late := !l.over && !l.fresh(time.Now()) // too late: somebody else may have trusted the clock
	l.row = r.clone()
	if !late && sent.After(l.sent) {
		l.sent = sent
		l.until = sent.Add(l.m.config.valid())
	}
	l.mu.Unlock()
	if late {
		l.lose("it was not renewed in time")
		return
	}
	if l.asking(r) {
		l.ask()
	}
}

// past is what the lease leaves behind.
func (l *Lease) past() past {
	l.mu.Lock()
	defer l.mu.Unlock()
	return past{counter: l.row.Counter, sent: l.sent}
}

// asking reports whether somebody else waits for the row, which we hold until we hand it over.
func (l *Lease) asking(r Row) bool {
	return l.m.config.GoOnly && r.HandOver == l.m.config.Owner && r.Owner != l.m.config.Owner
}

// errGone ends a write: the row is not ours any more.
var errGone = errors.New("somebody else holds it")
