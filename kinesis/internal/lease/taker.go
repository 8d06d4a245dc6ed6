package lease

import (
	"context"
	"errors"
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
	settled bool                 // a table was seen in which nobody else, as far as can be told, holds a row in our name
	failed  bool                 // somebody does
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
	if p.more {
		return jitter(t.rand, t.m.config.Failover/40)
	}
	return t.soon(rows, now, every)
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
		_, asked := t.asked[key]
		seen := t.seen.note(r, m.config.Owner, l != nil || asked, now)
		if live {
			seen.since = now
		}
	}
	t.seen.forget(rows)
	m.rows = rows
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
	var wg sync.WaitGroup
	room := make(chan struct{}, takesAtOnce)
	each := func(keys []string, do func(Row)) {
		for _, key := range keys {
			room <- struct{}{}
			wg.Go(func() {
				defer func() { <-room }()
				if !t.quitting() && t.confirm(taking, rows[key]) {
					do(rows[key])
				}
			})
		}
	}
	for _, key := range slices.Concat(p.take, p.steal) {
		t.seen[key].strange = 0 // what moves next may be our own write
	}
	var mu sync.Mutex
	asked := map[string]time.Time{}
	take := func(r Row) { t.take(taking, running, r, t.seen[r.Key].since) }
	each(p.take, take)
	if !t.m.config.GoOnly || mutated("nobody is asked before a lease is taken") {
		each(p.steal, take)
	} else {
		each(p.steal, func(r Row) {
			if t.ask(taking, r) {
				mu.Lock()
				asked[r.Key] = now
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for key, since := range asked {
		t.asked[key] = since
	}
}

func (t *taker) confirm(ctx context.Context, r Row) bool {
	ok, err := t.m.config.Confirm(ctx, r)
	if err != nil && ctx.Err() == nil {
		t.m.config.Logger.Warn("a lease cannot be confirmed", "stream", t.m.config.Stream, "group", t.m.config.Group,
			"shard", r.Key, "error", err)
	}
	return ok && err == nil
}

// take makes the row ours if it is still as it was seen (KCL's take). What its owner renewed last, it sent before since:
// once Failover has passed from then, it holds the lease no more, whether it has noticed or not.
func (t *taker) take(taking, running context.Context, r Row, since time.Time) {
	me, nobody := t.m.config.Owner, ""
	c := Change{
		Counter: &r.Counter, Owner: &r.Owner, HandOverIs: &r.HandOver,
		Raise: true, SetOwner: &me, SetHandOver: &nobody, AddSwitch: r.Owner != "" && r.Owner != me,
	}
	ready := time.Now()
	if r.Owner != "" && !mutated("a stolen lease is used at once") {
		ready = since.Add(t.m.config.Failover)
	}
	t.win(taking, running, r, c, ready)
}

// win makes a write that makes a row ours, and holds it if it is.
func (t *taker) win(taking, running context.Context, r Row, c Change, ready time.Time) {
	doubt, sent := false, time.Now()
	for n := range tries {
		got, err := t.m.update(taking, r.Key, c)
		if unknown(err) {
			doubt = true
			if wait(taking, t.m.config.pause(source(t.m.config.Owner, r.Key, r.Counter), n)) != nil {
				return
			}
			if got, _, err = t.m.get(taking, r.Key); err != nil {
				continue
			}
			if got.Counter == r.Counter && got.Owner == r.Owner {
				continue // it did not happen yet
			}
			err = ErrConflict
		}
		won := err == nil || doubt && errors.Is(err, ErrConflict) && got.Owner == t.m.config.Owner && got.Counter == r.Counter+1
		if !won {
			return
		}
		if got.HandOver == "" {
			t.m.hold(running, newLease(t.m, got, sent, ready))
		}
		return
	}
}

// tries bounds how often a take with an unknown outcome is looked into; after that the row is as anybody's.
const tries = 4

// ask names us as the next owner of a lease that somebody holds (KCL's handoff). The counter stays: its owner goes on
// writing until it hands over.
func (t *taker) ask(ctx context.Context, r Row) bool {
	me, nobody := t.m.config.Owner, ""
	_, err := t.m.update(ctx, r.Key, Change{Owner: &r.Owner, HandOverIs: &nobody, SetOwner: &me, SetHandOver: &r.Owner})
	return err == nil
}

// accept begins to hold what was handed over to us, and takes what should have been.
func (t *taker) accept(taking, running context.Context, rows map[string]Row, now time.Time) {
	me, nobody := t.m.config.Owner, ""
	if !t.m.config.GoOnly {
		return
	}
	for _, key := range sortedKeys(rows) {
		r := rows[key]
		held, _ := t.holds(key)
		since, asked := t.asked[key]
		switch {
		case r.Owner != me || held:
			delete(t.asked, key)
		case r.HandOver == "" && asked:
			t.win(taking, running, r, Change{Counter: &r.Counter, Owner: &me, HandOverIs: &nobody, Raise: true}, now)
		case r.HandOver != "" && !asked:
			t.asked[key] = now
		case asked && now.Sub(since) >= t.m.config.Grace+t.m.config.Failover:
			t.take(taking, running, r, t.seen[key].since)
		}
	}
}

// decline gives leases that were not handed over yet back to those that hold them. It is for the end, after the taker's
// goroutine.
func (t *taker) decline(ctx context.Context) {
	me, nobody := t.m.config.Owner, ""
	for _, key := range sortedKeys(t.asked) {
		r, there, err := t.m.get(ctx, key)
		if err != nil || !there || r.Owner != me || r.HandOver == "" {
			continue
		}
		_, _ = t.m.update(ctx, key, Change{Owner: &me, HandOverIs: &r.HandOver, SetOwner: &r.HandOver, SetHandOver: &nobody})
	}
}
