package check

import "github.com/streamport-go/streamport/internal/verify/history"

// redeliveries checks D2 and D3: how much comes again after a takeover, and that nothing does after a clean hand-over,
// nor while nothing goes wrong.
func (j *judge) redeliveries() {
	bound := j.Window + 1
	if j.AtMostOnce {
		bound = 0
	}
	for _, part := range sortedKeys(j.holdsOf) {
		l := j.log(part)
		by := make([]*hold, len(l.entries)) // who of those that are looked at already handled it last
		for i, h := range j.holdsOf[part] {
			repeated, saved := 0, 0
			for _, d := range h.delivers {
				at := l.from(d.Pos)
				if at == len(l.entries) || l.entries[at].Pos.Compare(d.Pos) != 0 || by[at] == nil {
					continue
				}
				repeated++
				if by[at].turn == i-1 {
					saved++
				}
			}
			switch {
			case repeated == 0:
			case j.Quiet && !j.AnyOrder: // what was done behind a record that was not may come again
				j.found("D3", []uint64{h.acquire.Seq},
					"%s: %d handled records came again although nothing goes wrong", part, repeated)
			case saved > 0 && j.holdsOf[part][i-1].clean():
				j.found("D3", []uint64{h.acquire.Seq},
					"%s: %d handled records came again after a clean hand-over", part, saved)
			case repeated > bound:
				j.found("D2", []uint64{h.acquire.Seq}, "%s: %d handled records came again, at most %d may", part, repeated, bound)
			}
			next := uint64(never) // what the hold handles later is a zombie's
			if i+1 < len(j.holdsOf[part]) {
				next = j.holdsOf[part][i+1].acquire.Seq
			}
			if h.over != nil && h.over.F == history.Release {
				next = min(next, h.over.Seq)
			}
			for pos, when := range h.handled {
				if at := l.from(pos); when < next && at < len(l.entries) && l.entries[at].Pos.Compare(pos) == 0 {
					by[at] = h
				}
			}
		}
	}
}

// clean reports that the hold was given back in order, with everything saved that it handled.
func (h *hold) clean() bool { return h.over != nil && h.over.F == history.Release && h.over.Clean }
