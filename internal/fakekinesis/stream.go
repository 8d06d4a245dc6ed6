package fakekinesis

import (
	"slices"
	"strings"
	"time"
)

// A stream is a data stream. The server's lock guards it.
type stream struct {
	name, arn string
	created   time.Time
	life      int64    // tells it from others that had its name
	shards    []*shard // all that ever were, by index

	onDemand     bool
	auto         bool
	retention    time.Duration
	recordBytes  int
	encryption   string
	consumers    []*consumer
	registered   int64  // the second in the latest consumer's ARN
	turn         uint64 // of the next record of an AUTO stream
	scalings     []time.Time
	modeSwitches []time.Time

	creating, deleting time.Time // until when; zero: not
	updating           time.Time // until when
	change             func(now time.Time)
}

// Statuses of streams and consumers (API reference, StreamDescriptionSummary).
const (
	statusCreating = "CREATING"
	statusDeleting = "DELETING"
	statusActive   = "ACTIVE"
	statusUpdating = "UPDATING"
)

const (
	mib             = 1 << 20
	defaultRetained = 24 * time.Hour // "Default is 24 hours"
	defaultRecord   = 1 * mib
)

// settle does what has become due, and trims.
func (st *stream) settle(now time.Time) {
	if st.change != nil && !now.Before(st.updating) {
		change, due := st.change, st.updating
		st.change = nil
		change(due)
	}
	horizon := now.Add(-st.retention)
	for _, s := range st.shards {
		if s.expired.IsZero() {
			s.trim(horizon, now)
		}
	}
}

// status is what descriptions say of the stream.
func (st *stream) status(now time.Time) string {
	switch {
	case !st.deleting.IsZero():
		return statusDeleting
	case now.Before(st.creating):
		return statusCreating
	case now.Before(st.updating):
		return statusUpdating
	}
	return statusActive
}

// update sets the stream UPDATING for d, and does change then.
func (st *stream) update(now time.Time, d time.Duration, change func(now time.Time)) {
	st.updating, st.change = now.Add(d), change
	st.settle(now)
}

// shard finds one that is not expired.
func (st *stream) shard(id string) *shard {
	for _, s := range st.shards {
		if s.id == id && s.expired.IsZero() {
			return s
		}
	}
	return nil
}

// open are the shards that take records, in the order of the hash space.
func (st *stream) open() []*shard {
	var open []*shard
	for _, s := range st.shards {
		if s.closed.IsZero() {
			open = append(open, s)
		}
	}
	slices.SortFunc(open, func(a, b *shard) int { return a.span.first.compare(b.span.first) })
	return open
}

// grow makes a shard.
func (st *stream) grow(s span, now time.Time, parents ...*shard) *shard {
	sh := newShard(len(st.shards), s, parents, now)
	st.shards = append(st.shards, sh)
	return sh
}

// split closes s and gives its space to two children, the second of which begins at the point from.
func (st *stream) split(s *shard, from hash, now time.Time) (lower, upper *shard) {
	s.close(now)
	lower = st.grow(span{s.span.first, from.before()}, now, s)
	upper = st.grow(span{from, s.span.last}, now, s)
	return lower, upper
}

// merge closes a and b, which are adjacent, and gives their space to one child.
func (st *stream) merge(a, b *shard, now time.Time) *shard {
	a.close(now)
	b.close(now)
	whole := span{a.span.first, b.span.last}
	if b.span.first.compare(a.span.first) < 0 {
		whole = span{b.span.first, a.span.last}
	}
	return st.grow(whole, now, a, b)
}

// route is the open shard that takes h.
func route(open []*shard, h hash) *shard {
	i, found := slices.BinarySearchFunc(open, h, func(s *shard, h hash) int { return s.span.first.compare(h) })
	if !found {
		i--
	}
	return open[i]
}

// nameOf is the stream's name in an ARN of it or of one of its consumers.
func nameOf(arn string) string {
	_, name, _ := strings.Cut(arn, ":stream/")
	name, _, _ = strings.Cut(name, "/")
	return name
}
