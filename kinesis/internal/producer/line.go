package producer

import (
	"container/heap"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// A line is the parcels that wait for one shard, or, where that is not known, for any.
type line struct {
	shard      string // "": any
	within     shard.Range
	head, tail *parcel
	n          int
	pace       pace
	status     uint8
	next       *line // among those that are active
	alarm            // the end of its pause
}

// What a line does.
const (
	empty   = uint8(iota)
	active  // it has parcels that may go
	serving // it is its turn
	paused  // its pace holds it up
	aside   // the request that is being made cannot have its next one
)

func (l *line) push(p *parcel, front bool) {
	p.line = l
	l.n++
	switch {
	case l.head == nil:
		l.head, l.tail = p, p
	case front:
		p.next, l.head.prev = l.head, p
		l.head = p
	default:
		p.prev, l.tail.next = l.tail, p
		l.tail = p
	}
}

func (l *line) remove(p *parcel) {
	l.n--
	if p.prev == nil {
		l.head = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		l.tail = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}

// queue puts a parcel into the line where it belongs now, at its front if it was there before. The caller holds o.mu.
func (o *outlet) queue(p *parcel, front bool) {
	p.state = queued
	if p.sealed() {
		p.since = p.items.head.accepted
	} else {
		p.since = p.lane.queue.head.accepted
	}
	l := o.lineOf(p)
	l.push(p, front)
	if l.status != paused {
		o.ready++
	}
	o.linger(p.since)
	if l.status == empty {
		o.activate(l)
	}
}

// linger has requests made at the latest when a parcel that is ready since then has lingered. While others are under
// way what follows them lingers too: else a busy stream would send many small requests. The caller holds o.mu.
func (o *outlet) linger(since int64) {
	if o.inFlight > 1 {
		since = max(since, o.clock)
	}
	o.due = min(o.due, since+int64(max(o.sink.settings.Linger, 0)))
}

// unqueue takes a parcel out of its line. The caller holds o.mu.
func (o *outlet) unqueue(p *parcel) {
	p.line.remove(p)
	p.state = idle
	if p.line.status != paused {
		o.ready--
	}
}

// activate lets a line take part again. The caller holds o.mu.
func (o *outlet) activate(l *line) {
	l.status, l.next = active, nil
	if o.lastActive == nil {
		o.firstActive = l
	} else {
		o.lastActive.next = l
	}
	o.lastActive = l
}

// turn takes the first active line off; nil if there is none. The caller holds o.mu.
func (o *outlet) turn() *line {
	l := o.firstActive
	if l == nil {
		return nil
	}
	o.firstActive = l.next
	if o.firstActive == nil {
		o.lastActive = nil
	}
	l.next, l.status = nil, serving
	return l
}

// pause leaves a line out until its pace allows so many bytes. The caller holds o.mu.
func (o *outlet) pause(l *line, bytes int, now int64) {
	o.ready -= l.n
	l.status, l.wake = paused, now+int64(l.pace.wait(bytes))
	heap.Push(&o.pauses, l)
}

// resume lets lines take part again whose pause is over. The caller holds o.mu.
func (o *outlet) resume(now int64) {
	for len(o.pauses) > 0 && o.pauses[0].wake <= now {
		l, _ := heap.Pop(&o.pauses).(*line)
		l.status = empty
		o.ready += l.n
		if l.n > 0 {
			o.activate(l)
			o.linger(now)
		}
	}
}
