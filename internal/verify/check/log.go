package check

import (
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
)

// produced checks P1, P2, P3 and P8: what became of each record that was sent.
func (j *judge) produced() {
	for _, uid := range sortedKeys(j.writes) {
		w := j.writes[uid]
		places := j.places[uid]
		switch outcome := j.outcome(w); {
		case outcome == history.OK && len(places) == 0 && !j.gone(w):
			j.found("P1", []uint64{w.last.Seq},
				"record %d was acknowledged at %s %v and is not stored", uid, w.part(), w.last.Pos)
		case outcome == history.Fail:
			j.aborted(uid, w)
		case outcome == history.OK && len(places) > 0 && !j.stands(w, places):
			j.found("P8", []uint64{w.last.Seq, places[0].Seq}, "record %d was acknowledged at %s %v and is stored at %s %v",
				uid, w.part(), w.last.Pos, places[0].Part, places[0].Pos)
		}
		mayRepeat := !j.Idempotent && (w.last.Dup || w.last.Type == history.Info || w.last.Type == history.Invoke)
		if len(places) > 1 && !mayRepeat {
			j.found("P3", []uint64{places[0].Seq, places[1].Seq}, "record %d is stored %d times", uid, len(places))
		}
	}
}

// aborted looks for a record that failed among those that are stored and those that somebody got.
func (j *judge) aborted(uid uint64, w *write) {
	at := j.seen[uid]
	if places := j.places[uid]; len(places) > 0 {
		at = places[0]
	}
	if at != nil {
		j.found("P2", []uint64{w.last.Seq, at.Seq}, "record %d failed and is at %s %v", uid, at.Part, at.Pos)
	}
}

// gone reports that the record may have been stored and trimmed. Where it was stored is not always told.
func (j *judge) gone(w *write) bool {
	if w.last.Pos.IsZero() {
		return j.anyTrimmed(streamOf(w.part()))
	}
	return j.isTrimmed(w.part(), w.last.Pos)
}

// stands reports that the record is where its acknowledgement says, if that says anything that can still be seen.
func (j *judge) stands(w *write, places []*history.Op) bool {
	if w.last.Pos.IsZero() || j.isTrimmed(w.part(), w.last.Pos) {
		return true
	}
	return slices.ContainsFunc(places, func(p *history.Op) bool {
		return p.Part == w.part() && p.Pos.Compare(w.last.Pos) == 0
	})
}

// altered checks P7: whoever gets a record gets what was sent.
func (j *judge) altered() {
	for i := range j.ops {
		op := &j.ops[i]
		if op.F != history.Stored && op.F != history.Deliver {
			continue
		}
		if w := j.writes[op.UID]; w != nil && w.sent.Sum != op.Sum {
			j.found("P7", []uint64{w.sent.Seq, op.Seq}, "record %d at %s %v is not what was sent", op.UID, op.Part, op.Pos)
		}
	}
}

// oneAtAPlace checks P4: one record at one position, the same for everybody, and nothing that nobody sent.
func (j *judge) oneAtAPlace() {
	for _, part := range sortedKeys(j.reads) {
		reads := j.reads[part]
		for len(reads) > 0 {
			n := 1
			for n < len(reads) && reads[n].Pos.Compare(reads[0].Pos) == 0 {
				n++
			}
			j.place(part, reads[:n])
			reads = reads[n:]
		}
	}
}

// place looks at everybody who saw one position.
func (j *judge) place(part string, reads []*history.Op) {
	first := reads[0]
	stored := 0
	for _, op := range reads {
		if op.F == history.Stored {
			stored++
		}
		switch {
		case op.UID != first.UID:
			j.found("P4", []uint64{first.Seq, op.Seq}, "%s %v holds record %d and record %d", part, op.Pos, first.UID, op.UID)
		case j.writes[op.UID] == nil:
			j.found("P4", []uint64{op.Seq}, "%s %v holds record %d, which nobody sent", part, op.Pos, op.UID)
		}
	}
	switch {
	case stored > 1:
		j.found("P4", []uint64{first.Seq, reads[1].Seq}, "%s %v came twice in one reading", part, first.Pos)
	case stored == 0 && j.log(part).find(first.Pos) == nil && j.outcomeOf(first.UID) != history.Fail:
		j.found("P4", []uint64{first.Seq}, "%s %v was delivered and is not stored there", part, first.Pos)
	}
}

