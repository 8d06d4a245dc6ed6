package mutant

import (
	"time"

	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/memory"
)

// runtimes are the mutants in package stream; see its mutant.go.
func runtimes() []Mutant {
	seeds := func(name, by string, p memory.Profile, narrow func(*workload.Plan)) Mutant {
		return Mutant{Name: name, By: by, Profile: p, Runtime: true, narrow: narrow}
	}
	suite := func(name, by string) Mutant { return Mutant{Name: name, By: by, Runtime: true, Suite: true} }
	return []Mutant{
		seeds("prefix has gaps", "K1", memory.Strict, policy(workload.Shuffled)),
		seeds("prefix is off by one", "K1", memory.Strict, policy(workload.Shuffled)),
		seeds("keys are mixed", "C2", memory.Strict, policy(workload.ByKey)),
		seeds("failed record is passed", "K1", memory.Strict, failing(workload.ByKey)),
		seeds("checkpoint comes before the work", "K1", memory.Strict, policy(workload.Each)),
		seeds("failed save is forgotten", "K5", memory.Strict, refusedSaves),
		seeds("failed read is taken for none", "X1", memory.Strict, refusedAcquires),
		seeds("cancel is taken for the end", "K6", memory.Kinesis, waits),
		seeds("position is compared as text", "P5", memory.Kafka, backendKept),
		seeds("event of the end comes late", "C8", memory.Kinesis, reshards),
		seeds("grace is ignored", "L3", memory.Strict, failing(workload.PerRecord)),
		suite("dead letter comes after the checkpoint", "DeadLetterFirst"),
		suite("window is not bounded", "ByKeyBounded"),
		suite("requirements miss a gap", "CapabilitiesPerStream"),
		suite("panic is swallowed", "RunPanic"),
		suite("second run is allowed", "RunOnce"),
		suite("lost hold is not cancelled", "CancelFirst"),
		suite("swallowed error stays swallowed", "RunSwallowed"),
		suite("unfinished end is accepted", "RunUnfinished"),
	}
}

func policy(of workload.Policy) func(*workload.Plan) {
	return func(p *workload.Plan) { p.Policy, p.Chunked = of, false }
}

func failing(of workload.Policy) func(*workload.Plan) {
	return func(p *workload.Plan) {
		p.Policy, p.Chunked, p.Misbehave = of, false, true
		with(p, fault.Step{Kind: fault.Rebalance})
	}
}

func refusedSaves(p *workload.Plan) {
	backendKept(p)
	for i := range 4 {
		p.Script = append(p.Script, fault.Step{At: time.Duration(i*20) * time.Millisecond, Kind: fault.Refuse, Target: "checkpoint", Arg: 3})
	}
}

func refusedAcquires(p *workload.Plan) {
	external(p)
	for i := range 4 {
		at := time.Duration(20+i*20) * time.Millisecond
		p.Script = append(p.Script, fault.Step{At: at, Kind: fault.Expel, Arg: i},
			fault.Step{At: at, Kind: fault.Refuse, Target: fault.CheckpointerAcquire, Arg: 1})
	}
}

func waits(p *workload.Plan) { reshards(p); p.Policy = workload.PerBatch }
