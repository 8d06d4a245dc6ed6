package check

import (
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
)

// firstDeliveries checks C5: the order in which a key's records are first seen by those who hold the partitions. Who
// has lost one may see records late.
func (j *judge) firstDeliveries() {
	if !j.KeyOrder || j.Grows {
		return
	}
	current := map[string]uint64{}
	seen := map[uint64]bool{}
	last := map[lane]*history.Op{}
	for i := range j.ops {
		op := &j.ops[i]
		if op.F == history.Acquire && j.holds[op.Hold] != nil {
			current[op.Part] = op.Hold
		}
		if op.F != history.Deliver || op.Hold != current[op.Part] || seen[op.UID] || !j.orderCounts(op) {
			continue
		}
		seen[op.UID] = true
		before := last[j.lane(op)]
		if before != nil && before.KSeq > op.KSeq {
			j.found("C5", []uint64{before.Seq, op.Seq}, "number %d of a key was first seen after number %d (%s, %s)",
				op.KSeq, before.KSeq, op.Part, before.Part)
			continue
		}
		last[j.lane(op)] = op
	}
}

// lineage checks C6: a partition that replaces others is served after all of them are done.
func (j *judge) lineage() {
	for _, part := range sortedKeys(j.parents) {
		var first *history.Op
		for _, h := range j.holdsOf[part] {
			if len(h.delivers) > 0 && (first == nil || h.delivers[0].Seq < first.Seq) {
				first = h.delivers[0]
			}
		}
		if first == nil {
			continue
		}
		for _, parent := range j.parents[part] {
			if why := j.unfinished(parent, first.Seq); why != "" {
				j.found("C6", []uint64{first.Seq}, "%s was served while its parent %s %s", part, parent, why)
			}
		}
	}
}

// unfinished says why a partition was not finished at that time, or nothing. When its end was told does not count: that
// may come late. A partition whose last record is trimmed counts as finished.
func (j *judge) unfinished(part string, seq uint64) string {
	l := j.log(part)
	due := l.entries[j.due(part):]
	if len(due) == 0 {
		return ""
	}
	last := &due[len(due)-1]
	if j.isTrimmed(part, last.Pos) {
		return ""
	}
	for _, h := range j.holdsOf[part] {
		if h.acquire.Seq > seq {
			return "was granted again later"
		}
	}
	if slices.ContainsFunc(due, func(e entry) bool {
		return e.stored && (e.settled == 0 || e.settled > seq)
	}) {
		return "had records that were not handled"
	}
	if !last.gap && !j.AtMostOnce && !j.savedUpTo(part, last, seq) {
		return "was not checkpointed to its end"
	}
	return ""
}

// savedUpTo reports that somebody had asked for a checkpoint at the entry, or behind it.
func (j *judge) savedUpTo(part string, last *entry, seq uint64) bool {
	for _, h := range j.holdsOf[part] {
		for _, c := range h.checkpoints {
			if c.outcome != history.Fail && c.from < seq && c.Pos.Compare(last.Pos) >= 0 {
				return true
			}
		}
	}
	return false
}

// unseen checks C9: when the group says that it has seen everything, it has.
func (j *judge) unseen() {
	if j.drained == nil || j.AtMostOnce {
		return
	}
	for _, part := range sortedKeys(j.logs) {
		if !j.read(part) {
			continue
		}
		for _, e := range j.logs[part].entries[j.due(part):] {
			if e.stored && !e.gap && j.seen[e.UID] == nil {
				j.found("C9", []uint64{e.Seq}, "%s %v was never delivered", part, e.Pos)
			}
		}
	}
}

// read reports whether the group reads the partition's stream.
func (j *judge) read(part string) bool {
	for held := range j.holdsOf {
		if streamOf(held) == streamOf(part) {
			return true
		}
	}
	return false
}
