package check

import (
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// produced checks P1, P2, P3, P7 and P8: what became of each record that was sent.
func (j *judge) produced() {
	for _, uid := range sortedKeys(j.writes) {
		w := j.writes[uid]
		places := j.places[uid]
		switch outcome := j.outcome(w); {
		case outcome == history.OK && len(places) == 0 && !j.gone(w):
			j.found("P1", []uint64{w.Seq}, "record %d was acknowledged at %s %v and is not stored", uid, w.Part, w.Pos)
		case outcome == history.Fail && len(places) > 0:
			j.found("P2", []uint64{w.Seq, places[0].op}, "record %d failed and is stored at %s %v", uid, places[0].part, places[0].pos)
		case outcome == history.OK && !w.Pos.IsZero() && len(places) > 0 && !j.isTrimmed(w.Part, w.Pos) && !stands(places, w.Part, w.Pos):
			j.found("P8", []uint64{w.Seq, places[0].op}, "record %d was acknowledged at %s %v and is stored at %s %v",
				uid, w.Part, w.Pos, places[0].part, places[0].pos)
		}
		mayRepeat := !j.Idempotent && (w.Dup || w.Type == history.Info || w.Type == history.Invoke)
		if len(places) > 1 && !mayRepeat {
			j.found("P3", []uint64{places[0].op, places[1].op}, "record %d is stored %d times", uid, len(places))
		}
	}
	for i := range j.ops {
		op := &j.ops[i]
		if op.F != history.Stored && op.F != history.Deliver {
			continue
		}
		if w := j.writes[op.UID]; w != nil && w.Sum != op.Sum {
			j.found("P7", []uint64{w.begun, op.Seq}, "record %d at %s %v is not what was sent", op.UID, op.Part, op.Pos)
		}
	}
}

// gone reports that the record may have been stored and trimmed.
func (j *judge) gone(w *write) bool {
	if w.Pos.IsZero() {
		return len(j.trimmed) > 0
	}
	return j.isTrimmed(w.Part, w.Pos)
}

func stands(places []place, part string, pos stream.Position) bool {
	return slices.ContainsFunc(places, func(p place) bool { return p.part == part && p.pos.Compare(pos) == 0 })
}

// log checks P4: one record at one position, the same for everybody, and nothing that nobody sent.
func (j *judge) log() {
	at := map[string]map[stream.Position]history.Op{}
	for i := range j.ops {
		op := j.ops[i]
		if op.F != history.Stored && op.F != history.Deliver {
			continue
		}
		if at[op.Part] == nil {
			at[op.Part] = map[stream.Position]history.Op{}
		}
		pos := stripTerm(op.Pos)
		before, seen := at[op.Part][pos]
		switch {
		case seen && before.UID != op.UID:
			j.found("P4", []uint64{before.Seq, op.Seq}, "%s %v holds record %d and record %d", op.Part, op.Pos, before.UID, op.UID)
		case seen && before.F == history.Stored && op.F == history.Stored:
			j.found("P4", []uint64{before.Seq, op.Seq}, "%s %v came twice in one reading", op.Part, op.Pos)
		case j.writes[op.UID] == nil:
			j.found("P4", []uint64{op.Seq}, "%s %v holds record %d, which nobody sent", op.Part, op.Pos, op.UID)
		}
		if !seen {
			at[op.Part][pos] = op
		}
	}
}

// keysInLog checks P5 and P6: the order of a key's records in the logs, and that they do not stand beside each other.
func (j *judge) keysInLog() {
	if !j.KeyOrder {
		return
	}
	type stretch struct { // of one key in one partition
		first, last entry
	}
	keys := map[string]map[string]*stretch{}
	for _, part := range sortedKeys(j.logs) {
		for _, e := range j.logs[part].entries {
			if e.op.Key == "" || !j.orderCounts(e.uid) {
				continue
			}
			if keys[e.op.Key] == nil {
				keys[e.op.Key] = map[string]*stretch{}
			}
			s := keys[e.op.Key][part]
			switch {
			case s == nil:
				keys[e.op.Key][part] = &stretch{e, e}
			case e.op.KSeq > s.last.op.KSeq:
				s.last = e
			case j.firstPlace(e):
				j.found("P5", []uint64{s.last.op.Seq, e.op.Seq}, "in %s, number %d of a key stands after number %d", part, e.op.KSeq, s.last.op.KSeq)
			}
		}
	}
	for _, key := range sortedKeys(keys) {
		parts := sortedKeys(keys[key])
		for i, a := range parts {
			for _, b := range parts[i+1:] {
				older, newer := a, b
				if j.ancestors(a)[b] {
					older, newer = b, a
				} else if !j.ancestors(b)[a] {
					if !j.Grows {
						j.found("P6", []uint64{keys[key][a].first.op.Seq, keys[key][b].first.op.Seq}, "a key stands in %s and in %s", a, b)
					}
					continue
				}
				if last, first := keys[key][older].last, keys[key][newer].first; last.op.KSeq > first.op.KSeq {
					j.found("P5", []uint64{last.op.Seq, first.op.Seq}, "number %d of a key stands in %s, number %d in %s, which came before",
						first.op.KSeq, newer, last.op.KSeq, older)
				}
			}
		}
	}
}

// orderCounts leaves out records whose outcome is unknown: without idempotence they may be stored late.
func (j *judge) orderCounts(uid uint64) bool {
	w := j.writes[uid]
	return w != nil && (j.Idempotent || j.outcome(w) == history.OK && !w.Dup)
}

// firstPlace reports that the entry is not a repetition of a record that stands before it.
func (j *judge) firstPlace(e entry) bool {
	places := j.places[e.uid]
	return len(places) < 2 || places[0].pos.Compare(e.pos) == 0
}
