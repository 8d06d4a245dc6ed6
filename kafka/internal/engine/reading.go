package engine

import "sync/atomic"

// A reading is the fetcher with the count of what was added. Claims call it under their locks, so that what is decided of
// one partition is done in that order: a Fetcher only takes note, and calls nobody.
type reading struct {
	Fetcher
	added atomic.Int64
}

// add begins to read p and returns the number by which its blocks are known. Told is called with it first.
func (r *reading) add(p Partition, at Offset, told func(number int64)) {
	number := r.added.Add(1)
	told(number)
	r.Add(map[Partition]Offset{p: at}, number)
}
