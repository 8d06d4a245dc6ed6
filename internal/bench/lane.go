package main

import (
	"sync/atomic"
)

// lanes count what a consumer receives, a lane a partition, so that counting shares no memory between partitions.
type lanes struct {
	byPartition map[string]*lane // does not change
	open        atomic.Int64     // lanes that still expect records
	arrived     chan struct{}    // one value when no lane expects any more
}

// A lane counts the records of one partition. Only its partition's handler calls add; the rest is for whoever moves the
// load, before records are sent and after they have arrived.
type lane struct {
	perRound int64
	expected atomic.Int64 // records in all
	seen     int64
	digests  uint64
	all      *lanes
	_        [64]byte // lanes of different partitions share no cache line
}

func newLanes(perRound map[string]int) *lanes {
	l := &lanes{byPartition: map[string]*lane{}, arrived: make(chan struct{}, 1)}
	for name, n := range perRound {
		l.byPartition[name] = &lane{perRound: int64(n), all: l}
	}
	return l
}

// of returns the partition's lane; nil if no record of the load goes there.
func (l *lanes) of(partition string) *lane { return l.byPartition[partition] }

// expect announces so many rounds.
func (l *lanes) expect(rounds int) {
	l.open.Store(int64(len(l.byPartition)))
	for _, lane := range l.byPartition {
		lane.expected.Add(int64(rounds) * lane.perRound)
	}
}

// sum returns the digests since it was last called.
func (l *lanes) sum() uint64 {
	var sum uint64
	for _, lane := range l.byPartition {
		sum += lane.digests
		lane.digests = 0
	}
	return sum
}

func (l *lane) add(value []byte) {
	l.digests += digest(value)
	l.seen++
	if l.seen == l.expected.Load() && l.all.open.Add(-1) == 0 {
		l.all.arrived <- struct{}{}
	}
}

// addShared is add for handlers that run on many records of the partition at a time.
func (l *lane) addShared(value []byte) {
	atomic.AddUint64(&l.digests, digest(value))
	if atomic.AddInt64(&l.seen, 1) == l.expected.Load() && l.all.open.Add(-1) == 0 {
		l.all.arrived <- struct{}{}
	}
}
