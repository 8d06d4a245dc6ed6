package check

import (
	"cmp"
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// index is the history by what it is about.
type index struct {
	writes   map[uint64]*write  // by UID
	txns     map[uint64]*txn    // by number
	logs     map[string]*log    // by partition
	places   map[uint64][]place // where a UID stands in the final logs
	holds    map[uint64]*hold   // by number
	holdsOf  map[string][]*hold // by partition, in the order of their grants
	parents  map[string][]string
	trimmed  map[string]stream.Position // by partition: the highest
	saved    map[string]history.Op
	ends     map[string][]history.Op
	released map[string]uint64 // by process: when it was closed
	drained  *history.Op
	healed   *history.Op
}

// write is what is known of one record that was produced.
type write struct {
	history.Op // the last one of it; its Type is the outcome
	begun      uint64
}

type txn struct {
	begun   uint64       // when its commit was called
	outcome history.Type // Invoke: never answered
	writes  []*write
}

// log is one partition: every record that is known to have been visible in it, in order.
type log struct {
	entries []entry
	stored  int // how many came from the final reading
}

type entry struct {
	pos    stream.Position
	uid    uint64
	op     history.Op // a Stored one if there is one
	stored bool
}

type place struct {
	part string
	pos  stream.Position
	op   uint64
}

// hold is one member's time with one partition.
type hold struct {
	acquire     history.Op
	delivers    []history.Op
	gaps        []history.Op
	checkpoints []checkpoint
	settled     map[stream.Position]uint64 // when a record was handled, or given up
	end         uint64                     // Seq of Lost or Release; 0: neither
	clean       bool
	released    history.Op // the Release, if there was one
}

// checkpoint is one call with its answer.
type checkpoint struct {
	history.Op // the answer; Type Info if there was none
	begun      uint64
}

func newIndex(ops []history.Op) *index {
	x := &index{
		writes: map[uint64]*write{}, txns: map[uint64]*txn{}, logs: map[string]*log{}, places: map[uint64][]place{},
		holds: map[uint64]*hold{}, holdsOf: map[string][]*hold{}, parents: map[string][]string{},
		trimmed: map[string]stream.Position{}, saved: map[string]history.Op{}, ends: map[string][]history.Op{},
		released: map[string]uint64{},
	}
	pending := map[uint64]*history.Op{} // by hold: a checkpoint that was begun and not answered
	for i := range ops {
		x.add(ops, i, pending)
	}
	for _, op := range pending {
		if op != nil {
			x.answered(*op, op.Seq, history.Info)
		}
	}
	x.dropStillborn()
	x.buildLogs(ops)
	return x
}

// dropStillborn forgets holds that were lost before anything came of them: a member may hear of such a grant, and tell it,
// long after others have had the partition.
func (x *index) dropStillborn() {
	for part, holds := range x.holdsOf {
		holds = slices.DeleteFunc(holds, func(h *hold) bool {
			stillborn := h.end != 0 && h.released.Seq == 0 && len(h.delivers)+len(h.gaps)+len(h.checkpoints) == 0
			if stillborn {
				delete(x.holds, h.acquire.Hold)
			}
			return stillborn
		})
		x.holdsOf[part] = holds
		if len(holds) == 0 {
			delete(x.holdsOf, part)
		}
	}
}

func (x *index) add(ops []history.Op, i int, pending map[uint64]*history.Op) {
	op := &ops[i]
	switch op.F {
	case history.Produce:
		x.addWrite(op)
	case history.Commit:
		t := x.txn(op.Txn)
		if op.Type == history.Invoke {
			t.begun = op.Seq
		}
		t.outcome = op.Type
	case history.Acquire:
		h := &hold{acquire: *op, settled: map[stream.Position]uint64{}}
		x.holds[op.Hold] = h
		x.holdsOf[op.Part] = append(x.holdsOf[op.Part], h)
	case history.Deliver:
		if h := x.holds[op.Hold]; h != nil {
			h.delivers = append(h.delivers, *op)
		}
	case history.Gap:
		if h := x.holds[op.Hold]; h != nil {
			h.gaps = append(h.gaps, *op)
		}
	case history.Checkpoint:
		x.addCheckpoint(ops[:i+1], pending)
	case history.Handled, history.Skipped:
		if h := x.holds[op.Hold]; h != nil && h.settled[stripTerm(op.Pos)] == 0 {
			h.settled[stripTerm(op.Pos)] = op.Seq
		}
	case history.Lost, history.Release:
		if h := x.holds[op.Hold]; h != nil && h.end == 0 {
			h.end, h.clean = op.Seq, op.Clean
			if op.F == history.Release {
				h.released = *op
			}
		}
	case history.End:
		x.ends[op.Part] = append(x.ends[op.Part], *op)
	case history.Reshard:
		x.parents[op.Part] = op.From
	case history.Trim:
		if op.Pos.Compare(x.trimmed[op.Part]) > 0 {
			x.trimmed[op.Part] = op.Pos
		}
	case history.Saved:
		x.saved[op.Part] = *op
	case history.Close:
		x.released[op.Proc] = op.Seq
	case history.Drained:
		x.drained = op
	case history.Heal:
		x.healed = op
	}
}

func (x *index) addWrite(op *history.Op) {
	w := x.writes[op.UID]
	if w == nil {
		w = &write{begun: op.Seq}
		x.writes[op.UID] = w
		if op.Txn != 0 {
			t := x.txn(op.Txn)
			t.writes = append(t.writes, w)
		}
	}
	sum, key, kseq, cause := w.Sum, w.Key, w.KSeq, w.Cause
	w.Op = *op
	if op.Type != history.Invoke { // the answer need not repeat what was sent
		w.Sum, w.Key, w.KSeq, w.Cause = sum, key, kseq, cause
	}
}

// addCheckpoint adds the last of the operations. An answer without a call, such as an event tells it, says how long the
// call took: it began before everything that was recorded since.
func (x *index) addCheckpoint(ops []history.Op, pending map[uint64]*history.Op) {
	op := &ops[len(ops)-1]
	if op.Type == history.Invoke {
		if before := pending[op.Hold]; before != nil {
			x.answered(*before, before.Seq, history.Info)
		}
		pending[op.Hold] = op
		return
	}
	begun := op.Seq
	if before := pending[op.Hold]; before != nil {
		begun = before.Seq
		pending[op.Hold] = nil
	} else if op.Dur > 0 {
		first, _ := slices.BinarySearchFunc(ops, op.T-op.Dur, func(op history.Op, t int64) int { return cmp.Compare(op.T, t) })
		begun = ops[first].Seq
	}
	x.answered(*op, begun, op.Type)
}

func (x *index) answered(op history.Op, begun uint64, t history.Type) {
	op.Type = t
	if h := x.holds[op.Hold]; h != nil {
		h.checkpoints = append(h.checkpoints, checkpoint{Op: op, begun: begun})
	}
}

func (x *index) txn(number uint64) *txn {
	t := x.txns[number]
	if t == nil {
		t = &txn{outcome: history.Fail} // a commit that was never called
		x.txns[number] = t
	}
	return t
}

// outcome is that of the record: of its transaction if it is in one.
func (x *index) outcome(w *write) history.Type {
	if w.Txn == 0 || w.Type == history.Fail {
		return w.Type
	}
	return x.txns[w.Txn].outcome
}

// buildLogs joins what the final reading found with what was acknowledged or delivered and is gone by now.
func (x *index) buildLogs(ops []history.Op) {
	known := map[string]map[stream.Position]bool{}
	put := func(op history.Op, stored bool) {
		l := x.logs[op.Part]
		if l == nil {
			l = &log{}
			x.logs[op.Part], known[op.Part] = l, map[stream.Position]bool{}
		}
		at := stripTerm(op.Pos)
		if known[op.Part][at] {
			return
		}
		known[op.Part][at] = true
		l.entries = append(l.entries, entry{pos: op.Pos, uid: op.UID, op: op, stored: stored})
	}
	for _, op := range ops {
		if op.F == history.Stored {
			put(op, true)
			x.places[op.UID] = append(x.places[op.UID], place{op.Part, op.Pos, op.Seq})
		}
	}
	for _, op := range ops {
		switch {
		case op.F == history.Deliver:
			put(op, false)
		case op.F == history.Produce && op.Type == history.OK && !op.Pos.IsZero() && x.outcome(x.writes[op.UID]) == history.OK:
			put(op, false)
		}
	}
	for _, l := range x.logs {
		slices.SortStableFunc(l.entries, func(a, b entry) int { return a.pos.Compare(b.pos) })
	}
}

// stripTerm makes positions that Compare as equal equal.
func stripTerm(p stream.Position) stream.Position {
	major, sub, _ := p.Parts()
	return stream.MakePosition(major, sub, 0)
}

// isTrimmed reports whether retention has passed the position.
func (x *index) isTrimmed(part string, pos stream.Position) bool {
	upTo, ok := x.trimmed[part]
	return ok && pos.Compare(upTo) <= 0
}

// after is the place in the log of the first entry behind pos.
func (l *log) after(pos stream.Position) int {
	i, found := slices.BinarySearchFunc(l.entries, pos, func(e entry, p stream.Position) int { return e.pos.Compare(p) })
	for found && i < len(l.entries) && l.entries[i].pos.Compare(pos) == 0 {
		i++
	}
	return i
}

// ancestors are all partitions that part replaces, directly or not.
func (x *index) ancestors(part string) map[string]bool {
	all := map[string]bool{}
	var walk func(string)
	walk = func(p string) {
		for _, parent := range x.parents[p] {
			if !all[parent] {
				all[parent] = true
				walk(parent)
			}
		}
	}
	walk(part)
	return all
}
