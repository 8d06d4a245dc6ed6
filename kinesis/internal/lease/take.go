package lease

import (
	"context"
	"errors"
	"time"
)

// take makes the row ours if it is still as it was seen (KCL's take). What its owner renewed last, it sent before since:
// once Failover has passed from then, it holds the lease no more, whether it has noticed or not.
func (t *taker) take(taking, running context.Context, r Row, since time.Time) bool {
	me, nobody := t.m.config.Owner, ""
	c := Change{
		Counter: &r.Counter, Owner: &r.Owner, HandOverIs: &r.HandOver,
		Raise: true, SetOwner: &me, SetHandOver: &nobody, AddSwitch: r.Owner != "" && r.Owner != me,
	}
	ready := time.Now()
	if r.Owner != "" && !mutated("a stolen lease is used at once") {
		ready = since.Add(t.m.config.Failover)
	}
	return t.win(taking, running, r, c, ready)
}

// win makes a write that makes a row ours, holds it if it is, and reports whether it is.
func (t *taker) win(taking, running context.Context, r Row, c Change, ready time.Time) bool {
	doubt, sent := false, time.Now()
	for n := range tries {
		got, err := t.m.update(taking, r.Key, c)
		if unknown(err) {
			doubt = true
			if wait(taking, t.m.config.pause(source(t.m.config.Owner, r.Key, r.Counter), n)) != nil {
				return false
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
		if won && got.HandOver == "" {
			t.m.hold(running, newLease(t.m, got, sent, ready))
		}
		return won
	}
	return false
}

// tries bounds how often a take with an unknown outcome is looked into; after that the row is as anybody's.
const tries = 4

// ask names us as the next owner of a lease that somebody holds (KCL's handoff). The counter stays: its owner goes on
// writing until it hands over. True: it is so, or may be.
func (t *taker) ask(ctx context.Context, r Row) bool {
	me, nobody := t.m.config.Owner, ""
	_, err := t.m.update(ctx, r.Key, Change{Owner: &r.Owner, HandOverIs: &nobody, SetOwner: &me, SetHandOver: &r.Owner})
	return err == nil || unknown(err)
}

// accept begins to hold what was handed over to us, and takes what should have been. What ended before its owner let go of
// it, or may not be held, is given back.
func (t *taker) accept(taking, running context.Context, rows map[string]Row, now time.Time) {
	me, nobody := t.m.config.Owner, ""
	if !t.m.config.GoOnly {
		return
	}
	var given, late, spent []string
	for _, key := range sortedKeys(rows) {
		r := rows[key]
		held, _ := t.holds(key)
		since, asked := t.asked[key]
		tooLong := asked && now.Sub(since) >= t.m.config.Grace+t.m.config.Failover
		switch {
		case r.Owner != me || held:
			delete(t.asked, key)
			delete(t.forced, key)
		case r.HandOver == "" && t.forced[key]:
			delete(t.asked, key) // it expires: who had it may not have noticed that it is taken
		case r.HandOver != "" && !asked:
			t.asked[key] = now
		case asked && (r.HandOver == "" && !t.open(r, rows) || tooLong && r.Ended()):
			spent = append(spent, key)
		case asked && r.HandOver == "":
			given = append(given, key)
		case tooLong && t.open(r, rows):
			late = append(late, key)
		}
	}
	t.each(given, func(key string) bool {
		r := rows[key]
		return t.win(taking, running, r, Change{Counter: &r.Counter, Owner: &me, HandOverIs: &nobody, Raise: true}, now)
	})
	for _, key := range late {
		t.forced[key] = true
	}
	t.each(late, func(key string) bool { return t.take(taking, running, rows[key], t.seen[key].since) })
	t.each(spent, func(key string) bool {
		r := rows[key]
		_, err := t.m.update(taking, key, Change{
			Counter: &r.Counter, Owner: &me, HandOverIs: &r.HandOver, Raise: true, SetOwner: &nobody, SetHandOver: &nobody,
		})
		return err == nil
	})
}

// open reports whether a row may be held.
func (t *taker) open(r Row, rows map[string]Row) bool {
	return !r.Ended() && t.m.config.Eligible(r, rows) || mutated("what was handed over is held whatever it is")
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
