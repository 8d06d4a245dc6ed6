package franz

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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

// obey carries out orders, and removes from the client what stands still. Removing and adding each take one call: the
// first restarts all fetching, and the second asks for metadata.
func (f *fetcher) obey(orders map[engine.Partition]order) {
	f.remove(orders)
	f.hold(orders)
	f.add(orders)
}

func (f *fetcher) remove(orders map[engine.Partition]order) {
	gone := make(map[engine.Partition]struct{})
	for p, o := range orders {
		if o.change != unchanged && f.places[p] != nil {
			gone[p] = struct{}{}
		}
	}
	for p := range f.broken {
		if f.places[p] != nil {
			gone[p] = struct{}{}
		}
	}
	clear(f.broken)
	if len(gone) == 0 {
		return
	}
	resume := make(map[engine.Partition]struct{})
	for p := range gone {
		if f.places[p].paused {
			resume[p] = struct{}{}
		}
		delete(f.places, p)
		delete(f.slack, p)
	}
	f.native.RemoveConsumePartitions(byTopic(gone))
	if len(resume) > 0 {
		f.native.ResumeFetchPartitions(byTopic(resume))
	}
	// What the client still has to say of the partitions must not be taken for the next Add's.
	//lint:ignore SA1012 nil asks for what is there without waiting.
	f.distribute(f.native.PollFetches(nil))
	f.forget()
}

// forget makes the client forget topics that were made anew, once nothing of them is read. It keeps a topic's first id
// for as long as it knows the topic.
func (f *fetcher) forget() {
	if len(f.stale) == 0 {
		return
	}
	for p := range f.places {
		delete(f.stale, p.Topic)
	}
	topics := make([]string, 0, len(f.stale))
	for topic := range f.stale {
		topics = append(topics, topic)
	}
	clear(f.stale)
	f.native.PurgeTopicsFromConsuming(topics...)
}

// hold pauses and resumes. What is being read is paused in the client only after a moment.
func (f *fetcher) hold(orders map[engine.Partition]order) {
	resume := make(map[engine.Partition]struct{})
	for p, o := range orders {
		place := f.places[p]
		switch {
		case place == nil || o.pause == asBefore:
		case o.pause == paused && !place.paused:
			if len(f.slack) == 0 {
				f.until = time.Now().Add(patience)
			}
			f.slack[p] = struct{}{}
		case o.pause == resumed:
			delete(f.slack, p)
			if place.paused {
				place.paused = false
				resume[p] = struct{}{}
			}
		}
	}
	if len(resume) > 0 {
		f.native.ResumeFetchPartitions(byTopic(resume))
	}
}

func (f *fetcher) add(orders map[engine.Partition]order) {
	fresh := make(map[string]map[int32]kgo.Offset)
	pause := make(map[engine.Partition]struct{})
	for p, o := range orders {
		if o.change != added {
			continue
		}
		f.places[p] = &place{name: p.String(), next: o.at, number: o.number, paused: o.pause == paused}
		if o.pause == paused {
			pause[p] = struct{}{}
		}
		if fresh[p.Topic] == nil {
			fresh[p.Topic] = make(map[int32]kgo.Offset)
		}
		fresh[p.Topic][p.Number] = kgo.NewOffset().At(o.at.At).WithEpoch(o.at.Epoch)
	}
	if len(pause) > 0 {
		f.native.PauseFetchPartitions(byTopic(pause))
	}
	if len(fresh) > 0 {
		f.native.AddConsumePartitions(fresh)
	}
}

func byTopic(ps map[engine.Partition]struct{}) map[string][]int32 {
	topics := make(map[string][]int32)
	for p := range ps {
		topics[p.Topic] = append(topics[p.Topic], p.Number)
	}
	return topics
}
