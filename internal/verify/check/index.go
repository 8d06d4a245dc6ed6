package check

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// index is the history by what it is about. It points into the operations and copies none of them.
type index struct {
	ops     []history.Op
	writes  map[uint64]*write          // by UID
	txns    map[uint64]*txn            // by number
	logs    map[string]*log            // by partition
	places  map[uint64][]*history.Op   // by UID: where it stands in the end, older partitions first
	reads   map[string][]*history.Op   // by partition: who saw what, by position
	seen    map[uint64]*history.Op     // by UID: its first delivery
	holds   map[uint64]*hold           // by number
	holdsOf map[string][]*hold         // by partition, in the order of their grants
	born    uint64                     // when the group's first hold began; 0: never
	made    map[string]uint64          // when a partition appeared
	parents map[string][]string        // what a partition replaces
	family  map[string]map[string]bool // all that it replaces, directly or not; filled when asked
	trimmed map[string]stream.Position // by partition: the highest
	before  map[string]stream.Position // what was trimmed when the group was born
	saved   map[string]*history.Op     // the checkpoints that are left in the end
	ends    map[string][]*history.Op
	closed  map[string]uint64 // by process: when it was closed first
	drained *history.Op
	healed  *history.Op
}

// write is what is known of one record that was produced.
type write struct {
	sent *history.Op // the call
	last *history.Op // the answer; the call again if there was none
}

// part is where the record was stored, or, where only that is known, "stream/".
func (w *write) part() string {
	if w.last.Part != "" {
		return w.last.Part
	}
	return w.sent.Part
}

type txn struct {
	begun   uint64       // when its commit was called; 0: never
	outcome history.Type // Invoke: never answered
	writes  []*write
}

// hold is one member's time with one partition.
type hold struct {
	acquire     *history.Op
	turn        int // its place among the partition's holds
	delivers    []*history.Op
	gaps        []*history.Op
	checkpoints []*checkpoint
	settled     map[stream.Position]uint64 // when a record was first handled, or given up
	handled     map[stream.Position]uint64 // when it was first handled
	over        *history.Op                // the first Lost or Release; nil: neither
}

// checkpoint is one call with its answer.
type checkpoint struct {
	*history.Op              // the answer; the call if there was none
	outcome     history.Type // Info if there was no answer; that of the transaction if it is in one
	hold        *hold        // nil: of no hold that is known
	from, to    uint64       // the earliest and the latest place at which the call can have begun
	fromT       int64        // the time of the earliest
	done        uint64       // when it was answered; never is the end of time
}

const never = math.MaxUint64

// byAnswer orders checkpoints by when they were answered.
func byAnswer(a, b *checkpoint) int {
	return cmp.Or(cmp.Compare(a.done, b.done), cmp.Compare(a.Seq, b.Seq))
}

// calls are checkpoints that were begun and are not answered yet. Calls of one hold may overlap.
type calls map[call][]*history.Op

type call struct {
	hold, txn uint64
	pos       stream.Position
}

func newIndex(ops []history.Op) *index {
	x := &index{
		ops: ops, writes: map[uint64]*write{}, txns: map[uint64]*txn{}, logs: map[string]*log{},
		places: map[uint64][]*history.Op{}, reads: map[string][]*history.Op{}, seen: map[uint64]*history.Op{},
		holds: map[uint64]*hold{}, holdsOf: map[string][]*hold{}, made: map[string]uint64{}, parents: map[string][]string{},
		family: map[string]map[string]bool{}, trimmed: map[string]stream.Position{}, before: map[string]stream.Position{},
		saved: map[string]*history.Op{}, ends: map[string][]*history.Op{}, closed: map[string]uint64{},
	}
	open := calls{}
	for i := range ops {
		x.add(i, open)
	}
	for _, unanswered := range open {
		for _, op := range unanswered {
			x.addCheckpoint(&checkpoint{Op: op, outcome: history.Info, from: op.Seq, fromT: op.T, to: op.Seq, done: never})
		}
	}
	x.dropStillborn()
	for _, h := range x.holds {
		for _, c := range h.checkpoints {
			c.outcome = x.inTransaction(c)
		}
		slices.SortFunc(h.checkpoints, byAnswer)
	}
	x.buildLogs()
	return x
}

func (x *index) add(i int, open calls) {
	op := &x.ops[i]
	switch op.F {
	case history.Produce:
		x.addWrite(op)
	case history.Commit:
		x.addCommit(op)
	case history.Acquire:
		x.addHold(op)
	case history.Checkpoint:
		x.addCall(i, open)
	case history.Deliver, history.Gap, history.Lost, history.Release, history.Handled, history.Skipped:
		x.addToHold(op)
	case history.End:
		x.ends[op.Part] = append(x.ends[op.Part], op)
	case history.Reshard:
		x.parents[op.Part], x.made[op.Part] = op.From, op.Seq
	case history.Trim:
		if op.Pos.Compare(x.trimmed[op.Part]) > 0 {
			x.trimmed[op.Part] = op.Pos
		}
	case history.Saved:
		x.saved[op.Part] = op
	case history.Close:
		if x.closed[op.Proc] == 0 {
			x.closed[op.Proc] = op.Seq
		}
	case history.Drained:
		x.drained = op
	case history.Heal:
		x.healed = op
	}
}

func (x *index) addWrite(op *history.Op) {
	if w := x.writes[op.UID]; w != nil {
		w.last = op
		return
	}
	w := &write{sent: op, last: op}
	x.writes[op.UID] = w
	if op.Txn != 0 {
		t := x.txn(op.Txn)
		t.writes = append(t.writes, w)
	}
}