// outcomeOf is that of a record, "" of one that nobody sent. Who gets a record that failed has met P2 already.
func (j *judge) outcomeOf(uid uint64) history.Type {
	if w := j.writes[uid]; w != nil {
		return j.outcome(w)
	}
	return ""
}

// A lane is the records of one producer and one key, which KSeq numbers.
type lane struct{ proc, key string }

func (j *judge) lane(op *history.Op) lane { return lane{j.writes[op.UID].sent.Proc, op.Key} }

// orderCounts leaves out records that may legally be late: those whose outcome is unknown and, where what came first
// may be trimmed, those that may stand twice.
func (j *judge) orderCounts(op *history.Op) bool {
	w := j.writes[op.UID]
	switch {
	case w == nil || op.Key == "" || op.KSeq == 0:
		return false
	case j.Idempotent:
		return true
	case j.outcome(w) != history.OK:
		return false
	}
	return !w.last.Dup || !j.anyTrimmed(streamOf(op.Part))
}

// A stretch is what a partition has of one lane.
type stretch struct{ first, last *history.Op }

// keysInLog checks P5 and P6: the order of a key's records in the logs, and that no key is in two places at a time.
// Only the first copy of a record counts.
func (j *judge) keysInLog() {
	if !j.KeyOrder {
		return
	}
	lanes := map[lane]map[string]*stretch{}
	homes := map[string]map[string]*history.Op{} // by key and partition
	known := map[uint64]bool{}
	for _, part := range j.oldestFirst(sortedKeys(j.logs)) {
		for i := range j.logs[part].entries {
			e := &j.logs[part].entries[i]
			if known[e.UID] || !j.orderCounts(e.Op) {
				continue
			}
			known[e.UID] = true
			at := lanes[j.lane(e.Op)]
			if at == nil {
				at = map[string]*stretch{}
				lanes[j.lane(e.Op)] = at
			}
			j.extend(part, at, e.Op)
			if homes[e.Key] == nil {
				homes[e.Key] = map[string]*history.Op{}
			}
			if homes[e.Key][part] == nil {
				homes[e.Key][part] = e.Op
			}
		}
	}
	j.acrossPartitions(lanes)
	j.twoHomes(homes)
}

// extend adds the next entry of a partition to its lane.
func (j *judge) extend(part string, at map[string]*stretch, op *history.Op) {
	s := at[part]
	switch {
	case s == nil:
		at[part] = &stretch{op, op}
	case op.KSeq > s.last.KSeq:
		s.last = op
	default:
		j.found("P5", []uint64{s.last.Seq, op.Seq},
			"in %s, number %d of a key stands after number %d", part, op.KSeq, s.last.KSeq)
		if op.KSeq < s.first.KSeq {
			s.first = op
		}
	}
}

// acrossPartitions checks P5 between partitions that replace each other.
func (j *judge) acrossPartitions(lanes map[lane]map[string]*stretch) {
	for _, l := range sortedLanes(lanes) {
		parts := j.oldestFirst(sortedKeys(lanes[l]))
		for i, older := range parts {
			for _, newer := range parts[i+1:] {
				last, first := lanes[l][older].last, lanes[l][newer].first
				if j.ancestors(newer)[older] && last.KSeq > first.KSeq {
					j.found("P5", []uint64{last.Seq, first.Seq}, "number %d of a key stands in %s, number %d in %s, which came before",
						first.KSeq, newer, last.KSeq, older)
				}
			}
		}
	}
}

// twoHomes checks P6. Adding partitions moves keys.
func (j *judge) twoHomes(homes map[string]map[string]*history.Op) {
	if j.Grows {
		return
	}
	for _, key := range sortedKeys(homes) {
		parts := j.oldestFirst(sortedKeys(homes[key]))
		for i, a := range parts {
			for _, b := range parts[i+1:] {
				if !j.ancestors(b)[a] && streamOf(a) == streamOf(b) {
					j.found("P6", []uint64{homes[key][a].Seq, homes[key][b].Seq}, "a key stands in %s and in %s", a, b)
				}
			}
		}
	}
}
