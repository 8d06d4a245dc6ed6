package main

import (
	"fmt"
	"maps"
)

// A ledger knows what was sent and sees everything that is handled. What the report says of lost, redelivered and
// disordered records is counted here, apart from the tallies.
type ledger struct {
	notice
	places   map[string]int   // where in the file each event stands, by its ID
	handled  []int            // how often each was handled, by place
	distinct int              // how many were handled at all
	furthest map[string]int   // by network: the last place handled so far
	disorder int              // records handled after a later one of their network
	saved    map[string]tally // by partition: what was last saved with the position
}

func newLedger(events []quake) *ledger {
	l := &ledger{
		places: map[string]int{}, handled: make([]int, len(events)), furthest: map[string]int{}, saved: map[string]tally{},
	}
	for place, q := range events {
		l.places[q.ID] = place
	}
	return l
}

// A trail is the order in which one hold got its records.
type trail map[string]int // by network: the last place

// enter notes that an event was handled, and returns how many were by now. A record that comes again after a crash is in
// order if it is so within its hold; one that comes for the first time must not come after a later one of its network,
// whoever handled that.
func (l *ledger) enter(t trail, q quake) (distinct int, err error) {
	l.change(func() {
		place, known := l.places[q.ID]
		if !known {
			err = fmt.Errorf("event %s was not sent by this run", q.ID)
			return
		}
		before, any := t[q.Network]
		furthest, seen := l.furthest[q.Network]
		first := l.handled[place] == 0
		if any && place <= before || first && seen && place < furthest {
			l.disorder++
		}
		t[q.Network] = place
		l.furthest[q.Network] = max(furthest, place)
		l.handled[place]++
		if first {
			l.distinct++
		}
		distinct = l.distinct
	})
	return distinct, err
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

// account is the sum of a ledger.
type account struct {
	produced, handled, redelivered, lost, disorder int
}

func (l *ledger) account(produced int) account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := account{produced: produced, disorder: l.disorder}
	for place, times := range l.handled {
		switch {
		case times > 0:
			a.handled++
			a.redelivered += times - 1
		case place < produced:
			a.lost++
		}
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
