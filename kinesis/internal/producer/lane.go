package producer

import (
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// idleLanes is how many lanes without records are kept for what they know of their key: its hash, and its last sequence
// number. The ones that were used last are kept.
const idleLanes = 8192

// A lane is the records of one key that are not done, in order.
type lane struct {
	key    string
	hash   shard.Hash
	queue  queue   // what is in no parcel
	parcel *parcel // not nil: in the ordered modes the one that is queued, under way or at rest; else the one in line
	used   bool    // since the last sweep

	shard    string // of the record that was stored last
	sequence string // Strict: its number, as text
	position stream.Position
}

// lane finds the lane of a record, or makes it. The caller holds o.mu.
func (o *outlet) lane(a *admission) *lane {
	var l *lane
	if a.sealed != nil {
		l = o.lanes[a.sealed.Key]
	} else {
		l = o.lanes[string(a.rec.Key)]
	}
	if l != nil {
		l.used = true
		return l
	}
	o.sweep()
	l = &lane{used: true}
	if a.sealed != nil {
		l.key = a.sealed.Key
	} else {
		l.key = string(a.rec.Key)
	}
	l.hash = shard.HashKey(l.key)
	o.lanes[l.key] = l
	return l
}

// sweep forgets idle lanes if there are too many. The caller holds o.mu.
func (o *outlet) sweep() {
	if len(o.lanes)-o.busy < 2*idleLanes {
		return
	}
	for key, l := range o.lanes {
		switch {
		case l.parcel != nil || l.queue.n > 0:
		case l.used:
			l.used = false
		default:
			delete(o.lanes, key)
		}
	}
	if len(o.lanes)-o.busy >= 2*idleLanes { // all were used: none is better than another
		for key, l := range o.lanes {
			if l.parcel == nil && l.queue.n == 0 {
				delete(o.lanes, key)
			}
		}
	}
}

// engage gives a lane the parcel that takes its next records. The caller holds o.mu.
func (o *outlet) engage(l *lane) *parcel {
	p := o.newParcel()
	p.lane, l.parcel = l, p
	p.hash = l.hash
	o.busy++
	return p
}

// disengage lets a lane go that has nothing left to do. The caller holds o.mu.
func (o *outlet) disengage(l *lane) {
	l.parcel = nil
	o.busy--
}