func (x *index) addCommit(op *history.Op) {
	t := x.txn(op.Txn)
	if t.begun == 0 && op.Type != history.Fail {
		t.begun = op.Seq
	}
	t.outcome = op.Type
}

// txn is the transaction of that number. One whose commit is never called is never committed.
func (x *index) txn(number uint64) *txn {
	t := x.txns[number]
	if t == nil {
		t = &txn{outcome: history.Fail}
		x.txns[number] = t
	}
	return t
}

// outcome is that of the record: of its transaction if it is in one.
func (x *index) outcome(w *write) history.Type {
	if w.sent.Txn == 0 || w.last.Type == history.Fail {
		return w.last.Type
	}
	return x.txns[w.sent.Txn].outcome
}

func (x *index) addHold(op *history.Op) {
	if x.born == 0 {
		x.born = op.Seq
		for part, pos := range x.trimmed {
			x.before[part] = pos
		}
	}
	h := &hold{
		acquire: op, turn: len(x.holdsOf[op.Part]),
		settled: map[stream.Position]uint64{}, handled: map[stream.Position]uint64{},
	}
	x.holds[op.Hold] = h
	x.holdsOf[op.Part] = append(x.holdsOf[op.Part], h)
}

// dropStillborn forgets holds that were lost before anything came of them: a member may hear of such a grant, and tell
// it, long after others have had the partition.
func (x *index) dropStillborn() {
	for part, holds := range x.holdsOf {
		holds = slices.DeleteFunc(holds, func(h *hold) bool {
			lost := h.over != nil && h.over.F == history.Lost
			if stillborn := lost && len(h.delivers)+len(h.gaps)+len(h.checkpoints) == 0; !stillborn {
				return false
			}
			delete(x.holds, h.acquire.Hold)
			return true
		})
		for turn, h := range holds {
			h.turn = turn
		}
		if x.holdsOf[part] = holds; len(holds) == 0 {
			delete(x.holdsOf, part)
		}
	}
}

// holdOf is the hold that an operation belongs to, if there is one of that number in that partition.
func (x *index) holdOf(op *history.Op) *hold {
	if h := x.holds[op.Hold]; h != nil && h.acquire.Part == op.Part {
		return h
	}
	return nil
}

func (x *index) addToHold(op *history.Op) {
	if op.F == history.Deliver && x.seen[op.UID] == nil {
		x.seen[op.UID] = op
	}
	h := x.holdOf(op)
	switch {
	case h == nil:
	case op.F == history.Deliver:
		h.delivers = append(h.delivers, op)
	case op.F == history.Gap:
		h.gaps = append(h.gaps, op)
	case op.F == history.Handled || op.F == history.Skipped:
		h.settle(op)
	case h.over == nil:
		h.over = op
	}
}

func (h *hold) settle(op *history.Op) {
	pos := stripTerm(op.Pos)
	if h.settled[pos] == 0 {
		h.settled[pos] = op.Seq
	}
	if op.F == history.Handled && h.handled[pos] == 0 {
		h.handled[pos] = op.Seq
	}
}

func (x *index) addCall(i int, open calls) {
	op := &x.ops[i]
	key := call{op.Hold, op.Txn, stripTerm(op.Pos)}
	if op.Type == history.Invoke {
		open[key] = append(open[key], op)
		return
	}
	c := &checkpoint{Op: op, outcome: op.Type, to: op.Seq, done: op.Seq}
	if begun := open[key]; len(begun) == 0 {
		first := x.begun(i)
		c.from, c.fromT = first.Seq, first.T
	} else {
		c.from, c.fromT, c.to = begun[0].Seq, begun[0].T, begun[0].Seq
		if open[key] = begun[1:]; len(begun) == 1 {
			delete(open, key)
		}
	}
	x.addCheckpoint(c)
}

// begun is the earliest place at which a call can have begun of which only the answer and its duration are known.
func (x *index) begun(answer int) *history.Op {
	op := &x.ops[answer]
	at := op.T - op.Dur - int64(crossing)
	i := sort.Search(answer, func(i int) bool { return x.ops[i].T >= at })
	return &x.ops[i]
}

func (x *index) addCheckpoint(c *checkpoint) {
	if c.hold = x.holdOf(c.Op); c.hold != nil {
		c.hold.checkpoints = append(c.hold.checkpoints, c)
	}
}

// inTransaction is the checkpoint's outcome: that of its transaction, if it is in one.
func (x *index) inTransaction(c *checkpoint) history.Type {
	t := x.txns[c.Txn]
	switch {
	case c.Txn == 0 || c.outcome == history.Fail || t == nil:
		return c.outcome
	case t.outcome == history.Invoke:
		return history.Info
	}
	return t.outcome
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

// streamOf is the stream of a partition.
func streamOf(part string) string {
	name, _, _ := strings.Cut(part, "/")
	return name
}

// anyTrimmed reports whether anything of a stream was trimmed; of any stream, if it is not known which.
func (x *index) anyTrimmed(name string) bool {
	for part := range x.trimmed {
		if name == "" || streamOf(part) == name {
			return true
		}
	}
	return false
}

// ancestors are all partitions that part replaces, directly or not.
func (x *index) ancestors(part string) map[string]bool {
	if all, ok := x.family[part]; ok {
		return all
	}
	all := map[string]bool{}
	x.family[part] = all
	for _, parent := range x.parents[part] {
		all[parent] = true
		for older := range x.ancestors(parent) {
			all[older] = true
		}
	}
	return all
}

// oldestFirst orders partitions so that each comes after all that it replaces.
func (x *index) oldestFirst(parts []string) []string {
	slices.SortFunc(parts, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(x.ancestors(a)), len(x.ancestors(b))), cmp.Compare(a, b))
	})
	return parts
}
