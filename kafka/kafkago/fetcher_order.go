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
	for p, o := range orders {
		switch o.change {
		case added:
			f.places[p] = &place{p: p, name: p.String(), next: o.at, number: o.number, leader: noBroker}
			f.nextLook = time.Time{}
		case removed:
			delete(f.places, p)
		}
		if at := f.places[p]; at != nil && o.pause != asBefore {
			at.paused = o.pause == paused
		}
	}
	f.know(orders)
}

// know sees to it that the transport knows the topics that were added.
func (f *fetcher) know(orders map[engine.Partition]order) {
	var fresh []string
	for p, o := range orders {
		if _, known := f.topics[p.Topic]; o.change == added && !known {
			f.topics[p.Topic] = struct{}{}
			fresh = append(fresh, p.Topic)
		}
	}
	if len(fresh) > 0 {
		f.transport = f.lines.transport(fresh)
	}
}
