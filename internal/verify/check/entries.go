package check

import (
	"cmp"
	"slices"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// log is one partition: every record that is known to have stood in it, in order.
type log struct {
	entries []entry
	keys    map[string][]int // the places of a key's records; filled when asked
}

type entry struct {
	*history.Op        // a Stored one if there is one
	stored      bool   // it stands there in the end
	settled     uint64 // when it was first handled, given up by a policy or reported as expired; 0: never
	gap         bool   // it was reported as expired
}

// buildLogs joins what the final reading found with what was acknowledged or delivered and is trimmed by now.
func (x *index) buildLogs() {
	read := map[string]bool{} // streams whose final state is known
	found := map[string][]entry{}
	for i := range x.ops {
		op := &x.ops[i]
		switch op.F {
		case history.Stored:
			read[streamOf(op.Part)] = true
			x.reads[op.Part] = append(x.reads[op.Part], op)
			x.places[op.UID] = append(x.places[op.UID], op)
			found[op.Part] = append(found[op.Part], entry{Op: op, stored: true})
		case history.Deliver:
			x.reads[op.Part] = append(x.reads[op.Part], op)
			found[op.Part] = append(found[op.Part], entry{Op: op})
		case history.Produce:
			if op.Type == history.OK && !op.Pos.IsZero() && x.outcome(x.writes[op.UID]) == history.OK {
				found[op.Part] = append(found[op.Part], entry{Op: op})
			}
		}
	}
	for part, all := range found {
		x.logs[part] = x.newLog(part, all, read[streamOf(part)])
	}
	for _, reads := range x.reads {
		slices.SortStableFunc(reads, func(a, b *history.Op) int { return a.Pos.Compare(b.Pos) })
	}
	for _, places := range x.places {
		slices.SortStableFunc(places, func(a, b *history.Op) int {
			return cmp.Or(
				cmp.Compare(len(x.ancestors(a.Part)), len(x.ancestors(b.Part))), cmp.Compare(a.Part, b.Part), a.Pos.Compare(b.Pos),
			)
		})
	}
	x.settle()
}

// newLog keeps one entry for each position. What does not stand there in the end and was not trimmed never stood there.
func (x *index) newLog(part string, all []entry, known bool) *log {
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(a.Pos.Compare(b.Pos), -compareBool(a.stored, b.stored))
	})
	all = slices.CompactFunc(all, func(a, b entry) bool { return a.Pos.Compare(b.Pos) == 0 })
	return &log{entries: slices.DeleteFunc(all, func(e entry) bool {
		return known && !e.stored && !x.isTrimmed(part, e.Pos)
	})}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// settle finds out when each record was settled.
func (x *index) settle() {
	for i := range x.ops {
		op := &x.ops[i]
		if op.F != history.Handled && op.F != history.Skipped {
			continue
		}
		if e := x.log(op.Part).find(op.Pos); e != nil && e.settled == 0 {
			e.settled = op.Seq
		}
	}
	for part, holds := range x.holdsOf {
		l := x.log(part)
		for _, h := range holds {
			for _, g := range h.gaps {
				from, to := x.expired(part, g)
				for i := from; i < to; i++ {
					e := &l.entries[i]
					if e.settled == 0 || e.settled > g.Seq {
						e.settled = g.Seq
					}
					e.gap = true
				}
			}
		}
	}
}

// log is a partition's log; an empty one if nothing is known of it.
func (x *index) log(part string) *log {
	if l := x.logs[part]; l != nil {
		return l
	}
	return &log{}
}

// expired are the places of the entries that a gap reports as expired. If it says that none is left, these are the ones
// that were trimmed.
func (x *index) expired(part string, gap *history.Op) (from, to int) {
	l := x.log(part)
	from = l.after(gap.Pos)
	if gap.Next.IsZero() {
		return from, l.after(x.trimmed[part])
	}
	return from, l.from(gap.Next)
}

// due is the place of the first entry that the group has to read. A partition that appears after the group's birth is
// read from its beginning.
func (x *index) due(part string) int {
	l := x.log(part)
	begin := l.after(x.before[part])
	holds := x.holdsOf[part]
	switch {
	case x.born == 0:
		return len(l.entries)
	case x.isNew(part):
		return 0
	case len(holds) > 0:
		return max(begin, l.after(holds[0].acquire.Pos))
	}
	for i := begin; i < len(l.entries); i++ { // nobody ever read it: what was written since the group's birth
		if w := x.writes[l.entries[i].UID]; w != nil && w.sent.Seq > x.born {
			return i
		}
	}
	return len(l.entries)
}

// isNew reports whether the partition appeared after the group was born.
func (x *index) isNew(part string) bool { return x.born != 0 && x.made[part] > x.born }

// from is the place of the first entry at or behind pos.
func (l *log) from(pos stream.Position) int {
	i, _ := slices.BinarySearchFunc(l.entries, pos, func(e entry, p stream.Position) int { return e.Pos.Compare(p) })
	return i
}

// after is the place of the first entry behind pos.
func (l *log) after(pos stream.Position) int {
	i := l.from(pos)
	if i < len(l.entries) && l.entries[i].Pos.Compare(pos) == 0 {
		i++
	}
	return i
}

// find is the entry at pos, or nil.
func (l *log) find(pos stream.Position) *entry {
	if i := l.from(pos); i < len(l.entries) && l.entries[i].Pos.Compare(pos) == 0 {
		return &l.entries[i]
	}
	return nil
}

// ofKey are the places of a key's entries.
func (l *log) ofKey(key string) []int {
	if l.keys == nil {
		l.keys = map[string][]int{}
		for i, e := range l.entries {
			l.keys[e.Key] = append(l.keys[e.Key], i)
		}
	}
	return l.keys[key]
}

// searchInts is the place of the first of the sorted numbers that is not below n.
func searchInts(numbers []int, n int) int {
	i, _ := slices.BinarySearch(numbers, n)
	return i
}
