package producer

import (
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// errElsewhere is why an aggregate is stored again.
var errElsewhere = errors.New("the aggregate was stored in a shard where not all of its keys belong")

// late is the error of a record that was tried until its time was over.
func late(last error) error { return fmt.Errorf("%w: %w", errDelivery, last) }

// fail fails the records of a parcel that is neither in line, at rest nor under way, and in the ordered modes with them
// those of its lane that are accepted before their done returns. The caller holds no lock.
func (o *outlet) fail(p *parcel, cause error) {
	err := cause
	if p.unknown && !mutated("ambiguous is not stored") {
		err = fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, cause)
	}
	behind := fmt.Errorf("a record of the same key before it failed: %w", cause)
	for {
		for it := p.items.head; it != nil; it = it.next {
			it.done(stream.Ack{Record: it.rec}, placed("append", o.name, err))
		}
		more, records, bytes := o.bury(p)
		o.sink.space.leave(records, bytes)
		if !more {
			return
		}
		err = behind
	}
}

// bury forgets records that have failed, and moves those of the lane that fail with them into the parcel. It reports
// false if there are none.
func (o *outlet) bury(p *parcel) (more bool, records int, bytes int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	records, bytes = p.items.n, p.payload()
	for it := p.items.pop(); it != nil; it = p.items.pop() {
		o.release(it)
	}
	l := p.lane
	switch {
	case l == nil || l.parcel != p:
		o.freeParcel(p)
	case l.queue.n > 0 && !mutated("a failed record lets its key go on"):
		p.items, l.queue = l.queue, queue{}
		return true, records, bytes
	default:
		o.advance(p)
	}
	if o.ended != nil {
		o.nudge()
	}
	return false, records, bytes
}
