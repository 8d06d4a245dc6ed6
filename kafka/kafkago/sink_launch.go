package kafkago

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A broker is one that leads partitions.
type broker struct {
	flying int
	until  time.Time // it throttles
	ready  []*lane
	bytes  int       // of ready
	oldest time.Time // of ready
}

const (
	// mostRequest bounds a request's batches, but for the first: a fraction of what brokers take
	// (socket.request.max.bytes).
	mostRequest = 16 << 20

	// Each request of a broker that is under way already takes a connection of its own, so that the next one must be
	// worth it: by its bytes for each that is under way, or since it has waited.
	worthBytes = 32 << 10
	worthWait  = 2 * time.Millisecond
)

// turn sends what can be sent, and returns when to look again.
func (p *pump) turn(now time.Time) time.Time {
	next := now.Add(idleTurn)
	for _, l := range p.lanes {
		if at := p.consider(l, now); at.Before(next) {
			next = at
		}
	}
	for id, b := range p.brokers {
		if at := p.load(id, b, now); at.Before(next) {
			next = at
		}
	}
	p.lanes = slices.DeleteFunc(p.lanes, func(l *lane) bool {
		l.course.kept = !l.course.away
		return l.course.away
	})
	return next
}

// consider fails a lane, or makes it ready to be sent, or returns when to look again.
func (p *pump) consider(l *lane, now time.Time) time.Time {
	head := l.head()
	expires := head.batch.begun.Add(p.sink.config.DeliveryTimeout)
	seen := p.view.topics[l.topic.name]
	leader := p.view.leader(l.topic.name, l.number)
	switch {
	case p.sink.running.Err() != nil:
		p.fail(l, head.batch, errShut)
		return expires
	case !now.Before(expires):
		p.fail(l, head.batch, late(l.course.cause, p.identity.err, p.view.err))
		return expires
	case seen.err != nil:
		p.fail(l, head.batch, seen.err)
		return expires
	case leader < 0:
		return expires
	case now.Before(l.course.until) && leader == l.course.leader:
		return earlier(expires, l.course.until)
	}
	if due := head.batch.begun.Add(p.sink.settings.Linger); !head.full && now.Before(due) && !p.isHurried(head.batch) {
		return earlier(expires, due)
	}
	if p.sink.settings.Idempotent && !p.identity.known {
		if p.identity.refused && now.Before(p.identity.until) {
			p.fail(l, head.batch, p.identity.refusal(l.topic.name))
			return expires
		}
		return earlier(expires, p.ask(now))
	}
	b := p.brokers[leader]
	if b == nil {
		b = &broker{}
		p.brokers[leader] = b
	}
	if len(b.ready) == 0 || head.batch.begun.Before(b.oldest) {
		b.oldest = head.batch.begun
	}
	b.ready = append(b.ready, l)
	b.bytes += head.size
	return expires
}

// isHurried reports whether somebody waits for the batch.
func (p *pump) isHurried(b *batch) bool {
	return p.sink.rushing.Load() > 0 || !b.begun.After(p.hurried)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// late is the error of a record that was not answered in time, with what is known of why.
func late(causes ...error) error {
	for _, cause := range causes {
		if cause != nil {
			return fmt.Errorf("%w; the last try: %w", errDelivery, cause)
		}
	}
	return errDelivery
}

// load sends what is ready for a broker, and returns when to look again.
func (p *pump) load(id int32, b *broker, now time.Time) time.Time {
	next := now.Add(idleTurn)
	ready := b.ready
	for len(ready) > 0 && b.flying < p.slots() {
		if now.Before(b.until) {
			next = b.until
			break
		}
		if worth := b.oldest.Add(worthWait); b.flying > 0 && b.bytes < b.flying*worthBytes && now.Before(worth) {
			next = worth
			break
		}
		n := p.launch(id, b, ready)
		ready = ready[n:]
	}
	clear(b.ready)
	b.ready, b.bytes = b.ready[:0], 0
	return next
}

// slots is how many requests a broker may have. Without answers only one connection keeps their order.
func (p *pump) slots() int {
	if p.sink.settings.Acks == engine.AcksNone {
		return 1
	}
	return p.sink.settings.InFlight
}

// launch sends one request and returns how many lanes are in it.
func (p *pump) launch(id int32, b *broker, ready []*lane) int {
	r := &request{broker: id}
	size := 0
	for _, l := range ready {
		head := l.head()
		if len(r.legs) > 0 && size+head.size > mostRequest {
			break
		}
		size += head.size
		l.seal(head.batch)
		p.number(l, head.batch)
		l.course.away, l.course.leader = !mutated("two batches of a partition are under way"), id
		if expires := head.batch.begun.Add(p.sink.config.DeliveryTimeout); len(r.legs) == 0 || expires.Before(r.deadline) {
			r.deadline = expires
		}
		r.legs = append(r.legs, leg{lane: l, batch: head.batch})
	}
	b.bytes -= size
	b.flying++
	p.flying++
	n := len(r.legs)
	slices.SortStableFunc(r.legs, func(a, b leg) int { return strings.Compare(a.lane.topic.name, b.lane.topic.name) })
	p.sink.wg.Go(func() { r.run(p.sink) })
	return n
}
