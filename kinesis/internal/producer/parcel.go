package producer

import (
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// What a parcel does.
const (
	idle     = uint8(iota)
	queued   // in a line
	resting  // until it is tried again
	underway // in a request
	failing
)

// A parcel is what stands together in one Kinesis record: a record, or several of a lane. Until it is sealed it has
// none, and takes those that are first in its lane then. What was sealed stays together for every try. Outlets reuse
// parcels.
type parcel struct {
	lane    *lane // nil: its record belongs to none
	hash    shard.Hash
	items   queue // sealed
	inner   int   // bytes of the items in an aggregate, without key
	bytes   int   // of the Kinesis record: data and key
	wrapped bool  // it is an aggregate

	state   uint8
	since   int64 // when its first record was accepted
	tries   int
	unknown bool // a try had an unknown outcome
	cause   error
	most    int // Kinesis records in a request with it; 0: any number

	place      uint64 // the round of the map by which it was placed
	line       *line
	prev, next *parcel // in the line
	alarm              // the end of its rest
	mate       *parcel // ByShard: the next one in the same Kinesis record
	first      uint32  // index of its first item in that
}

// key is the partition key; text is false if it is that of a record whose bytes must be copied.
func (p *parcel) key() (key string, text bool) {
	switch {
	case p.lane != nil:
		return p.lane.key, true
	case p.items.head.sealed != nil:
		return p.items.head.sealed.Key, true
	}
	return "", false
}

func (p *parcel) keyLen() int {
	if key, text := p.key(); text {
		return len(key)
	}
	return len(p.items.head.rec.Key)
}

// newParcel returns an empty parcel. The caller holds o.mu.
func (o *outlet) newParcel() *parcel {
	p := o.parcels
	if p == nil {
		return &parcel{}
	}
	o.parcels = p.next
	p.next = nil
	return p
}

// freeParcel gives a parcel back. The caller holds o.mu.
func (o *outlet) freeParcel(p *parcel) {
	*p = parcel{next: o.parcels}
	o.parcels = p
}

// renew makes a parcel that is done one for the next records of its lane.
func (p *parcel) renew() { *p = parcel{lane: p.lane, hash: p.hash} }

// sealed reports whether the parcel has its records.
func (p *parcel) sealed() bool { return p.items.n > 0 }

// add puts an item that waits nowhere else into the parcel.
func (p *parcel) add(it *item) {
	it.parcel = p
	p.inner += it.part()
	p.items.push(it)
}

// seal fills a parcel with the first records of its lane, as many as may share a Kinesis record, up to a size. The
// caller holds o.mu.
func (o *outlet) seal(p *parcel, most int) {
	l := p.lane
	p.add(l.queue.pop())
	pack := o.aggregates()
	for pack && l.queue.n > 0 && p.items.n < o.sink.settings.AggregateRecords {
		if len(l.key)+frame(l.key)+p.inner+l.queue.head.part() > most {
			break
		}
		p.add(l.queue.pop())
	}
	p.count()
	if o.ordered() && !mutated("two in flight of a key") {
		return
	}
	o.disengage(l)
	if l.queue.n > 0 {
		o.queue(o.engage(l), false)
	}
}

// count finds out what the service will count.
func (p *parcel) count() {
	head := p.items.head
	p.since = head.accepted
	p.wrapped = p.items.n > 1 || head.sealed != nil
	if p.wrapped {
		key, _ := p.key()
		p.bytes = len(key) + frame(key) + p.inner
		return
	}
	p.bytes = p.keyLen() + len(head.rec.Value)
}

// ordered reports whether a lane has one parcel at a time.
func (o *outlet) ordered() bool { return o.sink.settings.Mode != settings.Unordered }

// aggregates reports whether records share Kinesis records. Where the service ignores keys KCL would drop aggregates
// whose keys do not belong to the shard.
func (o *outlet) aggregates() bool {
	how := o.sink.settings.Aggregation
	return (how == settings.SameKey || how == settings.ByShard) && !o.auto
}

// laned reports whether records go through lanes: where there is neither an order to keep nor anything to pack they
// need none.
func (o *outlet) laned() bool { return o.ordered() || o.sink.settings.Aggregation == settings.SameKey }
