package shard

import (
	"slices"
	"sort"
)

// A Map tells which open shard takes a key. It does not change.
type Map struct {
	open []Shard // by the end of their range
}

// NewMap makes a map of the open shards among all. Where a listing that lags has overlapping shards, the one whose range
// ends first is found.
func NewMap(all []Shard) *Map {
	m := &Map{}
	for _, s := range all {
		if !s.Closed {
			m.open = append(m.open, s)
		}
	}
	slices.SortFunc(m.open, func(a, b Shard) int { return a.Range.Last.Compare(b.Range.Last) })
	return m
}

// Find returns the open shard that contains h; false if the map has a hole there.
func (m *Map) Find(h Hash) (Shard, bool) {
	i := sort.Search(len(m.open), func(i int) bool { return h.Compare(m.open[i].Range.Last) <= 0 })
	if i == len(m.open) || !m.open[i].Range.Contains(h) {
		return Shard{}, false
	}
	return m.open[i], true
}

// Open are the open shards, by the end of their range. The caller must not change them.
func (m *Map) Open() []Shard { return m.open }

// Covers reports whether every point of the space has its shard.
func (m *Map) Covers() bool {
	next, more := Hash{}, true
	for _, s := range m.open {
		if !more {
			break // what overlaps the end does no harm
		}
		if s.Range.First.Compare(next) > 0 {
			return false
		}
		next, more = s.Range.Last.Next()
	}
	return !more
}
