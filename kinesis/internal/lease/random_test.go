package lease_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

var (
	seeds = flag.Uint64("seeds", normalSeeds, "how many seeds the random runs have")
	from  = flag.Uint64("from", 0, "the first of them")
)

// Members join, leave, crash, come back by their name, are cut off, throttled and answered late or not at all. Whatever
// happens, a row has one valid lease at a time, nobody else writes to it, and nothing that was saved is taken back. Once
// all is well, the fleet is even.
func TestRandomRuns(t *testing.T) {
	var sum ran
	for seed := *from; seed < *from+*seeds; seed++ {
		synctest.Test(t, func(t *testing.T) { sum.add(run(t, seed)) })
	}
	t.Logf("%d seeds: %+v", *seeds, sum)
	require.Positive(t, sum.Saved)
	require.Positive(t, sum.Refused)
	require.Positive(t, sum.Lost)
	require.Positive(t, sum.Moves)
}

// What happened in runs; a proof in which nothing happens proves nothing.
type ran struct{ Writes, Moves, Saved, Refused, Lost int }

func (r *ran) add(s ran) {
	r.Writes += s.Writes
	r.Moves += s.Moves
	r.Saved += s.Saved
	r.Refused += s.Refused
	r.Lost += s.Lost
}

func run(t *testing.T, seed uint64) ran {
	r := chance(seed)
	w := newWorld(t, 1+r.IntN(12), seed%2 == 0)
	w.name = fmt.Sprintf("seed %d: ", seed)
	defer w.end()
	w.save = time.Duration(1+r.IntN(60)) * failover / 40
	w.drain = time.Duration(r.IntN(30)) * failover / 10
	names := []string{"a", "b", "c", "d"}[:2+r.IntN(3)]
	for range 12 {
		name := names[r.IntN(len(names))]
		w.mu.Lock()
		in := w.members[name] != nil
		w.mu.Unlock()
		switch n := r.IntN(8); {
		case !in:
			w.via(name, nil)
			w.join(name, func(c *lease.Config) { c.Grace = failover })
		case n == 0:
			w.via(name, nil)
			w.leave(name)
		case n == 1:
			w.crash(name)
		case n == 2:
			w.via(name, cut)
		case n < 6:
			w.via(name, trouble(w, r.Uint64()))
		default:
			w.via(name, nil)
		}
		time.Sleep(time.Duration(r.Int64N(int64(2 * failover))))
	}
	for _, name := range names {
		w.via(name, nil)
	}
	if len(w.names()) == 0 {
		w.join("a")
	}
	if until(12*failover, w.even); !w.even() {
		t.Errorf("seed %d: %v of %d", seed, w.counts(), w.shards)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.Writes, w.tally.Moves = w.writes, w.moves
	return w.tally
}

// trouble is a table that is slow, refuses, and loses answers; some writes arrive long after their senders gave them up.
func trouble(w *world, seed uint64) func(lease.Call) lease.Fault {
	r := rand.New(rand.NewPCG(seed, 1))
	often := 2 + r.IntN(10)
	return func(lease.Call) lease.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		if r.IntN(often) > 0 {
			return lease.Fault{Before: time.Duration(r.IntN(50)) * time.Millisecond}
		}
		d := time.Duration(r.Int64N(int64(failover / 2)))
		switch r.IntN(6) {
		case 0:
			return lease.Fault{Err: stream.ErrThrottled}
		case 1:
			return lease.Fault{Lost: true, After: d}
		case 2:
			return lease.Fault{Err: stream.ErrUnknownOutcome, Before: d}
		case 3:
			return lease.Fault{Before: d}
		case 4:
			return lease.Fault{Before: 6 * d}
		}
		return lease.Fault{After: d}
	}
}

// count notes how a save went.
func (w *world) count(l *lease.Lease, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.tally.Saved++
	case errors.Is(err, stream.ErrLost):
		w.tally.Refused++
	default:
		w.say("%s is saved with %v", l.Row().Key, err)
	}
	select {
	case <-l.Lost():
		w.tally.Lost++
	default:
	}
}

// What a lease costs in writes, beside KCL's constants: a renewal every third of the failover time less 25 ms.
func TestWritesPerLeaseHour(t *testing.T) {
	const shards = 16
	kcl := float64(time.Hour) / float64(failover/3-25*time.Millisecond)
	for _, save := range []time.Duration{time.Second, 5 * time.Second, time.Hour} {
		bubble(t, shards, true, func(t *testing.T, w *world) {
			w.save = save
			w.join("a")
			w.join("b")
			time.Sleep(4 * failover)
			require.True(t, w.even())
			before := w.wrote()
			time.Sleep(time.Hour)
			each := float64(w.wrote()-before) / shards
			saved := min(float64(time.Hour)/float64(save), float64(time.Hour))
			fmt.Printf("kinesis.writes_per_lease_hour %.0f (saves every %v; KCL's constants: %.0f)\n", each, save, kcl+saved)
			require.LessOrEqual(t, each, (kcl+saved)*1.1)
		})
	}
}
