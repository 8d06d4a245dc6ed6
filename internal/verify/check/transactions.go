package check

import (
	"github.com/streamport-go/streamport/internal/verify/history"
)

// transactions checks P9, P10 and P11: all or nothing, nothing early, and no two transactions that read each other.
func (j *judge) transactions() {
	for _, number := range sortedKeys(j.txns) {
		t := j.txns[number]
		visible := 0
		var missing *write
		for _, w := range t.writes {
			switch {
			case len(j.places[w.UID]) > 0:
				visible++
			case !j.gone(w):
				missing = w
			}
		}
		if visible > 0 && missing != nil {
			j.found("P9", []uint64{missing.begun}, "transaction %d is visible in part: record %d is missing", number, missing.UID)
		}
	}
	for i := range j.ops {
		op := &j.ops[i]
		w := j.writes[op.UID]
		if op.F != history.Deliver || w == nil || w.Txn == 0 {
			continue
		}
		if t := j.txns[w.Txn]; t.begun == 0 || op.Seq < t.begun {
			j.found("P10", []uint64{w.begun, op.Seq}, "record %d was delivered before its transaction was committed", op.UID)
		}
	}
	j.cycles()
}

// cycles finds transactions that depend on what each other wrote.
func (j *judge) cycles() {
	reads := map[uint64][]uint64{} // transaction: those whose records it was made from
	for _, uid := range sortedKeys(j.writes) {
		w := j.writes[uid]
		if from := j.writes[w.Cause]; w.Txn != 0 && from != nil && from.Txn != 0 {
			reads[w.Txn] = append(reads[w.Txn], from.Txn)
		}
	}
	const (
		open = 1
		done = 2
	)
	state := map[uint64]int{}
	var visit func(uint64)
	visit = func(t uint64) {
		state[t] = open
		for _, from := range reads[t] {
			switch state[from] {
			case open:
				j.found("P11", nil, "transactions %d and %d are made from each other's records", t, from)
			case 0:
				visit(from)
			}
		}
		state[t] = done
	}
	for _, t := range sortedKeys(reads) {
		if state[t] == 0 {
			visit(t)
		}
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
		if w.Cause == 0 || len(j.places[uid]) == 0 {
			continue
		}
		if before, ok := made[w.Cause]; ok {
			j.found("D4", []uint64{j.writes[before].begun, w.begun}, "input %d has the outputs %d and %d", w.Cause, before, uid)
		}
		made[w.Cause] = uid
	}
	for _, part := range sortedKeys(j.saved) {
		saved := j.saved[part]
		l := j.logs[part]
		if l == nil || len(j.holdsOf[part]) == 0 {
			continue
		}
		begin := l.after(j.holdsOf[part][0].acquire.Pos) // of the group, in this partition
		for _, e := range l.entries[begin:max(begin, l.after(saved.Pos))] {
			if _, ok := made[e.uid]; !ok && e.stored {
				j.found("D5", []uint64{e.op.Seq, saved.Seq}, "input %d of %s is checkpointed and has no output", e.uid, part)
			}
		}
	}
}
