//go:build mutants

package lineage_test

import "testing"

// mutants are deliberate breaches of the rules. The model finds each of them.
var mutants = []string{
	"a blind row proves its ancestors",
	"a blind row starts",
	"a child does not wait",
	"a child starts at the tip",
	"a closed shard is skipped",
	"a date is believed to the millisecond",
	"a part of the listing is believed",
	"a loss is not told",
	"a new row has no past",
	"a row is removed before its parents'",
	"children are left to the listing",
	"children start at the oldest record",
	"gone without asking a listing",
	"one parent only at a merge",
	"rows are made children first",
	"the anchor is made again",
	"the end is written before the children",
	"the end of a shard is its tip",
	"the last records of a shard are its tip",
	"the start is resolved again",
	"the tip is a sentinel",
}

// TestMutants counts the seeds until the model finds each breach.
func TestMutants(t *testing.T) {
	const enough = 4000
	for _, name := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STREAMPORT_MUTANT", name)
			from, to := seeds(t, enough)
			for seed := from; seed < to; seed++ {
				if v := try(t, seed); len(v.faults) > 0 {
					t.Logf("found by seed %d, the %d.: %s", seed, seed-from+1, v.faults[0])
					return
				}
			}
			t.Errorf("not found by %d seeds", to-from)
		})
	}
}
