// Package model says what a store of checkpoints is, one call after the other, so that porcupine can say of a history
// of concurrent calls whether there is such an order. It is the part of package check that needs a search: check knows
// what happened first only where one call ended before the next began.
package model

import (
	"math"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// A Kind is what a call does.
type Kind uint8

// The kinds.
const (
	Acquire Kind = iota // a new holder: the answer is what is saved
	Load                // the answer is what is saved
	Save                // by the holder: position and state
	Release             // by the holder, who saves nothing from then on
)

// A Call is what is asked of the store.
type Call struct {
	Kind     Kind
	Key      stream.CheckpointKey
	Epoch    int64 // Save and Release: whose; Acquire of a group: the new holder's, which the caller has chosen
	Position stream.Position
	State    string
}

// An Answer is what came of a call. One whose outcome is Info may have been carried out, or not.
type Answer struct {
	Outcome  history.Type
	Class    string // of the error: history.ClassLost or ClassInvalid are legal, each where it is due
	Epoch    int64  // of Acquire and Load
	Position stream.Position
	State    string
}

// saved is the state of one key.
type saved struct {
	epoch    int64 // of the holder; in a group 0 if there is none
	position stream.Position
	state    string
}

func (s saved) matches(a Answer) bool {
	return a.Position.Compare(s.position) == 0 && a.State == s.state
}

// Store is a stream.Checkpointer: epochs count the acquisitions, a save needs the last one and never goes back.
func Store() porcupine.Model { return modelOf(store) }

// Group is what a backend keeps for a group. Who holds a partition is the backend's affair, so that a save may be
// refused at any time; from then on every save of the same hold is.
func Group() porcupine.Model { return modelOf(group) }

func modelOf(step func(saved, Call, Answer) (bool, saved)) porcupine.Model {
	return porcupine.Model{
		Init:      func() any { return saved{} },
		Partition: byKey,
		Step: func(state, input, output any) (bool, any) {
			legal, next := step(state.(saved), input.(Call), output.(Answer))
			return legal, next
		},
	}
}

func store(s saved, c Call, a Answer) (bool, saved) {
	known := a.Outcome == history.OK
	switch c.Kind {
	case Acquire:
		s.epoch++
		return !known || a.Epoch == s.epoch && s.matches(a), s
	case Load:
		return !known || a.Epoch == s.epoch && s.matches(a), s
	}
	fenced, back := c.Epoch != s.epoch || s.epoch == 0, c.Position.Compare(s.position) < 0
	next := saved{epoch: s.epoch, position: c.Position, state: c.State}
	switch {
	case a.Outcome == history.Fail:
		return fenced && a.Class == history.ClassLost || !fenced && back && a.Class == history.ClassInvalid, s
	case fenced || back:
		return !known, s
	}
	return true, next
}

func group(s saved, c Call, a Answer) (bool, saved) {
	switch c.Kind {
	case Acquire:
		s.epoch = c.Epoch
		return a.Outcome != history.OK || s.matches(a), s
	case Load:
		return a.Outcome != history.OK || s.matches(a), s
	}
	holds := c.Epoch == s.epoch
	switch {
	case c.Kind == Release || a.Outcome == history.Fail:
		if holds {
			s.epoch = 0
		}
		return c.Kind == Release || a.Class == history.ClassLost, s
	case !holds:
		return a.Outcome != history.OK, s
	}
	return true, saved{epoch: s.epoch, position: c.Position, state: c.State}
}

// byKey lets each key be judged alone.
func byKey(ops []porcupine.Operation) [][]porcupine.Operation {
	places := map[stream.CheckpointKey]int{}
	var parts [][]porcupine.Operation
	for _, op := range ops {
		key := op.Input.(Call).Key
		at, ok := places[key]
		if !ok {
			at = len(parts)
			places[key], parts = at, append(parts, nil)
		}
		parts[at] = append(parts[at], op)
	}
	for i := range parts {
		parts[i] = endless(parts[i])
	}
	return parts
}

// endless lets calls of unknown outcome happen at any time after they began: to happen after everything else is not to
// happen at all. A save need not wait longer than until a later holder has its answer, since it changes nothing from
// then on; without this bound the search would try every set of saves that do nothing.
func endless(ops []porcupine.Operation) []porcupine.Operation {
	ops = slices.Clone(ops)
	for i := range ops {
		c, a := ops[i].Input.(Call), ops[i].Output.(Answer)
		if a.Outcome != history.Info {
			continue
		}
		ops[i].Return = math.MaxInt64
		if c.Kind != Save {
			continue
		}
		for _, later := range ops {
			answer := later.Output.(Answer)
			if later.Input.(Call).Kind == Acquire && answer.Outcome == history.OK && answer.Epoch > c.Epoch {
				ops[i].Return = min(ops[i].Return, max(later.Return, ops[i].Call))
			}
		}
	}
	return ops
}
