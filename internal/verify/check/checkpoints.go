package check

import (
	"cmp"
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
)

// checkpoints checks K1 to K6, partition by partition.
func (j *judge) checkpoints() {
	for _, part := range sortedKeys(j.holdsOf) {
		var all []*checkpoint
		for _, h := range j.holdsOf[part] {
			all = append(all, h.checkpoints...)
		}
		slices.SortStableFunc(all, byAnswer)
		j.ahead(part, all)
		j.forward(part, all)
		j.fenced(part)
		j.reread(part, all)
	}
	for _, part := range sortedKeys(j.ends) {
		j.ending(part, j.ends[part])
	}
}

// ahead checks K1: no checkpoint passes a record that is not settled, whether it is known to be saved or not. Settling
// goes by the contiguous prefix, so that the whole partition takes one walk.
func (j *judge) ahead(part string, all []*checkpoint) {
	if j.AtMostOnce {
		return
	}
	l := j.log(part)
	begin := j.due(part)
	latest := make([]uint64, len(l.entries)+1) // when all up to an entry were settled
	for i := begin; i < len(l.entries); i++ {
		when := l.entries[i].settled
		if when == 0 {
			when = never
		}
		latest[i+1] = max(latest[i], when)
	}
	for _, c := range all {
		if c.outcome != history.Fail && latest[l.after(c.Pos)] > c.to {
			j.found("K1", []uint64{c.Seq}, "%s: the checkpoint %v passes a record that is not handled", part, c.Pos)
		}
	}
}

// forward checks K2: a checkpoint never goes back.
func (j *judge) forward(part string, all []*checkpoint) {
	var last *checkpoint
	for _, c := range all {
		if c.outcome != history.OK {
			continue
		}
		if last != nil && c.Pos.Compare(last.Pos) < 0 && c.from > last.done {
			j.found("K2", []uint64{last.Seq, c.Seq}, "%s: the checkpoint goes back from %v to %v", part, last.Pos, c.Pos)
		}
		if last == nil || c.Pos.Compare(last.Pos) > 0 {
			last = c
		}
	}
}

// fenced checks K3 and K4: who no longer holds the partition saves nothing.
func (j *judge) fenced(part string) {
	holds := j.holdsOf[part]
	for i, h := range holds {
		for _, c := range h.checkpoints {
			if c.outcome != history.OK {
				continue
			}
			if i+1 < len(holds) && j.Fencing && c.from > holds[i+1].acquire.Seq {
				j.found("K3", []uint64{holds[i+1].acquire.Seq, c.Seq},
					"%s: a checkpoint of hold %d was taken after hold %d had begun", part, h.acquire.Hold, holds[i+1].acquire.Hold)
			}
			if over := j.overBy(h, c.from, c.fromT); over != 0 {
				j.found("K4", []uint64{over, c.Seq}, "%s: a checkpoint was taken after hold %d was over", part, h.acquire.Hold)
			}
		}
	}
}

// reread checks K5: who takes the partition over gets the checkpoint that was saved last, or one whose outcome is
// unknown. Positions without a record between them are the same: a checkpoint may be in the middle of an aggregate.
func (j *judge) reread(part string, all []*checkpoint) {
	l, holds := j.log(part), j.holdsOf[part]
	calls := slices.Clone(all)
	slices.SortStableFunc(calls, func(a, b *checkpoint) int { return cmp.Compare(a.from, b.from) })
	last, by := l.after(holds[0].acquire.Pos), holds[0].acquire.Seq
	var open []*checkpoint // those that may be saved, but need not be
	see := func(read *history.Op, turn int) {
		for len(calls) > 0 && calls[0].from < read.Seq {
			open, calls = append(open, calls[0]), calls[1:]
		}
		for _, c := range open {
			sure := c.done < read.Seq || j.Fencing && c.hold.turn < turn // what was under way is saved by now or refused
			if at := l.after(c.Pos); c.outcome == history.OK && sure && at > last {
				last, by = at, c.Seq
			}
		}
		at := l.after(read.Pos)
		if at != last && !(at > last && slices.ContainsFunc(open, func(c *checkpoint) bool {
			return c.outcome != history.Fail && l.after(c.Pos) == at
		})) {
			j.found("K5", []uint64{by, read.Seq},
				"%s: %v is read, which is not the checkpoint that was saved last", part, read.Pos)
		}
		last = max(last, at)
		open = slices.DeleteFunc(open, func(c *checkpoint) bool {
			return c.outcome == history.Fail || l.after(c.Pos) <= last || j.Fencing && c.hold.turn < turn
		})
	}
	for _, h := range holds {
		see(h.acquire, h.turn)
	}
	if saved := j.saved[part]; saved != nil {
		see(saved, len(holds))
	}
	j.leftBehind(part, holds[len(holds)-1])
}

// leftBehind checks K5 of what the last hold said that it had saved.
func (j *judge) leftBehind(part string, h *hold) {
	if h.over == nil || !h.over.Clean || len(j.saved) == 0 {
		return
	}
	saved := j.saved[part]
	switch {
	case saved == nil && !h.over.Pos.IsZero():
		j.found("K5", []uint64{h.over.Seq}, "%s was released at the checkpoint %v and none is saved", part, h.over.Pos)
	case saved != nil && saved.Pos.Compare(h.over.Pos) < 0:
		j.found("K5", []uint64{h.over.Seq, saved.Seq},
			"%s was released at the checkpoint %v and %v is saved", part, h.over.Pos, saved.Pos)
	}
}

// ending checks K6: the end is told when everything before it is settled; once by each hold, and by one hold only while
// nothing goes wrong: one that cannot give the partition back has told it already.
func (j *judge) ending(part string, ends []*history.Op) {
	told := map[uint64]*history.Op{}
	for i, end := range ends {
		before := told[end.Hold]
		if j.Quiet && i > 0 {
			before = ends[0]
		}
		if before != nil {
			j.found("K6", []uint64{before.Seq, end.Seq}, "%s ended twice", part)
		}
		told[end.Hold] = end
	}
	if j.AtMostOnce {
		return
	}
	for _, e := range j.log(part).entries[j.due(part):] {
		if e.stored && (e.settled == 0 || e.settled > ends[0].Seq) {
			j.found("K6", []uint64{ends[0].Seq, e.Seq}, "%s ended before %v was handled", part, e.Pos)
		}
	}
}
