package lease

import "time"

// A sight is what this observer has seen of a row over time. No clock but its own is in it.
type sight struct {
	counter int64
	owner   string
	since   time.Time // when the counter was first seen as it is
	strange int       // how often in a row the counter moved under our own name while we did not hold the row
}

// strangers is how many such moves tell of another process with our name. A write of our own, or of a former process of
// our name, may arrive late: the fence lets one through for each row, and no more.
const strangers = 3

// sights are kept by the taker alone.
type sights map[string]*sight

// note notes what a row looks like at a time. Held: this member may be writing to it.
func (s sights) note(r Row, me string, held bool, at time.Time) *sight {
	seen := s[r.Key]
	if seen == nil {
		seen = &sight{counter: r.Counter, owner: r.Owner, since: at}
		s[r.Key] = seen
		return seen
	}
	moved := seen.counter != r.Counter
	switch {
	case held || r.Owner != me || r.HandOver != "":
		seen.strange = 0
	case moved && seen.owner == me:
		seen.strange++
	}
	if moved {
		seen.since = at
	}
	seen.counter, seen.owner = r.Counter, r.Owner
	return seen
}

// forget drops rows that are gone.
func (s sights) forget(rows map[string]Row) {
	for key := range s {
		if _, there := rows[key]; !there {
			delete(s, key)
		}
	}
}
