package mutant

import (
	"cmp"
	"slices"
	"time"

	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
)

// Kafka are all variants of the Kafka adapter; see mutant.go in kafka/internal/engine and kafka/internal/franz.
func Kafka() []Adapter {
	return of(ofKafka, []Adapter{
		{Name: "guard does not refuse", Package: "engine", Test: "TestLateCheckpointIsRefusedWithoutAskingBrokers"},
		{Name: "stale block is taken", Package: "engine", Test: "TestBlocksOfAnEarlierAddAreDropped"},
		{Name: "revocation does not wait", By: []string{"K3", "K4", "C8", "C4", "D2", "D3", "K2", "K5"},
			Seeds: []uint64{1}, narrow: lateSaves},
		{Name: "checkpoint is one too far", By: []string{"K5", "C3"}, Seeds: []uint64{4},
			narrow: policy(workload.PerRecord)},
		{Name: "checkpoint is one too near", By: []string{"K5", "C4"}, Seeds: []uint64{1},
			narrow: policy(workload.PerRecord)},
		{Name: "what was fetched is saved", By: []string{"K5", "C3"}, Seeds: []uint64{6}, narrow: lateSaves},
		{Name: "start is not saved", By: []string{"C3", "C9"}, Seeds: []uint64{281}, narrow: bornLate},
		{Name: "state is dropped", By: []string{"X1"}, Seeds: []uint64{4}, narrow: policy(workload.State)},
		{Name: "expiry is not told", By: []string{"C7", "C9"}, Seeds: []uint64{3}, narrow: trims},
		{Name: "records are read before their commit", By: []string{"P2", "P9", "P10"}, Seeds: []uint64{27},
			narrow: transacting,
			config: func(c *kafka.Config) { c.Isolation = kafka.ReadUncommitted }},
		{Name: "offsets are outside the transaction", By: []string{"D4", "D5", "K5"}, Seeds: []uint64{176},
			narrow: unanswered(fault.Lose)},
		{Name: "aborted offsets count as saved", Package: "franz", Test: "TestTxAbortedOffsetIsNotSaved"},
		{Name: "unknown commit counts as aborted", By: []string{"P2", "D4"}, Seeds: []uint64{13},
			narrow: unanswered(fault.Lose)},
		{Name: "unknown commit counts as done", By: []string{"P1", "P10", "D5", "K5", "C3"}, Seeds: []uint64{19},
			narrow: unanswered(fault.Cut)},
		{Name: "unknown commit is aborted on the same epoch", By: []string{"P2", "D4"}, Seeds: []uint64{13},
			narrow: unanswered(fault.Lose)},
	})
}

// without takes steps of a kind out of a plan.
func without(p *workload.Plan, kind fault.Kind) {
	var rest fault.Script
	for _, step := range p.Script {
		if step.Kind != kind {
			rest = append(rest, step)
		}
	}
	p.Script = rest
}

// beside puts steps into a plan, in the order of their times.
func beside(p *workload.Plan, steps ...fault.Step) {
	p.Script = append(p.Script, steps...)
	slices.SortStableFunc(p.Script, func(a, b fault.Step) int { return cmp.Compare(a.At, b.At) })
}

// lateSaves has members come and go while answers about checkpoints are refused.
func lateSaves(p *workload.Plan) {
	backendKept(p)
	p.Policy, p.Chunked, p.Latest = workload.PerRecord, false, false
	without(p, fault.Trim)
	for i := range 4 {
		at := time.Duration(10+i*25) * time.Millisecond
		beside(p,
			fault.Step{At: at, Kind: fault.Refuse, Target: "offset_commit=NOT_COORDINATOR", Arg: 3},
			fault.Step{At: at + time.Millisecond, Kind: fault.Join},
			fault.Step{At: at + 2*time.Millisecond, Kind: fault.Late, Target: "offset_commit"},
			fault.Step{At: at + 15*time.Millisecond, Kind: fault.Leave, Arg: i},
		)
	}
}

// bornLate has members of a group that begins at the end crash before they save anything.
func bornLate(p *workload.Plan) {
	latest(p)
	p.Policy, p.Chunked = workload.PerRecord, false
	without(p, fault.Trim)
	beside(p, fault.Step{At: time.Millisecond, Kind: fault.Refuse, Target: "offset_commit=NOT_COORDINATOR", Arg: 3})
	for i := range 4 {
		beside(p, fault.Step{At: 6 * time.Millisecond, Kind: fault.Crash, Arg: i})
	}
}

// unanswered has requests to commit a transaction go wrong so often that the client library gives them up. Kind is Lose if
// they are done all the same, and Cut if not.
func unanswered(kind fault.Kind) func(*workload.Plan) {
	return func(p *workload.Plan) {
		transacting(p)
		without(p, fault.Trim)
		for i := range 4 {
			for range 16 {
				beside(p, fault.Step{At: time.Duration(2+i*30) * time.Millisecond, Kind: kind, Target: "end_txn"})
			}
		}
	}
}
