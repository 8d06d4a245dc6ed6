package check

import (
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// sessions checks, within each hold, C1, C2, C3, C4, C7, C8 and D1.
func (j *judge) sessions() {
	for _, part := range sortedKeys(j.holdsOf) {
		l := j.logs[part]
		if l == nil {
			continue
		}
		for _, h := range j.holdsOf[part] {
			j.session(part, l, h)
		}
	}
}

func (j *judge) session(part string, l *log, h *hold) {
	if j.AnyOrder {
		j.looseSession(part, h)
		return
	}
	at := h.acquire.Pos
	first := true
	for _, d := range h.delivers {
		switch order := d.Pos.Compare(at); {
		case first && order <= 0 && !at.IsZero():
			j.found("C4", []uint64{h.acquire.Seq, d.Seq}, "%s: the hold begins after %v and gets %v", part, at, d.Pos)
		case !first && order == 0:
			j.found("D1", []uint64{d.Seq}, "%s %v came twice in one hold", part, d.Pos)
		case !first && order < 0:
			j.found("C2", []uint64{d.Seq}, "%s %v came after %v", part, d.Pos, at)
		default:
			j.between(part, l, h, at, d, first)
		}
		j.late(part, h, d)
		at, first = d.Pos, false
	}
	j.gapsTrue(part, l, h)
}

// gapsTrue checks that what is reported as expired is.
func (j *judge) gapsTrue(part string, l *log, h *hold) {
	for _, g := range h.gaps {
		for _, e := range l.entries[l.after(g.Pos):] {
			if g.Next.IsZero() || e.pos.Compare(g.Next) >= 0 {
				break
			}
			if !j.isTrimmed(part, e.pos) {
				j.found("C7", []uint64{g.Seq, e.op.Seq}, "%s %v is reported as expired and is not", part, e.pos)
			}
		}
	}
}

// looseSession is session where records of different keys come in any order: what is left is that nothing comes that is
// checkpointed, nothing twice, and a key's records one after the other, each when the one before it is handled.
func (j *judge) looseSession(part string, h *hold) {
	seen := map[stream.Position]bool{}
	last := map[string]history.Op{}
	for _, d := range h.delivers {
		pos := stripTerm(d.Pos)
		if order := d.Pos.Compare(h.acquire.Pos); order <= 0 && !h.acquire.Pos.IsZero() {
			j.found("C4", []uint64{h.acquire.Seq, d.Seq}, "%s: the hold begins after %v and gets %v", part, h.acquire.Pos, d.Pos)
		}
		if seen[pos] {
			j.found("D1", []uint64{d.Seq}, "%s %v came twice in one hold", part, d.Pos)
		}
		seen[pos] = true
		if before, ok := last[d.Key]; ok && d.Key != "" {
			switch when := h.settled[stripTerm(before.Pos)]; {
			case d.Pos.Compare(before.Pos) < 0:
				j.found("C2", []uint64{before.Seq, d.Seq}, "%s %v came after %v of its key", part, d.Pos, before.Pos)
			case when == 0 || when > d.Seq:
				j.found("C2", []uint64{before.Seq, d.Seq}, "%s %v came while %v of its key was in work", part, d.Pos, before.Pos)
			}
		}
		last[d.Key] = d
		j.late(part, h, d)
	}
	if l := j.logs[part]; l != nil {
		j.gapsTrue(part, l, h)
	}
}

// between looks at the records from after the position at to the delivery d, which were passed over.
func (j *judge) between(part string, l *log, h *hold, at stream.Position, d history.Op, first bool) {
	for _, e := range l.entries[l.after(at):] {
		if e.pos.Compare(d.Pos) >= 0 {
			return
		}
		covered := reported(h, e.pos)
		switch {
		case covered:
		case j.isTrimmed(part, e.pos):
			j.found("C7", []uint64{e.op.Seq, d.Seq}, "%s %v expired unread and was not reported", part, e.pos)
		case !j.visible(e):
		case first:
			j.found("C3", []uint64{h.acquire.Seq, d.Seq}, "%s: the hold begins after %v and skips %v", part, at, e.pos)
		default:
			j.found("C1", []uint64{d.Seq, e.op.Seq}, "%s: between %v and %v, %v was skipped", part, at, d.Pos, e.pos)
		}
	}
}

// visible reports that a reader must have seen the entry: it stands there in the end.
func (j *judge) visible(e entry) bool { return e.stored }

func reported(h *hold, pos stream.Position) bool {
	for _, g := range h.gaps {
		if pos.Compare(g.Pos) > 0 && (g.Next.IsZero() || pos.Compare(g.Next) < 0) {
			return true
		}
	}
	return false
}

// late checks C8: nothing comes after the hold is over.
func (j *judge) late(part string, h *hold, d history.Op) {
	closed := j.released[h.acquire.Proc]
	if h.end != 0 && d.Seq > h.end || closed != 0 && d.Seq > closed {
		j.found("C8", []uint64{h.end, d.Seq}, "%s %v came after the hold was over", part, d.Pos)
	}
}

// firstDeliveries checks C5: the order in which a key's records are first seen by those who hold the partitions.
func (j *judge) firstDeliveries() {
	if !j.KeyOrder || j.Grows {
		return
	}
	current := map[string]uint64{}
	seen := map[uint64]bool{}
	last := map[string]history.Op{}
	for i := range j.ops {
		op := &j.ops[i]
		switch {
		case op.F == history.Acquire && j.holds[op.Hold] != nil:
			current[op.Part] = op.Hold
		case op.F == history.Deliver && op.Hold == current[op.Part] && op.Key != "" && !seen[op.UID] && j.orderCounts(op.UID):
			seen[op.UID] = true
			if before, ok := last[op.Key]; ok && before.KSeq > op.KSeq {
				j.found("C5", []uint64{before.Seq, op.Seq}, "number %d of a key was first seen after number %d (%s, %s)",
					op.KSeq, before.KSeq, op.Part, before.Part)
				continue
			}
			last[op.Key] = *op
		}
	}
}

// lineage checks C6: a partition that replaces others is served after all of them are at their end.
func (j *judge) lineage() {
	for _, part := range sortedKeys(j.parents) {
		for _, h := range j.holdsOf[part] {
			if len(h.delivers) == 0 {
				continue
			}
			first := h.delivers[0]
			for _, parent := range j.parents[part] {
				if !j.endedBefore(parent, first.Seq) && !j.allTrimmed(parent) {
					j.found("C6", []uint64{first.Seq}, "%s was served before its parent %s had ended", part, parent)
				}
			}
		}
	}
}

func (j *judge) endedBefore(part string, seq uint64) bool {
	for _, end := range j.ends[part] {
		if end.Seq < seq {
			return true
		}
	}
	return false
}

func (j *judge) allTrimmed(part string) bool {
	l := j.logs[part]
	return l == nil || len(l.entries) == 0 || j.isTrimmed(part, l.entries[len(l.entries)-1].pos)
}

// unseen checks C9: when the group says that it has seen everything, it has.
func (j *judge) unseen() {
	if j.drained == nil || j.AtMostOnce {
		return
	}
	delivered := map[uint64]bool{}
	for _, h := range j.holds {
		for _, d := range h.delivers {
			delivered[d.UID] = true
		}
	}
	for _, part := range sortedKeys(j.holdsOf) {
		l := j.logs[part]
		if l == nil {
			continue
		}
		begin := j.holdsOf[part][0].acquire.Pos // of the group, in this partition
		for _, e := range l.entries[l.after(begin):] {
			if e.stored && !delivered[e.uid] && !j.reportedByAny(part, e.pos) {
				j.found("C9", []uint64{e.op.Seq}, "%s %v was never delivered", part, e.pos)
			}
		}
	}
}

func (j *judge) reportedByAny(part string, pos stream.Position) bool {
	for _, h := range j.holdsOf[part] {
		if reported(h, pos) {
			return true
		}
	}
	return false
}
