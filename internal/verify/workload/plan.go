// Package workload is what runs do: producers and members of a group that work through package stream's public API only,
// with every choice drawn from a seed, and that record everything they do and see.
package workload

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/stream"
)

// A Policy is how the members of a run handle records and make checkpoints.
type Policy string

// The policies.
const (
	PerRecord  Policy = "record"     // a loop of Records, Checkpoint for each
	PerBatch   Policy = "batch"      // a loop of Batches, Checkpoint for each
	State      Policy = "state"      // a loop of Records, CheckpointState for each
	Shuffled   Policy = "done"       // a loop of Records, Done in another order
	Each       Policy = "each"       // stream.Each with retries; some records are skipped
	DeadLetter Policy = "deadletter" // stream.Each with dead letters
	ByKey      Policy = "bykey"      // stream.ByKey
	Transact   Policy = "transact"   // a loop of Batches, an output for each record, in a transaction
)

// Times are multiples of 1,024 ns: see memory.Config.Replay.
const (
	tick     = 1024 * time.Nanosecond
	patience = 60_000 * tick
	often    = 20_000 * tick  // how often the prefix of Done is saved
	silence  = 100_000 * tick // after which a member is taken for dead, at least
	delivers = 2_000_000 * tick
	span     = 120_000 * tick // in which faults begin
)

// A Plan is what one run does.
type Plan struct {
	Seed       uint64
	Policy     Policy
	External   bool // checkpoints live in a Checkpointer
	Latest     bool // the group begins at the end of what there is
	Chunked    bool // records go through stream.Chunked
	Partitions int
	Producers  int
	Records    int // of each producer
	Members    int // at first
	Large      bool
	Slow       bool // handlers take ten times as long as a member may be silent, now and then
	Misbehave  bool // handlers fail, panic and take long now and then
	Script     fault.Script

	Grace    time.Duration // of the members; 0: as short as virtual time allows
	Delivery time.Duration // how long a record may take; likewise

	Keep func(stream.Checkpointer) stream.Checkpointer // what stands in front of the Checkpointer; nil: nothing
}

// Draw makes the plan of a seed.
func Draw(seed uint64, o env.Opener) Plan {
	r := rand.New(rand.NewPCG(seed, 1))
	t := o.Traits()
	policies := []Policy{PerRecord, PerBatch, State, Shuffled, Each, ByKey}
	if t.Transactions {
		policies = append(policies, Transact, Transact, DeadLetter)
	}
	p := Plan{
		Seed: seed, Policy: policies[r.IntN(len(policies))], External: r.IntN(4) == 0, Latest: r.IntN(4) == 0,
		Partitions: 1 + r.IntN(3), Producers: 1 + r.IntN(2), Members: 2 + r.IntN(3), Large: r.IntN(40) == 0, Misbehave: r.IntN(3) == 0,
	}
	p.Records = 60/p.Producers - r.IntN(10)
	p.Script = fault.Draw(r, o.Choices(), span)
	if p.Policy == Transact { // checkpoints are the backend's, and keys must stay where they are for outputs to keep their order
		p.External = false
		p.Script = slices.DeleteFunc(p.Script, func(s fault.Step) bool { return s.Kind == fault.Grow })
	}
	if t.Headers && !p.External && !p.Script.Has(fault.Trim, fault.Grow) { // what trimming cuts in two is given up
		p.Chunked = r.IntN(6) == 0
		p.Large = p.Large && !p.Chunked
	}
	if len(p.Script) == 0 {
		p.Misbehave = false
	}
	return p
}

// Level is what is promised of the plan's run.
func (p Plan) Level(t env.Traits) check.Level {
	l := t.Level
	l.Grows = p.Script.Has(fault.Grow)
	l.AnyOrder = p.Policy == ByKey
	l.EOS = p.Policy == Transact
	l.Quiet = len(p.Script) == 0 && !t.Steals
	switch p.Policy {
	case PerRecord, State:
		l.Window = 1
	case PerBatch, Transact:
		l.Window = 2 * maxBatch
	default:
		l.Window = 64 // what a member handles between two saves of the prefix
	}
	return l
}

func (p Plan) grace() time.Duration    { return cmp.Or(p.Grace, patience) }
func (p Plan) delivery() time.Duration { return cmp.Or(p.Delivery, delivers) }

// maxBatch is how many records a handler takes at a time.
const maxBatch = 4

// ChunkBytes is the largest value that a plan with chunks stores whole.
const ChunkBytes = 128

// Repeats reports whether the same plan gives the same history again. Chunks have random names; a run whose handlers work
// beside each other, miss their grace, or wait for a batch has moments at which two goroutines are runnable.
func (p Plan) Repeats() bool {
	switch p.Policy {
	case PerRecord, State:
		return !p.Chunked && !p.Misbehave
	}
	return false
}
