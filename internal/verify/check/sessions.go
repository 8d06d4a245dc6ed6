package check

import (
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// crossing is how long a loss and what was under way when it came may cross each other: who records the one does not
// wait for who records the other.
const crossing = 100 * time.Microsecond

// sessions checks, within each hold, C1, C2, C3, C4, C7, C8 and D1.
func (j *judge) sessions() {
	for _, part := range sortedKeys(j.holdsOf) {
		for _, h := range j.holdsOf[part] {
			if j.AnyOrder {
				j.looseSession(part, h)
			} else {
				j.session(part, h)
			}
			for _, d := range h.delivers {
				j.late(part, h, d)
			}
			for _, g := range h.gaps {
				j.gap(part, g)
			}
		}
		if first := j.holdsOf[part][0].acquire; j.isNew(part) && !first.Pos.IsZero() && !j.AtMostOnce {
			j.found("C3", []uint64{first.Seq}, "%s appeared while the group reads and begins after %v", part, first.Pos)
		}
	}
}

// session looks at a hold whose records come in the order of the partition.
func (j *judge) session(part string, h *hold) {
	at := h.acquire.Pos // the furthest
	var given map[stream.Position]bool
	for i, d := range h.delivers {
		switch order := d.Pos.Compare(at); {
		case i == 0 && order <= 0 && !at.IsZero():
			j.tooEarly(part, h, d)
			at = d.Pos
		case order > 0:
			j.between(part, h, j.log(part).passed(at, d.Pos), d, i == 0)
			at = d.Pos
		default:
			if given == nil {
				given = positions(h.delivers[:i])
			}
			if given[stripTerm(d.Pos)] {
				j.found("D1", []uint64{d.Seq}, "%s %v came twice in one hold", part, d.Pos)
			} else {
				j.found("C2", []uint64{d.Seq}, "%s %v came after %v", part, d.Pos, at)
			}
		}
		if given != nil {
			given[stripTerm(d.Pos)] = true
		}
	}
}

func positions(ops []*history.Op) map[stream.Position]bool {
	all := map[stream.Position]bool{}
	for _, op := range ops {
		all[stripTerm(op.Pos)] = true
	}
	return all
}

func (j *judge) tooEarly(part string, h *hold, d *history.Op) {
	j.found("C4", []uint64{h.acquire.Seq, d.Seq}, "%s: the hold begins after %v and gets %v", part, h.acquire.Pos, d.Pos)
}

// looseSession looks at a hold whose records come in any order, except that those of one key come one after the other,
// each when the one before it is settled.
func (j *judge) looseSession(part string, h *hold) {
	l := j.log(part)
	given := map[stream.Position]bool{}
	last := map[string]*history.Op{}
	for _, d := range h.delivers {
		before := last[d.Key]
		again := given[stripTerm(d.Pos)]
		given[stripTerm(d.Pos)] = true
		switch {
		case again:
			j.found("D1", []uint64{d.Seq}, "%s %v came twice in one hold", part, d.Pos)
			continue
		case d.Pos.Compare(h.acquire.Pos) <= 0 && !h.acquire.Pos.IsZero():
			j.tooEarly(part, h, d)
			continue
		case d.Key == "":
			continue
		case before == nil:
			j.between(part, h, l.passedOfKey(d.Key, h.acquire.Pos, d.Pos), d, true)
		case d.Pos.Compare(before.Pos) < 0:
			j.found("C2", []uint64{before.Seq, d.Seq}, "%s %v came after %v of its key", part, d.Pos, before.Pos)
			continue
		default:
			j.between(part, h, l.passedOfKey(d.Key, before.Pos, d.Pos), d, false)
			if when := h.settled[stripTerm(before.Pos)]; when == 0 || when > d.Seq {
				j.found("C2", []uint64{before.Seq, d.Seq}, "%s %v came while %v of its key was in work", part, d.Pos, before.Pos)
			}
		}
		last[d.Key] = d
	}
}

// passed are the entries between two positions.
func (l *log) passed(after, before stream.Position) []entry {
	from := l.after(after)
	return l.entries[from:max(from, l.from(before))]
}

// passedOfKey are those of one key.
func (l *log) passedOfKey(key string, after, before stream.Position) []entry {
	var passed []entry
	from, to := l.after(after), l.from(before)
	places := l.ofKey(key)
	i := searchInts(places, from)
	for ; i < len(places) && places[i] < to; i++ {
		passed = append(passed, l.entries[places[i]])
	}
	return passed
}

// between looks at the records that were passed over on the way to the delivery d, the first of the hold or not.
func (j *judge) between(part string, h *hold, passed []entry, d *history.Op, first bool) {
	for i := range passed {
		e := &passed[i]
		switch {
		case j.reported(part, h, e.Pos):
		case j.isTrimmed(part, e.Pos):
			if e.Pos.Compare(j.before[part]) > 0 { // what went before the group was born is no affair of its
				j.found("C7", []uint64{e.Seq, d.Seq}, "%s %v expired unread and was not reported", part, e.Pos)
			}
		case !e.stored:
		case first && j.AtMostOnce:
		case first:
			j.found("C3", []uint64{h.acquire.Seq, d.Seq},
				"%s: the hold begins after %v and skips %v", part, h.acquire.Pos, e.Pos)
		default:
			j.found("C1", []uint64{d.Seq, e.Seq}, "%s: on the way to %v, %v was skipped", part, d.Pos, e.Pos)
		}
	}
}

// reported reports that the hold has told that the position is expired.
func (j *judge) reported(part string, h *hold, pos stream.Position) bool {
	for _, g := range h.gaps {
		if pos.Compare(g.Pos) > 0 && (pos.Compare(g.Next) < 0 || g.Next.IsZero() && j.isTrimmed(part, pos)) {
			return true
		}
	}
	return false
}

// gap checks C7 from the other side: what is reported as expired is. Where nothing was left, nothing that was
// acknowledged before may be.
func (j *judge) gap(part string, g *history.Op) {
	if j.Quiet {
		j.found("C7", []uint64{g.Seq}, "%s has a gap although nothing goes wrong", part)
		return
	}
	l := j.log(part)
	from, to := j.expired(part, g)
	from = max(from, l.after(j.trimmed[part]))
	if g.Next.IsZero() {
		to = from
		if from < len(l.entries) {
			if w := j.writes[l.entries[from].UID]; w != nil && w.last.Type == history.OK && w.last.Seq < g.Seq {
				to++
			}
		}
	}
	for i := from; i < to; i++ {
		j.found("C7", []uint64{g.Seq, l.entries[i].Seq}, "%s %v is reported as expired and is not", part, l.entries[i].Pos)
	}
}

// late checks C8: nothing comes after the hold is over.
func (j *judge) late(part string, h *hold, d *history.Op) {
	if over := j.overBy(h, d.Seq, d.T); over != 0 {
		j.found("C8", []uint64{over, d.Seq}, "%s %v came after the hold was over", part, d.Pos)
	}
}

// overBy is the operation that ended the hold before another was begun, or 0. Who gives a partition back knows what it
// has begun; who loses it does not.
func (j *judge) overBy(h *hold, seq uint64, t int64) uint64 {
	slack := int64(0)
	if h.over != nil && h.over.F == history.Lost {
		slack = int64(crossing)
	}
	switch closed := j.closed[h.acquire.Proc]; {
	case h.over != nil && seq > h.over.Seq && t-h.over.T >= slack:
		return h.over.Seq
	case closed != 0 && seq > closed:
		return closed
	}
	return 0
}

// strays checks C8 and K4 of what is done with a partition that its member never had.
func (j *judge) strays() {
	for i := range j.ops {
		op := &j.ops[i]
		switch {
		case j.holdOf(op) != nil:
		case op.F == history.Deliver:
			j.found("C8", []uint64{op.Seq}, "%s %v came to %s, which does not hold the partition", op.Part, op.Pos, op.Proc)
		case op.F == history.Checkpoint && op.Type == history.OK:
			j.found("K4", []uint64{op.Seq}, "%s: %s, which does not hold the partition, saved %v", op.Part, op.Proc, op.Pos)
		}
	}
}
