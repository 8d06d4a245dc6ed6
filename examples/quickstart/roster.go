package main

import (
	"slices"
	"strings"

	"github.com/streamport-go/streamport/stream"
)

// A roster knows from events who holds which partition.
type roster struct {
	notice
	holds []*hold                    // as they were granted
	saved map[string]stream.Position // by partition: the last checkpoint
}

// A hold is one member's time with one partition.
type hold struct {
	partition, member string
	from, to          stream.Position // what was checkpointed before it and at its end
	records           int             // handed to the handler, also what no checkpoint has passed
	end               string          // the event that ended it; empty: it goes on
}

func newRoster() *roster { return &roster{saved: map[string]stream.Position{}} }

// observe takes the events of every member: see stream.ConsumerConfig.Observe.
func (r *roster) observe(e stream.Event) {
	r.change(func() {
		switch e.Kind {
		case stream.EventGranted:
			r.grant(e)
		case stream.EventCheckpointed:
			r.checkpoint(e)
		case stream.EventReleased, stream.EventLost:
			if h := r.open(e.Member, e.Partition); h != nil {
				h.end = e.Kind
			}
		}
	})
}

// grant begins a hold. Where checkpoints live in a directory the backend does not know them; the last one is where
// the hold begins.
func (r *roster) grant(e stream.Event) {
	if !e.Position.IsZero() {
		r.saved[e.Partition] = e.Position
	}
	from := r.saved[e.Partition]
	r.holds = append(r.holds, &hold{partition: e.Partition, member: e.Member, from: from, to: from})
}

// checkpoint moves the end of a hold.
func (r *roster) checkpoint(e stream.Event) {
	if e.Err != nil {
		return
	}
	r.saved[e.Partition] = e.Position
	if h := r.open(e.Member, e.Partition); h != nil {
		h.to = e.Position
	}
}

// open returns the hold that goes on, or nil.
func (r *roster) open(member, partition string) *hold {
	for _, h := range r.holds {
		if h.member == member && h.partition == partition && h.end == "" {
			return h
		}
	}
	return nil
}

// enter counts a record that a member has handled.
func (r *roster) enter(member, partition string) {
	r.change(func() {
		if h := r.open(member, partition); h != nil {
			h.records++
		}
	})
}

// held is how many partitions the member holds. The caller is inside await.
func (r *roster) held(member string) int {
	n := 0
	for _, h := range r.holds {
		if h.member == member && h.end == "" {
			n++
		}
	}
	return n
}

// history returns the holds of each partition, in the order in which they were granted.
func (r *roster) history() []hold {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]hold, len(r.holds))
	for i, h := range r.holds {
		all[i] = *h
	}
	slices.SortStableFunc(all, func(a, b hold) int { return strings.Compare(a.partition, b.partition) })
	return all
}
