package check

import (
	"cmp"
	"maps"
	"slices"
	"strings"
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
	last := j.healed
	for i := range j.ops {
		op := &j.ops[i]
		if op.Seq <= j.healed.Seq || j.drained != nil && op.Seq > j.drained.Seq {
			continue
		}
		succeeds := op.Type == history.OK
		switch op.F {
		case history.Deliver, history.Handled, history.Acquire, history.Drained:
			succeeds = true
		}
		if !succeeds && i < len(j.ops)-1 { // whatever the last is, it is the end
			continue
		}
		if gap := time.Duration(op.T - last.T); gap > j.QuietIn {
			j.found("L2", []uint64{last.Seq, op.Seq}, "nothing succeeded for %v", gap)
		}
		last = op
	}
}

// escapes checks L4, X1, X2 and X3.
func (j *judge) escapes() {
	codes := map[string]string{"goroutine": "L4", "panic": "X2", "secret": "X3"}
	for i := range j.ops {
		op := &j.ops[i]
		if code := codes[op.Err]; op.F == history.Escape && code != "" {
			j.found(code, []uint64{op.Seq}, "a %s has escaped", op.Err)
		} else if op.F == history.Escape || strings.HasPrefix(op.Err, history.ClassUnclassified) {
			j.found("X1", []uint64{op.Seq}, "%s by %s with an error that is none of the contract's: %q", op.F, op.Proc, op.Err)
		}
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// sortedLanes are the lanes in an order that does not change.
func sortedLanes[V any](m map[lane]V) []lane {
	return slices.SortedFunc(maps.Keys(m), func(a, b lane) int {
		return cmp.Or(cmp.Compare(a.proc, b.proc), cmp.Compare(a.key, b.key))
	})
}
