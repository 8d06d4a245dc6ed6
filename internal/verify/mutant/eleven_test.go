package mutant_test

import (
	"testing"

	"github.com/streamport-go/streamport/internal/verify/mutant"
	"github.com/streamport-go/streamport/internal/verify/trial"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/memory"
)

// eleven are the tests that the defects of other libraries give. Each names the mutants that have such a defect, which
// TestMutants kills; here the same plans run without them. The first three are run together too, by every seed whose group
// begins at the end: other libraries trade one for another.
var eleven = []struct {
	sentence string
	mutants  []string
}{
	{"children wait until a parent's first record has left its handler, then start at their beginning, the group at Latest or not",
		[]string{"a parent is finished before its records are", "a child begins at the latest record"}},
	{"a hand-over before any checkpoint skips nothing, the group at Latest",
		[]string{"a hold without checkpoint begins at the latest record"}},
	{"a group born at Latest after a reshard gets no record older than its birth",
		[]string{"a group that begins at the end reads what is older"}},
	{"a handler ten times as slow as the session keeps its partition, with two healthy members",
		[]string{"a slow handler loses its partition"}},
	{"a record that cannot be worked on, or part of an aggregate, is never passed by a later checkpoint",
		[]string{"a checkpoint in an aggregate passes all of it", "failed record is passed"}},
	{"a child without checkpoint whose parents' records are trimmed is read from its beginning, and what is gone is told",
		[]string{"a child begins at the latest record", "a gap is not told"}},
	{"racing saves of the same member never move the checkpoint back",
		[]string{"a save does not look at the epoch", "an epoch is given twice", "a checkpoint goes back"}},
	{"one record retried for ever leaves memory bounded, and the partition's end and children defined",
		[]string{"window is not bounded", "the end of a partition comes early"}},
	{"a cancel in the middle of the last page of a closed partition is not its end",
		[]string{"cancel is taken for the end"}},
	{"a lost hold ends its handler's context, and its save is refused",
		[]string{"lost hold is not cancelled", "late checkpoints are taken"}},
	{"a record whose handler failed is not passed by the checkpoint of later ones",
		[]string{"failed record is passed", "prefix has gaps"}},
}

func TestEleven(t *testing.T) {
	for _, e := range eleven {
		t.Run(e.sentence, func(t *testing.T) {
			for _, name := range e.mutants {
				m, ok := mutant.Named(name)
				if !ok {
					t.Fatalf("there is no mutant %q", name)
				}
				for _, profile := range mutant.Profiles {
					for seed := range uint64(20) {
						check(t, m.Sound(profile, seed))
					}
				}
			}
		})
	}
}

func TestFirstThreeOfElevenHoldTogether(t *testing.T) {
	a, _ := mutant.Named("a child begins at the latest record")
	for _, profile := range []memory.Profile{memory.Kinesis, memory.Strict} {
		for seed := range uint64(60) {
			tr := a.Sound(profile, seed)
			tr.Plan.Latest, tr.Plan.Policy = true, workload.PerRecord
			check(t, tr)
		}
	}
}

func check(t *testing.T, tr trial.Trial) {
	t.Helper()
	if r := tr.Run(t); r.Failed() {
		t.Errorf("%v, seed %d: %v\n%+v", tr.Opener, tr.Plan.Seed, r.Report.Err(), tr.Plan)
	}
}
