package lineage_test

import (
	"math/rand/v2"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Times of the model. What a day is to the service is less than two minutes here.
const (
	retention  = 100 * time.Second
	mostLag    = 4 * time.Second // of a listing, and of a shard's first moments
	listingLag = 5 * time.Second
	syncEvery  = 15 * time.Second
	failover   = 10 * time.Second
	slots      = 16 // of the hash space: each is a key
)

// A span is a part of a run.
type span struct{ from, to time.Duration }

// A plan is what a seed makes of a run.
type plan struct {
	start       stream.Start
	members     int
	shards      int           // at first
	before      time.Duration // the stream is there before the group
	span        time.Duration // how long faults go on
	lag         int           // of listings: 0 none, 1 as a whole, 2 each shard by itself
	forgets     bool          // trimmed parents are no longer told
	secretive   bool          // the end of a shard does not always tell all children
	whole       bool          // Date has whole seconds
	skewed      bool          // arrivals go back a little
	java        bool          // the rows were begun by another library
	idle        [2]span       // when nobody runs; after the group's beginning
	crash       float64       // of a call
	pause, fail float64
	reshard     time.Duration // how often
}

func makePlan(r *rand.Rand) plan {
	p := plan{
		members: 1 + r.IntN(3), shards: 1 + r.IntN(3), before: time.Duration(r.IntN(250)) * time.Second, span: 200 * time.Second,
		lag: r.IntN(3), forgets: r.IntN(3) == 0, secretive: r.IntN(4) == 0, whole: r.IntN(4) != 0, java: r.IntN(10) == 0,
		reshard: time.Duration(5+r.IntN(40)) * time.Second,
	}
	if r.IntN(3) != 0 {
		p.crash, p.pause, p.fail = 0.004*r.Float64(), 0.01*r.Float64(), 0.03*r.Float64()
	}
	p.skewed = r.IntN(3) == 0
	for i, at := 0, time.Duration(0); i < r.IntN(len(p.idle)+1); i++ {
		at += time.Duration(r.IntN(100)) * time.Second
		p.idle[i] = span{at, at + time.Duration(r.IntN(200))*time.Second}
		at = p.idle[i].to
		p.span += p.idle[i].to - p.idle[i].from
	}
	return p
}
