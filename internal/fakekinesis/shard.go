package fakekinesis

import (
	"fmt"
	"sort"
	"time"
)

// A shard is a part of a stream and its records. The server's lock guards it.
type shard struct {
	index     int
	id        string
	parents   []*shard // none, one (a split), or two (a merge)
	children  []*shard
	span      span
	born      int64  // of its sequence numbers: unix seconds, above its parents'
	count     uint64 // of its latest sequence number
	first     string // StartingSequenceNumber
	lastPlain string // EndingSequenceNumber once closed

	opened, closed, expired time.Time // zero: not yet

	base    int64 // records that are trimmed: records[0] is number base
	records []record
	latest  time.Time // when the newest record ever came

	writes  writeLimit
	reads   readLimit
	changed chan struct{} // closed at the next change; nil if nobody waits
}

// A record is one that is stored.
type record struct {
	seq     sequence
	text    string // seq as text
	key     string
	data    []byte
	arrival time.Time
}

func (r *record) size() int { return len(r.data) + len(r.key) }

func newShard(index int, s span, parents []*shard, now time.Time) *shard {
	sh := &shard{
		index: index, id: fmt.Sprintf("shardId-%012d", index), parents: parents, span: s, born: now.Unix(), opened: now,
	}
	for _, p := range parents {
		sh.born = max(sh.born, p.born+1)
		p.children = append(p.children, sh)
	}
	sh.first = makeSequence(sh.born, 0, now.Unix(), index).String()
	return sh
}

// advance makes the shard's next sequence number. Numbers increase, with gaps.
func (s *shard) advance(now time.Time) sequence {
	s.count += 1 + mix(s.count, uint64(s.index))%7
	return makeSequence(s.born, s.count, now.Unix(), s.index)
}

// append stores a record at the shard's end.
func (s *shard) append(key string, data []byte, now, arrival time.Time, keep bool) string {
	seq := s.advance(now)
	text := seq.String()
	s.latest = now
	if !keep {
		s.base++
		return text
	}
	s.records = append(s.records, record{seq: seq, text: text, key: key, data: data, arrival: arrival})
	s.wake()
	return text
}

// close ends the shard: it takes no more records.
func (s *shard) close(now time.Time) {
	s.closed = now
	s.lastPlain = makeSequence(s.born, lastCount, now.Unix(), s.index).String()
	s.wake()
}

// end is the number of the record that comes next.
func (s *shard) end() int64 { return s.base + int64(len(s.records)) }

// at returns the records from number n on; those that are trimmed are skipped.
func (s *shard) at(n int64) (int64, []record) {
	n = min(max(n, s.base), s.end())
	return n, s.records[n-s.base:]
}

// find is the number of the first record for which ok; ok holds for all that follow.
func (s *shard) find(ok func(*record) bool) int64 {
	return s.base + int64(sort.Search(len(s.records), func(i int) bool { return ok(&s.records[i]) }))
}

// since is the number of the first record that arrived at t or later. Arrival times need not be in order.
func (s *shard) since(t time.Time) int64 {
	for i := range s.records {
		if !s.records[i].arrival.Before(t) {
			return s.base + int64(i)
		}
	}
	return s.end()
}

// trim drops what arrived before the horizon, and lets the shard vanish if it was closed by then.
func (s *shard) trim(horizon, now time.Time) {
	n := 0
	for n < len(s.records) && s.records[n].arrival.Before(horizon) {
		n++
	}
	s.drop(n)
	if !s.closed.IsZero() && s.expired.IsZero() && s.closed.Before(horizon) && len(s.records) == 0 {
		s.expire(now)
	}
}

// drop trims the n oldest records.
func (s *shard) drop(n int) {
	if n == 0 {
		return
	}
	s.base += int64(n)
	clear(s.records[:n])
	s.records = s.records[n:]
}

// expire lets a closed shard vanish.
func (s *shard) expire(now time.Time) {
	s.expired = now
	s.wake()
}

// watch returns a channel that is closed at the next change.
func (s *shard) watch() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func (s *shard) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// existed reports whether the shard was there, and open, at t.
func (s *shard) existed(t time.Time) (there, open bool) {
	there = !s.opened.After(t) && (s.expired.IsZero() || s.expired.After(t))
	return there, there && (s.closed.IsZero() || s.closed.After(t))
}
