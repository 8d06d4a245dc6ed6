package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// serve makes all writes of the lease, one after another: renewals, and what is ordered. A write that was ordered is a
// renewal, and the next one comes so much later.
func (l *Lease) serve(ctx context.Context) {
	defer close(l.ended)
	timer := time.NewTimer(l.next())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			l.renew(ctx)
		case o := <-l.orders:
			o.done <- l.obey(ctx, o)
			if o.leave {
				return
			}
		}
		ready := !time.Now().Before(l.ready) || mutated("a row that is not ready is handed on")
		if ready && l.asking(l.Row()) && l.m.withdraw(l) {
			l.give(ctx)
			return
		}
		timer.Reset(l.next())
	}
}

// next is how long it is until the lease is to be renewed.
func (l *Lease) next() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.sent.Add(l.m.config.renewAfter(l.rand))))
}

// renew raises the counter. Only so many renewals of a manager are under way at a time.
func (l *Lease) renew(ctx context.Context) {
	select {
	case l.m.slots <- struct{}{}:
		defer func() { <-l.m.slots }()
	case <-ctx.Done():
		return
	}
	_ = l.obey(ctx, order{renew: true})
}

// obey makes a write, however often it must be tried.
func (l *Lease) obey(ctx context.Context, o order) answer {
	if o.leave {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.m.config.Failover)
		defer cancel()
	} else if !l.Valid() {
		l.lose("it was not renewed in time")
		return answer{err: l.refusal()}
	}
	row, err := l.write(ctx, o)
	switch {
	case errors.Is(err, errGone) && o.leave:
		return answer{}
	case errors.Is(err, errGone):
		l.lose(errGone.Error())
		if errors.Is(err, stream.ErrUnknownOutcome) {
			return answer{err: fmt.Errorf("%w: %w", l.refusal(), stream.ErrUnknownOutcome)}
		}
		return answer{err: l.refusal()}
	case err != nil && ctx.Err() != nil && !o.leave: // lost meanwhile
		return answer{err: fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, l.refusal())}
	}
	return answer{row: row, err: err}
}

// write makes a fenced write, tries again what did not happen, and finds out what may have.
func (l *Lease) write(ctx context.Context, o order) (Row, error) {
	maybe := false // it may have happened before somebody else had the row
	for n := 0; ; n++ {
		known, sent := l.Row(), time.Now()
		change := l.fence(known, o)
		got, err := l.m.update(ctx, l.key, change)
		if err == nil {
			l.doubt = time.Time{}
			l.adopt(got, sent)
			return got, nil
		}
		if unknown(err) && mutated("an unknown outcome is a success") {
			return change.Apply(known), nil
		}
		maybe = maybe || unknown(err) && !mutated("what may be written is not written")
		if unknown(err) && l.doubt.IsZero() {
			l.doubt = sent
		}
		if unknown(err) || errors.Is(err, ErrConflict) {
			if got.Key == "" || unknown(err) {
				if got, err = l.find(ctx); err != nil {
					return Row{}, err
				}
			}
			verdict, first := l.judge(known, change, got), l.doubt
			if got.Counter != known.Counter { // no other of the writes in doubt can happen any more
				l.doubt = time.Time{}
			}
			switch verdict {
			case done: // it came after the first of them was sent; that others saw it later is not known
				l.adopt(got, first)
				return got, nil
			case refused:
				l.adopt(got, time.Time{})
				return got, ErrConflict
			case gone:
				if maybe {
					return Row{}, fmt.Errorf("%w: %w", errGone, stream.ErrUnknownOutcome)
				}
				return Row{}, errGone
			}
			l.adopt(got, time.Time{})
		} else if !errors.Is(err, stream.ErrThrottled) && !o.renew {
			return Row{}, err // nothing happened, and nothing will
		}
		if err := wait(ctx, l.m.config.pause(l.rand, n)); err != nil {
			return Row{}, err
		}
	}
}

// fence adds the condition that nobody else has had the row since we last wrote it, and raises the counter, which tells
// every other holder so. In a hand-over leaseOwner is already the next owner's name, and checkpointOwner is ours.
func (l *Lease) fence(known Row, o order) Change {
	c, me, nobody := o.change, l.m.config.Owner, ""
	waits := l.asking(known)
	switch {
	case o.leave && waits: // KCL's assign
		c = Change{SetHandOver: &nobody, AddSwitch: true}
	case o.leave: // KCL's evict
		c = Change{SetOwner: &nobody, SetHandOver: &nobody}
	}
	c.Raise = true
	if mutated("leases are given back without a condition") && o.leave {
		return c
	}
	if !mutated("the counter is no fence") {
		c.Counter = &known.Counter
	}
	if waits {
		c.HandOverIs = &me
	} else {
		c.Owner = &me
	}
	return c
}

// find reads the row after a write whose outcome is unknown.
func (l *Lease) find(ctx context.Context) (Row, error) {
	for n := 0; ; n++ {
		if err := wait(ctx, l.m.config.pause(l.rand, n)); err != nil {
			return Row{}, err
		}
		if got, _, err := l.m.get(ctx, l.key); err == nil {
			return got, nil
		}
	}
}

// A verdict is what a row that did not meet a write's condition says of the write.
type verdict int

const (
	again   verdict = iota // it did not happen, and may be repeated
	done                   // it happened
	refused                // its own condition is not met
	gone                   // somebody else has the row
)

// judge says what became of a write that did not meet its condition, or may have.
func (l *Lease) judge(known Row, c Change, got Row) verdict {
	me := l.m.config.Owner
	ours := got.Owner == me || l.asking(got)
	c.Counter, c.Owner, c.HandOverIs = nil, nil, nil
	switch {
	case !ours:
		return gone
	case got.Counter == known.Counter+1 && !l.doubt.IsZero() && c.borne(got):
		return done
	case got.Counter == known.Counter, got.Counter == known.Counter+1 && !l.doubt.IsZero():
		if c.Meets(got) {
			return again
		}
		return refused
	}
	return gone
}

// unknown reports whether a write that failed so may have happened: whatever is not known to be a refusal.
func unknown(err error) bool {
	if err == nil || errors.Is(err, stream.ErrUnknownOutcome) {
		return err != nil
	}
	for _, refusal := range [...]error{
		ErrConflict, stream.ErrThrottled, stream.ErrInvalid, stream.ErrTooLarge, stream.ErrUnauthorized, stream.ErrNotFound,
		stream.ErrUnsupported,
	} {
		if errors.Is(err, refusal) {
			return false
		}
	}
	return true
}

// give hands the lease over, or gives it back, before anybody used it.
func (l *Lease) give(ctx context.Context) {
	if l.shut("another member waited for it", true) {
		_ = l.obey(ctx, order{leave: true})
	}
	l.m.forget(l)
	l.cancel()
}
