package producer

import (
	"context"
	"fmt"
	"time"
)

// What one request may hold (API operation PutRecords).
const (
	mostEntries      = 500
	mostRequestBytes = 10 << 20 // data and keys
)

// errDelivery is the cause when a record was not stored in time.
var errDelivery = fmt.Errorf("the delivery timeout is over: %w", context.DeadlineExceeded)

// dispatch is the outlet's goroutine.
func (o *outlet) dispatch() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s := o.step()
		switch {
		case s.over:
			return
		case s.list:
			o.wg.Go(o.list)
		case s.fail != nil:
			o.fail(s.fail, s.fail.cause)
		case s.send != nil:
			o.wg.Go(s.send.run)
		default:
			timer.Reset(s.wait)
			select {
			case <-o.wake:
			case <-timer.C:
			}
		}
	}
}

// A step is what the dispatcher does next: one of these.
type step struct {
	over bool
	list bool
	fail *parcel
	send *request
	wait time.Duration
}

func (o *outlet) step() step {
	now := o.sink.now()
	known := o.know(now)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asleep, o.clock = 0, now
	o.learn(known)
	o.expire(now)
	if n := len(o.doomed); n > 0 {
		p := o.doomed[0]
		o.doomed[0] = nil
		o.doomed = o.doomed[1:]
		return step{fail: p}
	}
	if o.ended != nil && o.ledger.oldest == nil && o.inFlight == 0 {
		return step{over: true}
	}
	o.rested(now)
	o.resume(now)
	if o.firstActive != nil && o.relist(now) {
		return step{list: true}
	}
	if o.mayGo(now) {
		if r := o.build(now); r != nil {
			return step{send: r}
		}
	}
	o.asleep = o.next(now)
	return step{wait: time.Duration(o.asleep - now)}
}

// learn notes what has changed at the stream. The caller holds o.mu.
func (o *outlet) learn(k *known) {
	if o.facts == k.Facts {
		return
	}
	if o.facts.Auto != k.Auto {
		o.atlas.round++ // everything is placed anew
	}
	o.facts, o.auto = k.Facts, k.Auto
	for id, l := range o.lines {
		if id == "" {
			l.pace.scale = o.shards() * o.sink.settings.Share
		}
		l.pace.resize(k.RecordBytes)
	}
}

// expire dooms what waits beyond its time, and everything once the sink has ended. The caller holds o.mu.
func (o *outlet) expire(now int64) {
	timeout := int64(o.sink.config.DeliveryTimeout)
	for it := o.ledger.oldest; it != nil; it = it.newer {
		cause := o.ended
		if cause == nil {
			if now-it.accepted < timeout {
				return
			}
			cause = errDelivery
		}
		if p := it.waits(); p != nil {
			o.doom(p, cause)
		}
	}
}

// waits returns the parcel with which an item waits; nil if it is under way or about to fail.
func (it *item) waits() *parcel {
	p := it.parcel
	if p == nil {
		p = it.lane.parcel
	}
	if p.state == queued || p.state == resting {
		return p
	}
	return nil
}

// mayGo reports whether a request should be made. The caller holds o.mu.
func (o *outlet) mayGo(now int64) bool {
	if o.firstActive == nil || o.inFlight >= o.sink.settings.InFlight || o.ended != nil {
		return false
	}
	return now >= o.due || o.full() || len(o.flushes) > 0
}

// next is when there may be something to do. The caller holds o.mu.
func (o *outlet) next(now int64) int64 {
	at := now + int64(time.Hour)
	if it := o.ledger.oldest; it != nil {
		for ; it != nil && now-it.accepted >= int64(o.sink.config.DeliveryTimeout); it = it.newer {
			continue // its request is being ended
		}
		if it != nil {
			at = min(at, it.accepted+int64(o.sink.config.DeliveryTimeout))
		}
	}
	if len(o.rests) > 0 {
		at = min(at, o.rests[0].wake)
	}
	if len(o.pauses) > 0 {
		at = min(at, o.pauses[0].wake)
	}
	if o.firstActive != nil && o.inFlight < o.sink.settings.InFlight {
		at = min(at, o.due)
	}
	return max(at, now+1)
}
