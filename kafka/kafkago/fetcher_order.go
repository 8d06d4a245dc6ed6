package kafkago

import (
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// An order is what was asked for a partition and is not done yet. A later one replaces an earlier one.
type order struct {
	change change
	at     engine.Offset // of added
	number int64         // of added
	pause  pausing
}

// A change of what is read.
type change uint8

const (
	unchanged change = iota
	added
	removed
)

// Pausing is a change of whether it is fetched.
type pausing uint8

const (
	asBefore pausing = iota
	paused
	resumed
)

// obey carries out orders. A place that is replaced may be under way still: what is brought for it is then thrown away.
func (f *fetcher) obey(orders map[engine.Partition]order) {
	if len(orders) == 0 {
		return
	}
	for p, o := range orders {
		if o.change != unchanged {
			delete(f.places, p)
		}
	}
	f.meet(orders)
	now := time.Now()
	for p, o := range orders {
		if o.change == added {
			f.places[p] = &place{p: p, name: p.String(), topic: f.topics[p.Topic], next: o.at, number: o.number, leader: noBroker}
			f.unled = true
		}
		if at := f.places[p]; at != nil && o.pause != asBefore {
			at.hold(o.pause == paused, now)
		}
	}
}

// meet sees to it that the transport knows the topics that were added, and that those which nothing was read of are met
// anew.
func (f *fetcher) meet(orders map[engine.Partition]order) {
	read := make(map[string]bool)
	for p, at := range f.places {
		read[p.Topic] = read[p.Topic] || !at.still
	}
	var fresh []string
	for p, o := range orders {
		if o.change != added || read[p.Topic] {
			continue
		}
		read[p.Topic] = true
		if _, known := f.topics[p.Topic]; !known {
			fresh = append(fresh, p.Topic)
		}
		f.topics[p.Topic] = &subject{name: p.Topic, due: true}
	}
	if len(fresh) > 0 {
		f.transport = f.lines.transport(fresh)
	}
}
