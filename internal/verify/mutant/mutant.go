// Package mutant is a list of deliberately broken variants of the runtime and of backends. A proof that passes one of them
// proves nothing: package check, or package streamtest, must reject each.
package mutant

import (
	"slices"
	"testing"

	"github.com/streamport-go/streamport/internal/verify/env/mem"
	"github.com/streamport-go/streamport/internal/verify/trial"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// A Mutant is one broken variant.
type Mutant struct {
	Name string // of one in package stream: what the environment variable STREAMPORT_MUTANT names
	By   string // the anomaly, or the rule of streamtest, that must show
	Seed uint64 // of which the anomaly shows, on the profile; only of anomalies

	Profile memory.Profile // on which it shows
	Suite   bool           // By is a rule of streamtest
	Runtime bool           // it is in package stream, built with -tags mutants

	shim   shim
	narrow func(*workload.Plan)  // what of a plan it needs to show
	config func(*memory.Config)  // of a broken service
	opened func(*memory.Backend) // likewise
	keep   func(stream.Checkpointer) stream.Checkpointer
}

// Profiles are those on which the suite runs.
var Profiles = []memory.Profile{memory.Kafka, memory.Kinesis, memory.Strict}

// All are all mutants.
func All() []Mutant {
	all := slices.Concat(sinks(), transactions(), readers(), keepers(), runtimes(), capabilities())
	for i := range all {
		all[i].Seed = found[all[i].Name]
	}
	return all
}

// found are the seeds at which mutants show that do not show at seed 0; with it, and the plan drawn from it, the violation
// is the same again.
var found = map[string]uint64{
	"the records are committed without the checkpoint": 2, "an abort commits": 1, "records of a transaction are written outside it": 1,
	"a hold begins at the latest record": 1, "a parent is finished before its records are": 1, "a gap is told larger than it is": 1,
	"a checkpoint is answered before it is saved, and lost": 1, "a checkpoint goes back": 1, "late checkpoints are taken": 400,
	"a slow handler loses its partition": 4, "a save does not look at the epoch": 147, "prefix is off by one": 1, "failed record is passed": 2,
	"failed save is forgotten": 2, "event of the end comes late": 23, "grace is ignored": 57,
}

// Named finds a mutant.
func Named(name string) (Mutant, bool) {
	all := All()
	i := slices.IndexFunc(all, func(m Mutant) bool { return m.Name == name })
	if i < 0 {
		return Mutant{}, false
	}
	return all[i], true
}

// Trial is the trial of a seed with the mutant in it.
func (m Mutant) Trial(seed uint64) trial.Trial {
	return m.Change(trial.New(mem.Profile{Profile: m.Profile}, seed))
}

// Sound is the same trial without the mutant, on any profile.
func (m Mutant) Sound(profile memory.Profile, seed uint64) trial.Trial {
	sound := Mutant{Profile: profile, narrow: m.narrow}
	return sound.Trial(seed)
}

// Change puts the mutant into a trial.
func (m Mutant) Change(tr trial.Trial) trial.Trial {
	p := tr.Opener.(mem.Profile)
	p.Change, p.Opened = m.config, m.opened
	tr.Opener, tr.Wrap = p, m.shim.over
	tr.Plan.Keep = m.keep
	if m.narrow != nil {
		m.narrow(&tr.Plan)
	}
	return tr
}

// Harness is package streamtest's for a profile with the mutant in it.
func (m Mutant) Harness(t testing.TB, profile memory.Profile) streamtest.Harness {
	c := memory.Config{Profile: profile}
	if m.config != nil {
		m.config(&c)
	}
	b, err := memory.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return streamtest.Harness{
		Backend: m.shim.over(b), Bubble: true, Pause: b.Pause, Resume: b.Resume, Expel: b.Expel, Split: b.Split, Merge: b.Merge,
		Grow: b.Grow, Trim: b.Trim,
	}
}
