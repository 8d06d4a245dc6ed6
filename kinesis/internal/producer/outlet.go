package producer

import (
	"container/heap"
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// An outlet is what a sink does for one stream. One goroutine, the dispatcher, decides what is sent; each request has
// its own. Whatever waits for something is found by the dispatcher, so that no record has a timer.
type outlet struct {
	sink  *Sink
	name  string
	known atomic.Pointer[known]
	atlas atlas
	wake  chan struct{} // holds one: there is something for the dispatcher to see
	base  context.Context
	halt  context.CancelCauseFunc // ends base, the requests
	wg    sync.WaitGroup          // the dispatcher, requests, listings

	mu      sync.Mutex // guards what follows
	ledger  ledger
	lanes   map[string]*lane
	busy    int // lanes with a parcel
	lines   map[string]*line
	rests   alarms[*parcel]
	pauses  alarms[*line]
	doomed  []*parcel // that fail, as soon as the dispatcher comes to it
	flushes []*flush

	firstActive, lastActive *line // in whose turn it is

	clock    int64 // when something was done last
	ready    int   // parcels in lines that do not pause
	inFlight int   // requests
	due      int64 // when lingering ends
	asleep   int64 // until when the dispatcher sleeps; 0: it does not
	facts    Facts
	auto     bool // facts.Auto
	shutting bool
	ended    error // not nil: nothing is tried any more
	told     int64 // when a throttle was told last
	astray   int64 // when something was sent to whatever shard last

	items    *item // to be used again
	parcels  *parcel
	requests *request
}

// never is a time that does not come.
const never = math.MaxInt64

func newOutlet(s *Sink, name string) *outlet {
	o := &outlet{
		sink: s, name: name, wake: make(chan struct{}, 1), due: never, told: -int64(time.Hour), astray: -int64(time.Hour),
		lanes: make(map[string]*lane), lines: make(map[string]*line),
	}
	o.atlas.asked = -int64(time.Hour)
	o.base, o.halt = context.WithCancelCause(context.Background())
	o.wg.Go(o.dispatch)
	return o
}

// accept takes records that have space, or reports false after the sink was closed.
func (o *outlet) accept(admitted []admission, now int64, done func(stream.Ack, error)) bool {
	o.mu.Lock()
	if o.shutting {
		o.mu.Unlock()
		return false
	}
	o.clock = now
	o.learn(o.known.Load())
	for i := range admitted {
		o.enter(&admitted[i], now, done)
	}
	wake := o.wants()
	o.mu.Unlock()
	if wake {
		o.nudge()
	}
	return true
}

// enter puts one record where it waits.
func (o *outlet) enter(a *admission, now int64, done func(stream.Ack, error)) {
	it := o.items
	if it == nil {
		it = &item{}
	} else {
		o.items = it.next
	}
	*it = item{rec: a.rec, sealed: a.sealed, done: done, size: min(a.size, o.sink.space.mostBytes), accepted: now}
	o.ledger.add(it)
	if a.loose || !o.laned() {
		p := o.newParcel()
		p.add(it)
		p.count()
		o.queue(p, false)
		return
	}
	l := o.lane(a)
	it.lane = l
	l.queue.push(it)
	if l.parcel == nil {
		o.queue(o.engage(l), false)
	}
}

// wants reports whether the dispatcher sleeps longer than it should. The caller holds o.mu.
func (o *outlet) wants() bool {
	return o.asleep != 0 && o.inFlight < o.sink.settings.InFlight && o.firstActive != nil &&
		(o.due < o.asleep || o.full())
}

// full reports whether waiting longer would not make a request larger. The caller holds o.mu.
func (o *outlet) full() bool { return o.ready >= mostEntries }

// nudge lets the dispatcher look.
func (o *outlet) nudge() {
	select {
	case o.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// unlinger has everything sent that is in line, unless a request is under way, which will make space.
func (o *outlet) unlinger() {
	o.mu.Lock()
	idle := o.inFlight == 0
	if idle {
		o.due = math.MinInt64
	}
	o.mu.Unlock()
	if idle {
		o.nudge()
	}
}

// release forgets an item that is done. The caller holds o.mu, and leaves the space afterwards.
func (o *outlet) release(it *item) {
	first := o.ledger.oldest == it
	o.ledger.remove(it)
	*it = item{next: o.items}
	o.items = it
	if first && len(o.flushes) > 0 {
		o.flushed()
	}
}

// A flush waits until everything is done that was accepted before it.
type flush struct {
	upTo uint64
	over chan struct{} // closed then
	told bool
}

// begin begins a flush, during which nothing lingers.
func (o *outlet) begin() *flush {
	o.mu.Lock()
	f := &flush{upTo: o.ledger.number, over: make(chan struct{})}
	o.flushes = append(o.flushes, f)
	o.flushed()
	o.mu.Unlock()
	o.nudge()
	return f
}

// end ends it.
func (o *outlet) end(f *flush) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, other := range o.flushes {
		if other == f {
			o.flushes = append(o.flushes[:i], o.flushes[i+1:]...)
			return
		}
	}
}

// flushed tells the flushes that are over. The caller holds o.mu.
func (o *outlet) flushed() {
	for _, f := range o.flushes {
		if !f.told && o.ledger.done(f.upTo) {
			f.told = true
			close(f.over)
		}
	}
}

// shut accepts nothing more.
func (o *outlet) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shutting = true
}

// stop fails everything that is not done, and ends the goroutines; wg tells when.
func (o *outlet) stop(cause error) {
	o.mu.Lock()
	o.ended = cause
	o.mu.Unlock()
	o.halt(cause)
	o.nudge()
}

// doom takes a parcel that waits out of where it waits, to fail by cause. The caller holds o.mu.
func (o *outlet) doom(p *parcel, cause error) {
	switch p.state {
	case queued:
		o.unqueue(p)
	case resting:
		heap.Remove(&o.rests, p.index)
	}
	if !p.sealed() {
		o.seal(p, 0)
	}
	if p.cause != nil {
		cause = fmt.Errorf("%w: %w", cause, p.cause)
	}
	p.state, p.cause = failing, cause
	o.doomed = append(o.doomed, p)
}
