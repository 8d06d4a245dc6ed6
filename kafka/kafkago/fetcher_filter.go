package kafkago

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// An aborted is a transaction that was aborted, by its producer and the first offset that it wrote in the partition.
type aborted struct {
	producer, first int64
}

// A filter hides what read-committed does not see in one partition's part of an answer, batch after batch. The broker tells
// the transactions that were aborted; a marker ends each of them.
type filter struct {
	off  bool      // read uncommitted: only markers are hidden
	next []aborted // not begun yet, by their first offset
	now  []int64   // producers whose transaction was aborted, and not ended yet
}

func newFilter(of []aborted, off bool) filter {
	f := filter{off: off, next: of}
	slices.SortFunc(f.next, func(a, b aborted) int { return cmp.Compare(a.first, b.first) })
	return f
}

// hides reports whether the records of a batch are not to be seen. Of a batch of markers, marker says which.
func (f *filter) hides(b *logBatch, marker func() markerKind) bool {
	for len(f.next) > 0 && f.next[0].first <= b.last() {
		if !slices.Contains(f.now, f.next[0].producer) {
			f.now = append(f.now, f.next[0].producer)
		}
		f.next = f.next[1:]
	}
	if b.is(controls) {
		if marker() == abort && !mutated("a marker does not end a transaction") {
			f.now = slices.DeleteFunc(f.now, func(p int64) bool { return p == b.producer() })
		}
		return !mutated("control records are delivered")
	}
	if f.off || mutated("aborted records are not dropped") {
		return false
	}
	return b.is(transactional) && slices.Contains(f.now, b.producer())
}

// A markerKind is the type in a control record's key.
type markerKind int16

// The kinds of markers that end a transaction. Others mean nothing to a reader.
const (
	abort  markerKind = 0
	commit markerKind = 1
)

// kindOf reads the key of a control record: a version and a type.
func kindOf(key []byte) markerKind {
	if len(key) < 4 {
		return commit // whatever it is, it ends no aborted transaction
	}
	return markerKind(binary.BigEndian.Uint16(key[2:]))
}
