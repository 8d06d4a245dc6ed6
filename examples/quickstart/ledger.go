package main

import (
	"errors"
	"fmt"
	"maps"

	"github.com/streamport-go/streamport/stream"
)

// A ledger sees every event that is stored or handled. What the report says of lost, redelivered and disordered
// records is counted here, apart from the tallies. An event is named by its place in the file.
type ledger struct {
	notice
	places   map[string]int   // by ID
	stored   []bool           // by place
	handled  []int            // how often, by place
	distinct int              // how many were handled at all
	furthest trail            // over all holds
	disorder int              // records handled after a later one of their network
	failures error            // events that were not stored
	ends     frontier         // by partition: the last record stored
	reached  frontier         // by partition: the last record handled
	saved    map[string]tally // by partition: what was last saved with the position
}

// A trail is how far each network's events were handled: the last place.
type trail map[string]int

// A frontier is a position of each partition.
type frontier map[string]stream.Position

func newLedger(events []quake) *ledger {
	l := &ledger{
		places: map[string]int{}, stored: make([]bool, len(events)), handled: make([]int, len(events)),
		furthest: trail{}, ends: frontier{}, reached: frontier{}, saved: map[string]tally{},
	}
	for place, q := range events {
		l.places[q.ID] = place
	}
	return l
}

// store takes the answer about an event that was sent.
func (l *ledger) store(place int, a stream.Ack, err error) {
	l.change(func() {
		if err != nil {
			l.failures = errors.Join(l.failures, err)
			return
		}
		l.stored[place] = true
		l.ends.advance(a.Partition, a.Position)
	})
}

// failed returns why events were not stored, if any were not.
func (l *ledger) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failures
}

func (f frontier) advance(partition string, to stream.Position) {
	if f[partition].Compare(to) <= 0 {
		f[partition] = to
	}
}

// enter notes that an event was handled, and returns how many were by now. A record that comes again after a crash is
// in order if it is so within its hold; one that comes for the first time must not come after a later one of its
// network, whoever handled that.
func (l *ledger) enter(inHold trail, q quake, rec *stream.Record) (distinct int, err error) {
	l.change(func() {
		place, known := l.places[q.ID]
		if !known {
			err = fmt.Errorf("event %s was not sent by this run", q.ID)
			return
		}
		first := l.handled[place] == 0
		if inHold.passed(q.Network, place) || first && l.furthest.passed(q.Network, place) {
			l.disorder++
		}
		inHold[q.Network] = place
		if !l.furthest.passed(q.Network, place) {
			l.furthest[q.Network] = place
		}
		l.reached.advance(rec.Partition, rec.Position)
		l.handled[place]++
		if first {
			l.distinct++
		}
		distinct = l.distinct
	})
	return distinct, err
}

// passed reports whether the network's event at the place, or a later one, was handled.
func (t trail) passed(network string, place int) bool {
	last, any := t[network]
	return any && place <= last
}

// through reports whether the first n events are handled, or what was stored last is: then what is missing is lost.
// The caller is inside await.
func (l *ledger) through(n int) bool {
	if l.distinct >= n {
		return true
	}
	for partition, end := range l.ends {
		if end.IsZero() || l.reached[partition].Compare(end) < 0 { // zero: the backend does not tell positions
			return false
		}
	}
	return len(l.ends) > 0
}

// keep notes a partition's tally when it is saved.
func (l *ledger) keep(partition string, t tally) {
	copied := maps.Clone(t)
	l.change(func() { l.saved[partition] = copied })
}

// drop forgets a partition whose tally others go on with.
func (l *ledger) drop(partition string) {
	l.change(func() { delete(l.saved, partition) })
}

// An account is the sum of a ledger.
type account struct {
	produced, handled, redelivered, lost, disorder int
}

func (l *ledger) account() account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := account{handled: l.distinct, disorder: l.disorder}
	for place, times := range l.handled {
		if l.stored[place] {
			a.produced++
			if times == 0 {
				a.lost++
			}
		}
		a.redelivered += max(times-1, 0)
	}
	return a
}

// counts puts the saved tallies of all partitions together.
func (l *ledger) counts() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := tally{}
	for _, t := range l.saved {
		for network, n := range t {
			all.add(network, n)
		}
	}
	return all
}
