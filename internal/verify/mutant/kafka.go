package mutant

import (
	"time"

	"github.com/streamport-go/streamport/internal/verify/env/kfake"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/trial"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
)

// An Adapter is one broken variant of the Kafka adapter. Its seeds run on kfake and are not replayable exactly.
type Adapter struct {
	Name string   // of one in package engine or franz: what STREAMPORT_MUTANT names
	By   []string // the anomalies of which one must show

	narrow func(*workload.Plan)
	config func(*kafka.Config)
}

// Trial is the trial of a seed as the variant needs it.
func (a Adapter) Trial(seed uint64) trial.Trial {
	tr := trial.New(kfake.Brokers{Change: a.config}, seed)
	tr.Racy = true
	if a.narrow != nil {
		a.narrow(&tr.Plan)
	}
	return tr
}

// Sound is the same trial without what the variant changes in the configuration.
func (a Adapter) Sound(seed uint64) trial.Trial {
	a.config = nil
	return a.Trial(seed)
}

// Adapters are all variants of the Kafka adapter; see mutant.go in kafka/internal/engine and kafka/internal/franz.
func Adapters() []Adapter {
	lost := func(request string) func(*workload.Plan) {
		return func(p *workload.Plan) {
			transacting(p)
			without(p, fault.Trim)
			for i := range 6 {
				p.Script = append(p.Script, fault.Step{At: time.Duration(5+i*10) * time.Millisecond, Kind: fault.Lose, Target: request})
			}
		}
	}
	return []Adapter{
		{Name: "guard does not refuse", By: []string{"K2", "K3", "K4", "K5", "C4"}, narrow: lateSaves},
		{Name: "revocation does not wait", By: []string{"K3", "K4", "C8", "C4", "D2", "D3", "K2", "K5"}, narrow: lateSaves},
		{Name: "checkpoint is one too far", By: []string{"K5", "C3"}, narrow: policy(workload.PerRecord)},
		{Name: "checkpoint is one too near", By: []string{"K5", "C4"}, narrow: policy(workload.PerRecord)},
		{Name: "what was fetched is saved", By: []string{"K5", "C3"}, narrow: lateSaves},
		{Name: "start is not saved", By: []string{"C3", "C9"}, narrow: bornLate},
		{Name: "stale block is taken", By: []string{"C1", "C2", "C3", "C4", "D1"}, narrow: lateSaves},
		{Name: "state is dropped", By: []string{"X1"}, narrow: policy(workload.State)},
		{Name: "expiry is not told", By: []string{"C7", "C9"}, narrow: trims},
		{Name: "records are read before their commit", By: []string{"P2", "P9", "P10"}, narrow: transacting, config: func(c *kafka.Config) {
			c.Isolation = kafka.ReadUncommitted
		}},
		{Name: "offsets are outside the transaction", By: []string{"D5", "D4", "K5"}, narrow: lost("end_txn")},
		{Name: "aborted offsets count as saved", By: []string{"K5", "C4", "K2", "D4"}, narrow: lost("end_txn")},
		{Name: "unknown commit counts as aborted", By: []string{"P2", "D4"}, narrow: lost("end_txn")},
		{Name: "unknown commit counts as done", By: []string{"P1", "D5", "K5"}, narrow: cutCommits},
		{Name: "unknown commit is aborted on the same epoch", By: []string{"P2", "D4"}, narrow: lost("end_txn")},
	}
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

// lateSaves has members come and go while answers about checkpoints are refused.
func lateSaves(p *workload.Plan) {
	backendKept(p)
	p.Policy, p.Chunked, p.Latest = workload.PerRecord, false, false
	without(p, fault.Trim)
	for i := range 4 {
		at := time.Duration(10+i*25) * time.Millisecond
		p.Script = append(p.Script,
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
	p.Script = append(fault.Script{
		{At: time.Millisecond, Kind: fault.Refuse, Target: "offset_commit=NOT_COORDINATOR", Arg: 3},
		{At: 6 * time.Millisecond, Kind: fault.Crash}, {At: 6 * time.Millisecond, Kind: fault.Crash, Arg: 1},
		{At: 6 * time.Millisecond, Kind: fault.Crash, Arg: 2}, {At: 6 * time.Millisecond, Kind: fault.Crash, Arg: 3},
	}, p.Script...)
}

// cutCommits has requests to commit not arrive.
func cutCommits(p *workload.Plan) {
	transacting(p)
	without(p, fault.Trim)
	for i := range 30 {
		p.Script = append(p.Script, fault.Step{At: time.Duration(5+i*4) * time.Millisecond, Kind: fault.Cut, Target: "end_txn"})
	}
}
