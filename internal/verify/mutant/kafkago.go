package mutant

import (
	"time"

	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
)

// KafkaGo are the variants that histories through kafka-go show: those of the claims and of the ownership guard, which both
// client libraries have in common, and those of package kafkago that need no answer at a certain moment. TestMutants of
// that package has the others.
func KafkaGo() []Adapter {
	all := of(ofKafka, []Adapter{
		{Name: "revocation does not wait", By: []string{"K3", "K4", "C8", "C4", "D2", "D3", "K2", "K5"}, Seeds: []uint64{1},
			narrow: lateSaves},
		{Name: "checkpoint is one too far", By: []string{"K5", "C3"}, Seeds: []uint64{3}, narrow: policy(workload.PerRecord)},
		{Name: "checkpoint is one too near", By: []string{"K5", "C4"}, Seeds: []uint64{1}, narrow: policy(workload.PerRecord)},
		{Name: "what was fetched is saved", By: []string{"K5", "C3"}, Seeds: []uint64{1}, narrow: lateSaves},
		{Name: "start is not saved", By: []string{"C3", "C9"}, Seeds: []uint64{2}, narrow: bornLate},
		{Name: "state is dropped", By: []string{"X1"}, Seeds: []uint64{3}, narrow: policy(workload.State)},
		{Name: "expiry is not told", By: []string{"C7", "C9"}, Seeds: []uint64{3}, narrow: trims},
		{Name: "records are read before they are decided", By: []string{"P4"}, Seeds: []uint64{1}, narrow: strangers,
			config: func(c *kafka.Config) { c.Isolation = kafka.ReadUncommitted }},
		{Name: "aborted records are not dropped", By: []string{"P4"}, Seeds: []uint64{1}, narrow: strangers},
		{Name: "control records are delivered", By: []string{"P4"}, Seeds: []uint64{0}, narrow: strangers},
		{Name: "the sequence is not advanced", By: []string{"P1"}, Seeds: []uint64{1}, narrow: lostWrites},
		{Name: "the epoch is not bumped", By: []string{"P1"}, Seeds: []uint64{0}, narrow: lostWrites},
		{Name: "a batch is renumbered when it is sent again", By: []string{"P3"}, Seeds: []uint64{1}, narrow: lostWrites},
	})
	for i := range all {
		all[i].through = client.KafkaGo
	}
	return all
}

// strangers has somebody else's aborted transactions between the records.
func strangers(p *workload.Plan) {
	backendKept(p)
	p.Chunked = false
	without(p, fault.Trim)
	for i := range 6 {
		beside(p, fault.Step{At: time.Duration(1+i*18) * time.Millisecond, Kind: fault.Abort, Target: "5ms", Arg: i})
	}
}

// lostWrites has answers to produce requests get lost, or the requests.
func lostWrites(p *workload.Plan) {
	p.Chunked = false
	without(p, fault.Trim)
	for i := range 10 {
		kind := fault.Lose
		if i%3 == 2 {
			kind = fault.Cut
		}
		beside(p, fault.Step{At: time.Duration(1+i*9) * time.Millisecond, Kind: kind, Target: "produce", Arg: i % 2})
	}
}
