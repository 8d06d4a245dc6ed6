package history

import "slices"

// WithoutGhosts leaves out the holds of processes that stood still while their partition went to somebody else, and that
// tell of it only when they go on: brokers have refused all that they wrote, and taken what was written by a hold that
// began before. A hold that saved anything stays.
func WithoutGhosts(ops []Op) []Op {
	holds := map[uint64]*tenure{}
	for i, op := range ops {
		t := holds[op.Hold]
		if t == nil {
			t = &tenure{part: op.Part, proc: op.Proc, begun: i, saved: -1}
			holds[op.Hold] = t
		}
		if op.F == Checkpoint && (op.Type == OK || op.Type == Info) {
			t.saved = i
		}
	}
	return slices.DeleteFunc(ops, func(op Op) bool {
		ghost := holds[op.Hold]
		if op.Hold == 0 || ghost.saved >= 0 {
			return false
		}
		for _, t := range holds {
			if t.part == ghost.part && t.proc != ghost.proc && t.begun < ghost.begun && t.saved > ghost.begun {
				return true
			}
		}
		return false
	})
}

// A tenure is what is told of a hold: its places in the
type tenure struct {
	part, proc   string
	begun, saved int // the first operation, the last checkpoint that may be stored or -1
}
