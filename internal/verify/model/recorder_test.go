package model_test

import (
	"sync"
	"sync/atomic"

	"github.com/anishathalye/porcupine"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/model"
)

// A recorder collects calls. Time is a counter: what ended before something else began has the smaller number. Methods
// may be called from many goroutines.
type recorder struct {
	clock atomic.Int64

	mu  sync.Mutex // guards what follows
	ops []porcupine.Operation
}

// record adds a call that began at the time begun and has ended now.
func (r *recorder) record(client int, begun int64, c model.Call, a model.Answer, err error) {
	ended := r.clock.Add(1)
	a.Class = history.Classify(err)
	a.Outcome = history.Outcome(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, porcupine.Operation{ClientId: client, Input: c, Call: begun, Output: a, Return: ended})
}

// outcomes counts the answers of a kind.
func (r *recorder) outcomes(kind model.Kind) map[history.Type]int {
	counts := map[history.Type]int{}
	for _, op := range r.ops {
		if op.Input.(model.Call).Kind == kind {
			counts[op.Output.(model.Answer).Outcome]++
		}
	}
	return counts
}

// judge searches for an order without a limit: in a bubble, a timer would fire as soon as the search waits.
func judge(m porcupine.Model, r *recorder) porcupine.CheckResult {
	if porcupine.CheckOperations(m, r.ops) {
		return porcupine.Ok
	}
	return porcupine.Illegal
}
