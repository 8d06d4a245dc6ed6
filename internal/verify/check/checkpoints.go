package check

import (
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// checkpoints checks K1 to K6, partition by partition.
func (j *judge) checkpoints() {
	handled := j.handledAt()
	for _, part := range sortedKeys(j.holdsOf) {
		all := j.answersOf(part)
		j.ahead(part, all, handled)
		j.forward(part, all)
		j.fenced(part)
		j.reread(part, all)
		j.ending(part, handled)
	}
}

// answersOf are the partition's checkpoints in the order of their answers. One inside a transaction has the outcome of
// that.
func (j *judge) answersOf(part string) []checkpoint {
	var all []checkpoint
	for _, h := range j.holdsOf[part] {
		for _, c := range h.checkpoints {
			if c.Txn != 0 && c.Type == history.OK {
				c.Type = j.txns[c.Txn].outcome
			}
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b checkpoint) int { return int(int64(a.Seq) - int64(b.Seq)) })
	return all
}

// handledAt says for each record of each partition when it was first settled: handled, or given up by a policy.
func (j *judge) handledAt() map[string]map[stream.Position]uint64 {
	at := map[string]map[stream.Position]uint64{}
	for i := range j.ops {
		op := &j.ops[i]
		if op.F != history.Handled && op.F != history.Skipped {
			continue
		}
		if at[op.Part] == nil {
			at[op.Part] = map[stream.Position]uint64{}
		}
		if pos := stripTerm(op.Pos); at[op.Part][pos] == 0 {
			at[op.Part][pos] = op.Seq
		}
	}
	return at
}

// ahead checks K1: no checkpoint passes a record that is not settled. Settling goes by the contiguous prefix, so that the
// whole partition takes one walk.
func (j *judge) ahead(part string, all []checkpoint, handled map[string]map[stream.Position]uint64) {
	l := j.logs[part]
	if l == nil || j.AtMostOnce {
		return
	}
	begin := l.after(j.holdsOf[part][0].acquire.Pos)
	latest := make([]uint64, len(l.entries)+1) // when all up to an entry were settled
	for i, e := range l.entries {
		when := handled[part][stripTerm(e.pos)]
		switch {
		case i < begin, !e.stored, j.isTrimmed(part, e.pos):
			when = 1
		case when == 0:
			when = ^uint64(0)
		}
		latest[i+1] = max(latest[i], when)
	}
	for _, c := range all {
		if c.Type == history.OK && latest[l.after(c.Pos)] > c.Seq {
			j.found("K1", []uint64{c.Seq}, "%s: the checkpoint %v passes a record that is not handled", part, c.Pos)
		}
	}
}

// forward checks K2: a checkpoint never goes back.
func (j *judge) forward(part string, all []checkpoint) {
	var last checkpoint
	for _, c := range all {
		if c.Type != history.OK {
			continue
		}
		if c.Pos.Compare(last.Pos) < 0 && c.begun > last.Seq {
			j.found("K2", []uint64{last.Seq, c.Seq}, "%s: the checkpoint goes back from %v to %v", part, last.Pos, c.Pos)
		}
		if c.Pos.Compare(last.Pos) > 0 {
			last = c
		}
	}
}

// fenced checks K3 and K4: who no longer holds the partition saves nothing.
func (j *judge) fenced(part string) {
	holds := j.holdsOf[part]
	for i, h := range holds {
		for _, c := range h.checkpoints {
			if c.Type != history.OK {
				continue
			}
			if i+1 < len(holds) && j.Fencing && c.begun > holds[i+1].acquire.Seq {
				j.found("K3", []uint64{holds[i+1].acquire.Seq, c.Seq}, "%s: a checkpoint of hold %d was taken after hold %d had begun",
					part, h.acquire.Hold, holds[i+1].acquire.Hold)
			}
			closed := j.released[h.acquire.Proc]
			if h.end != 0 && c.begun > h.end || closed != 0 && c.begun > closed {
				j.found("K4", []uint64{h.end, c.Seq}, "%s: a checkpoint was taken after hold %d was over", part, h.acquire.Hold)
			}
		}
	}
}

// reread checks K5: who takes the partition over gets the checkpoint that was saved last, or one whose outcome is unknown.
func (j *judge) reread(part string, all []checkpoint) {
	for _, h := range j.holdsOf[part] {
		j.readBack(part, all, h.acquire)
	}
	if saved, ok := j.saved[part]; ok {
		j.readBack(part, all, saved)
	}
	holds := j.holdsOf[part]
	if last := holds[len(holds)-1].released; last.Clean && len(j.saved) > 0 && j.saved[part].Pos.Compare(last.Pos) < 0 {
		j.found("K5", []uint64{last.Seq, j.saved[part].Seq}, "%s was released at the checkpoint %v and %v is saved", part, last.Pos, j.saved[part].Pos)
	}
}

func (j *judge) readBack(part string, all []checkpoint, read history.Op) {
	var last checkpoint
	var maybe []stream.Position
	for _, c := range all {
		if c.begun > read.Seq {
			continue
		}
		switch {
		case c.Type == history.OK && c.Seq < read.Seq:
			if c.Pos.Compare(last.Pos) > 0 {
				last = c
			}
		case c.Type != history.Fail:
			maybe = append(maybe, c.Pos)
		}
	}
	switch order := read.Pos.Compare(last.Pos); {
	case last.Seq == 0, order == 0, order > 0 && j.equivalent(part, read.Pos, append(maybe, last.Pos)):
	default:
		j.found("K5", []uint64{last.Seq, read.Seq}, "%s: the checkpoint %v was saved and %v is read", part, last.Pos, read.Pos)
	}
}

// equivalent reports that reading after the position is reading after one of the others: no record stands between, as in
// the rest of an aggregate, or of a record in chunks.
func (j *judge) equivalent(part string, at stream.Position, others []stream.Position) bool {
	l := j.logs[part]
	return slices.ContainsFunc(others, func(p stream.Position) bool {
		return at.Compare(p) == 0 || l != nil && at.Compare(p) > 0 && l.after(at) == l.after(p)
	})
}

// ending checks K6: the end is told once, after everything before it is settled.
func (j *judge) ending(part string, handled map[string]map[stream.Position]uint64) {
	ends := j.ends[part]
	if len(ends) > 1 {
		j.found("K6", []uint64{ends[0].Seq, ends[1].Seq}, "%s ended twice", part)
	}
	l := j.logs[part]
	if len(ends) == 0 || l == nil || j.AtMostOnce {
		return
	}
	begin := l.after(j.holdsOf[part][0].acquire.Pos)
	for _, e := range l.entries[begin:] {
		when := handled[part][stripTerm(e.pos)]
		if e.stored && !j.isTrimmed(part, e.pos) && (when == 0 || when > ends[0].Seq) {
			j.found("K6", []uint64{ends[0].Seq, e.op.Seq}, "%s ended before %v was handled", part, e.pos)
		}
	}
}

// redeliveries checks D2 and D3: how much comes again after a takeover, and that nothing does after a clean hand-over, nor
// while nothing goes wrong.
func (j *judge) redeliveries() {
	settled := j.handledAt()
	for _, part := range sortedKeys(j.holdsOf) {
		holds := j.holdsOf[part]
		for i := 1; i < len(holds); i++ {
			again, saved := 0, 0 // saved: by the hold before this one, which was given back in order
			before := holds[i-1]
			for _, d := range holds[i].delivers {
				if when := settled[part][stripTerm(d.Pos)]; when != 0 && when < holds[i].acquire.Seq {
					again++
				}
				if before.clean && before.end < holds[i].acquire.Seq && before.settled[stripTerm(d.Pos)] != 0 {
					saved++
				}
			}
			switch {
			case saved > 0:
				j.found("D3", []uint64{before.end, holds[i].acquire.Seq}, "%s: %d handled records came again after a clean hand-over", part, saved)
			case again > j.Window+1:
				j.found("D2", []uint64{holds[i].acquire.Seq}, "%s: %d handled records came again, at most %d may", part, again, j.Window+1)
			}
		}
	}
	if j.Quiet {
		j.undisturbed()
	}
}

// undisturbed checks that nothing comes twice and nothing expires where nothing goes wrong.
func (j *judge) undisturbed() {
	seen := map[uint64]uint64{}
	for i := range j.ops {
		op := &j.ops[i]
		if op.F == history.Gap {
			j.found("C7", []uint64{op.Seq}, "%s has a gap although nothing was trimmed", op.Part)
		}
		if op.F != history.Deliver || j.AnyOrder || len(j.places[op.UID]) > 1 {
			continue // what is done behind a record that is not may come again
		}
		if before, ok := seen[op.UID]; ok {
			j.found("D3", []uint64{before, op.Seq}, "record %d came again although nothing went wrong", op.UID)
		}
		seen[op.UID] = op.Seq
	}
}
