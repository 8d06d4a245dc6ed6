package check

import (
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
)

// transactions checks P9 and P10: all or nothing, and nothing early.
func (j *judge) transactions() {
	for _, number := range sortedKeys(j.txns) {
		j.torn(number, j.txns[number])
	}
	for i := range j.ops {
		op := &j.ops[i]
		w := j.writes[op.UID]
		if op.F != history.Deliver || w == nil || w.sent.Txn == 0 {
			continue
		}
		if t := j.txns[w.sent.Txn]; t.begun == 0 || op.Seq < t.begun {
			j.found("P10", []uint64{w.sent.Seq, op.Seq}, "record %d was delivered before its transaction was committed", op.UID)
		}
	}
}

// torn checks P9. Where its records were stored shows what of them may be trimmed.
func (j *judge) torn(number uint64, t *txn) {
	var visible []string // streams
	var missing *write
	for _, w := range t.writes {
		for _, p := range j.places[w.sent.UID] {
			visible = append(visible, streamOf(p.Part))
		}
	}
	for _, w := range t.writes {
		if len(j.places[w.sent.UID]) > 0 || w.last.Type == history.Fail && t.outcome != history.Fail {
			continue
		}
		if !j.gone(w) || w.part() == "" && !slices.ContainsFunc(visible, j.anyTrimmed) {
			missing = w
		}
	}
	if len(visible) > 0 && missing != nil {
		j.found("P9", []uint64{missing.sent.Seq},
			"transaction %d is visible in part: record %d is missing", number, missing.sent.UID)
	}
}

// cycles checks P11: no transactions are made from each other's records. What is left after everything that depends on
// nothing, or that nothing depends on, was taken away, is cycles and what joins them.
func (j *judge) cycles() {
	from, to := map[uint64]map[uint64]bool{}, map[uint64]map[uint64]bool{}
	link := func(m map[uint64]map[uint64]bool, a, b uint64) {
		if m[a] == nil {
			m[a] = map[uint64]bool{}
		}
		m[a][b] = true
	}
	for _, w := range j.writes {
		if cause := j.writes[w.sent.Cause]; w.sent.Txn != 0 && cause != nil && cause.sent.Txn != 0 {
			link(from, w.sent.Txn, cause.sent.Txn)
			link(to, cause.sent.Txn, w.sent.Txn)
		}
	}
	prune(from, to)
	prune(to, from)
	if left := sortedKeys(from); len(left) > 0 {
		var ops []uint64
		for _, number := range left[:min(len(left), 10)] {
			ops = append(ops, j.txns[number].writes[0].sent.Seq)
		}
		j.found("P11", ops, "transactions %v are made from each other's records", left[:min(len(left), 10)])
	}
}

// prune takes away, one after the other, what depends on nothing.
func prune(from, to map[uint64]map[uint64]bool) {
	var free []uint64
	for t := range to {
		if len(from[t]) == 0 {
			free = append(free, t)
		}
	}
	for len(free) > 0 {
		t := free[len(free)-1]
		free = free[:len(free)-1]
		for next := range to[t] {
			if delete(from[next], t); len(from[next]) == 0 {
				delete(from, next)
				free = append(free, next)
			}
		}
		delete(to, t)
	}
}

// outputs checks D4 and D5: every input that is checkpointed has exactly one visible output.
func (j *judge) outputs() {
	if !j.EOS {
		return
	}
	made := map[uint64]uint64{} // input: its output
	for _, uid := range sortedKeys(j.writes) {
		w := j.writes[uid]
		trimmed := j.outcome(w) == history.OK && w.part() != "" && j.gone(w)
		if w.sent.Cause == 0 || len(j.places[uid]) == 0 && !trimmed {
			continue
		}
		if before, ok := made[w.sent.Cause]; ok {
			j.found("D4", []uint64{j.writes[before].sent.Seq, w.sent.Seq},
				"input %d has the outputs %d and %d", w.sent.Cause, before, uid)
		}
		made[w.sent.Cause] = uid
	}
	for _, part := range sortedKeys(j.saved) {
		l, saved := j.log(part), j.saved[part]
		begin := j.due(part)
		for _, e := range l.entries[begin:max(begin, l.after(saved.Pos))] {
			if _, ok := made[e.UID]; !ok && e.stored {
				j.found("D5", []uint64{e.Seq, saved.Seq}, "input %d of %s is checkpointed and has no output", e.UID, part)
			}
		}
	}
}
