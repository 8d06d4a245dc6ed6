package trial

import (
	"fmt"
	"hash/fnv"
	"math"
	"sync/atomic"
	"testing"
	"time"
)

// Seeds runs many seeds.
type Seeds struct {
	Count   int
	First   uint64                  // the first of the fixed ones
	Commit  string                  // half of the seeds come from it; "": all are fixed
	Workers int                     // default 2
	Every   uint64                  // which seeds run twice: those that it divides; default 100
	Of      func(uint64) Trial      // default Memory
	Failed  func(Trial, Result)     // told of each seed that fails, from the worker's goroutine
	Enough  func(failed int64) bool // ends the run early; default after ten failures
}

// seed is the i-th.
func (s Seeds) seed(i int) uint64 {
	if s.Commit == "" || i < s.Count/2 {
		return s.First + uint64(i)
	}
	h := fnv.New64a()
	fmt.Fprint(h, s.Commit, i)
	return h.Sum64() % math.MaxUint32 // short enough to be typed
}

// Run runs them on several goroutines, as parallel subtests of t, and returns what they met and how long it took.
func (s Seeds) Run(t *testing.T) (*Tally, time.Duration) {
	if s.Workers == 0 {
		s.Workers = 2
	}
	if s.Every == 0 {
		s.Every = 100
	}
	if s.Of == nil {
		s.Of = Memory
	}
	if s.Enough == nil {
		s.Enough = func(failed int64) bool { return failed >= 10 }
	}
	begun := time.Now()
	tallies := make([]*Tally, s.Workers)
	var next, failed atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for w := range tallies {
			tallies[w] = NewTally()
			t.Run(fmt.Sprint("worker", w), func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1) - 1; i < int64(s.Count) && !s.Enough(failed.Load()); i = next.Add(1) - 1 {
					if !s.one(t, tallies[w], s.seed(int(i))) {
						failed.Add(1)
					}
				}
			})
		}
	})
	all := NewTally()
	for _, tally := range tallies {
		all.Join(tally)
	}
	return all, time.Since(begun)
}

// one runs one seed, and some of them twice.
func (s Seeds) one(t *testing.T, tally *Tally, seed uint64) bool {
	tr := s.Of(seed)
	r := tr.Run(t)
	tally.Add(tr, r)
	if seed%s.Every == 0 && tr.Plan.Repeats() && !tr.Racy {
		tally.Repeated++
		if Hash(tr.Run(t).Ops) != Hash(r.Ops) {
			tally.Diverged++
		}
	}
	if r.Failed() && s.Failed != nil {
		s.Failed(tr, r)
	}
	return !r.Failed()
}
