package check

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
)

// closeSlack is what a Close may take beyond its deadline.
const closeSlack = 100 * time.Millisecond

// liveness checks L1, L2 and L3: things go on, and come to an end.
func (j *judge) liveness() {
	if j.healed != nil {
		switch {
		case j.drained == nil:
			j.found("L1", []uint64{j.healed.Seq}, "the group has not seen everything in the end")
		case time.Duration(j.drained.T-j.healed.T) > j.DrainIn:
			j.found("L1", []uint64{j.healed.Seq, j.drained.Seq}, "the group needed %v after the last fault, more than %v",
				time.Duration(j.drained.T-j.healed.T), j.DrainIn)
		}
		j.quiet()
	}
	for i := range j.ops {
		if op := &j.ops[i]; op.F == history.Close && time.Duration(op.Dur) > closeSlack {
			j.found("L3", []uint64{op.Seq}, "%s took %v longer to close than it had", op.Proc, time.Duration(op.Dur))
		}
	}
}

// quiet looks for a time in which nothing succeeds although nothing is wrong: between the last fault and the end.
func (j *judge) quiet() {
	last := *j.healed
	for i := range j.ops {
		op := &j.ops[i]
		if op.Seq <= j.healed.Seq || j.drained != nil && op.Seq > j.drained.Seq {
			continue
		}
		if op.Type != history.OK && op.F != history.Deliver && op.F != history.Drained && op.F != history.Acquire {
			continue
		}
		if gap := time.Duration(op.T - last.T); gap > j.QuietIn {
			j.found("L2", []uint64{last.Seq, op.Seq}, "nothing succeeded for %v", gap)
		}
		last = *op
	}
}

// escapes checks L4, X1, X2 and X3.
func (j *judge) escapes() {
	codes := map[string]string{"goroutine": "L4", "panic": "X2", "secret": "X3"}
	for i := range j.ops {
		op := &j.ops[i]
		if op.F == history.Escape {
			j.found(codes[op.Err], []uint64{op.Seq}, "a %s has escaped", op.Err)
		}
		if op.Err == "unclassified" {
			j.found("X1", []uint64{op.Seq}, "%s by %s failed with an error that is none of the contract's", op.F, op.Proc)
		}
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
