package lease

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A taker reads the table again and again, and takes what is this member's share. One goroutine runs it; the takes of a
// round run beside each other.
type taker struct {
	m       *Manager
	rand    *rand.Rand
	seen    sights
	asked   map[string]time.Time // leases that live owners are to hand over to us, and since when
	forced  map[string]bool      // those of them that we tried to take: nobody can tell that from a hand-over any more
	settled bool                 // a table was seen in which nobody else, as far as can be told, holds a row in our name
	failed  bool                 // somebody does
	quick   int                  // rounds in a row that left something to do
}

// takesAtOnce bounds the takes that are under way at a time.
const takesAtOnce = 16

// run takes leases until the manager stops. Calls end with taking, leases with running.
func (t *taker) run(taking, running context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time
	for {
		select {
		case <-timer.C:
		case <-t.m.nudge:
			if wait(taking, time.Until(last.Add(t.m.config.Failover/128))) != nil {
				return
			}
		case <-t.m.quit:
			return
		}
		next := t.round(taking, running)
		last = time.Now()
		if t.quitting() {
			return
		}
		timer.Reset(next)
	}
}

func (t *taker) quitting() bool {
	select {
	case <-t.m.quit:
		return true
	default:
		return false
	}
}

// round reads the table once and acts on it. It returns how long to wait for the next.
func (t *taker) round(taking, running context.Context) time.Duration {
	every := jitter(t.rand, t.m.config.TakeEvery)
	rows, err := t.scan(taking)
	if err != nil {
		t.m.config.Logger.Warn("leases cannot be read", "stream", t.m.config.Stream, "group", t.m.config.Group, "error", err)
		return every
	}
	now := time.Now()
	t.look(rows, now)
	t.accept(taking, running, rows, now)
	tab, strange := t.table(rows, now)
	if strange != "" && !t.failed {
		t.failed = true
		t.m.fail(fmt.Errorf("%w: another process is a member of group %q by the name of %q: it holds shard %s",
			stream.ErrInvalid, t.m.config.Group, t.m.config.Owner, strange))
	}
	if t.failed || !t.settled || t.m.config.Hold() || t.quitting() {
		return t.soon(rows, now, every)
	}
	p := tab.plan(t.m.config.Owner, t.m.config.MaxSteal, 3*t.m.config.Failover, t.rand)
	t.act(taking, running, rows, p, now)
	if !p.more {
		t.quick = 0
		return t.soon(rows, now, every)
	}
	t.quick++
	return min(jitter(t.rand, t.m.config.Failover/80<<min(t.quick, 6)), every)
}

// scan reads all rows by their key. Leases that we hold are as their last write left them.
func (t *taker) scan(ctx context.Context) (map[string]Row, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, t.m.config.Failover/2)
	defer cancel()
	list, err := t.m.config.Store.Scan(ctx)
	t.m.throttled("", began, err)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]Row, len(list))
	for _, r := range list {
		rows[r.Key] = r
	}
	return rows, nil
}

// look notes what was read.
func (t *taker) look(rows map[string]Row, now time.Time) {
	m := t.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, r := range rows {
		l := m.held[key]
		live := l != nil && l.Valid()
		if live {
			r = l.Row()
			rows[key] = r
		}
		if p, was := m.past[key]; was {
			t.seen[key] = &sight{counter: p.counter, owner: m.config.Owner, since: p.sent}
		}
		_, asked := t.asked[key]
		seen := t.seen.note(r, m.config.Owner, l != nil || asked, now)
		if live {
			seen.since = now
		}
	}
	t.seen.forget(rows)
	m.rows, m.past = rows, map[string]past{}
}

// expired reports whether the row's owner has been silent for so long that it holds the lease no more.
func (t *taker) expired(key string, now time.Time) bool {
	return now.Sub(t.seen[key].since) >= t.m.config.Failover || mutated("a take does not look at expiry")
}

// table sorts the rows by who holds them. Strange is a row that another process holds in our name.
func (t *taker) table(rows map[string]Row, now time.Time) (tab table, strange string) {
	c := &t.m.config
	tab = table{rows: rows, held: map[string][]string{c.Owner: nil}, barred: map[string]bool{}}
	settled := true
	total := 0
	for _, key := range sortedKeys(rows) {
		r := rows[key]
		held, live := t.holds(key)
		open := r.Owner == "" || !held && t.expired(key, now)
		if !open && r.Owner == c.Owner && r.HandOver == "" && !live {
			settled = false
			if t.seen[key].strange >= strangers {
				strange = key
			}
		}
		if !open {
			tab.meet(r.Owner)
			if c.GoOnly && r.HandOver != "" {
				tab.meet(r.HandOver)
			}
		}
		if held {
			tab.barred[key] = true
		}
		if r.Ended() || !c.Eligible(r, rows) {
			continue
		}
		total++
		switch {
		case !open:
			tab.held[r.Owner] = append(tab.held[r.Owner], key)
		case !held:
			tab.free = append(tab.free, free{key, now.Sub(t.seen[key].since)})
		}
	}
	tab.fast = len(tab.free) > total/2
	t.settled = t.settled || settled
	return tab, strange
}

// holds reports whether a Lease of the row is not released yet, and whether it is valid.
func (t *taker) holds(key string) (held, valid bool) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	l := t.m.held[key]
	return l != nil, l != nil && l.Valid()
}

// soon is when to look again: every so often, but at once when a lease expires unless it is renewed, and more often while
// an owner is to hand a lease over.
func (t *taker) soon(rows map[string]Row, now time.Time, every time.Duration) time.Duration {
	if len(t.asked) > 0 {
		every /= 2
	}
	for key, r := range rows {
		if left := t.seen[key].since.Add(t.m.config.Failover).Sub(now); r.Owner != "" && left > 0 {
			every = min(every, left)
		}
	}
	return max(every, t.m.config.Failover/128)
}

// act takes and steals what is planned.
func (t *taker) act(taking, running context.Context, rows map[string]Row, p plan, now time.Time) {
	for _, key := range slices.Concat(p.take, p.steal) {
		t.seen[key].strange = 0 // what moves next may be our own write
	}
	take := func(key string) bool {
		return t.confirm(taking, rows[key]) && t.take(taking, running, rows[key], t.seen[key].since)
	}
	t.each(p.take, take)
	if !t.m.config.GoOnly || mutated("nobody is asked before a lease is taken") {
		t.each(p.steal, take)
		return
	}
	for _, key := range t.each(p.steal, func(key string) bool {
		return t.confirm(taking, rows[key]) && t.ask(taking, rows[key])
	}) {
		t.asked[key] = now
	}
}

// each does something with rows, so many at a time, and returns those for which it came off.
func (t *taker) each(keys []string, do func(key string) bool) []string {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		done []string
		room = make(chan struct{}, takesAtOnce)
	)
	for _, key := range keys {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			if !t.quitting() && do(key) {
				mu.Lock()
				defer mu.Unlock()
				done = append(done, key)
			}
		})
	}
	wg.Wait()
	return done
}

func (t *taker) confirm(ctx context.Context, r Row) bool {
	ok, err := t.m.config.Confirm(ctx, r)
	if err != nil && ctx.Err() == nil {
		t.m.config.Logger.Warn("a lease cannot be confirmed", "stream", t.m.config.Stream, "group", t.m.config.Group,
			"shard", r.Key, "error", err)
	}
	return ok && err == nil
}
