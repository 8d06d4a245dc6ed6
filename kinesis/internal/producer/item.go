package producer

import (
	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/stream"
)

// An item is one record that is accepted and not done. Outlets reuse items.
type item struct {
	rec      *stream.Record
	sealed   *aggregate.Sealed
	done     func(stream.Ack, error)
	size     int64 // in the space
	accepted int64
	number   uint64 // in the order of Append
	lane     *lane
	parcel   *parcel // that it is in; nil: it waits in the lane

	next         *item // in the lane, or in the parcel
	older, newer *item // in the ledger
}

func (it *item) data() []byte {
	if it.sealed != nil {
		return it.sealed.Data
	}
	return it.rec.Value
}

func (it *item) tags() []aggregate.Tag {
	if it.sealed != nil {
		return it.sealed.Tags
	}
	return nil
}

// keyless is the magic, the checksum and an empty key of an aggregate.
const keyless = 4 + 16 + 2

// part is the bytes that an item takes in an aggregate, beside its key.
func (it *item) part() int { return aggregate.OneSize("", it.data(), it.tags()) - keyless }

// frame is the bytes of an aggregate without its records, with one key.
func frame(key string) int {
	return aggregate.OneSize(key, nil, nil) - aggregate.OneSize("", nil, nil) + keyless
}

// A queue is items in order.
type queue struct {
	head, tail *item
	n          int
	bytes      int // of data and tags
}

func (q *queue) push(it *item) {
	it.next = nil
	if q.tail == nil {
		q.head = it
	} else {
		q.tail.next = it
	}
	q.tail = it
	q.n++
	q.bytes += int(it.size)
}

// pop takes the first item off; nil if there is none.
func (q *queue) pop() *item {
	it := q.head
	if it == nil {
		return nil
	}
	q.head = it.next
	if q.head == nil {
		q.tail = nil
	}
	it.next = nil
	q.n--
	q.bytes -= int(it.size)
	return it
}

// A ledger is all items of an outlet that are not done, the oldest first: their deadlines are in the same order.
type ledger struct {
	oldest, newest *item
	number         uint64 // of the newest that ever was
}

func (l *ledger) add(it *item) {
	l.number++
	it.number, it.older, it.newer = l.number, l.newest, nil
	if l.newest == nil {
		l.oldest = it
	} else {
		l.newest.newer = it
	}
	l.newest = it
}

func (l *ledger) remove(it *item) {
	if it.older == nil {
		l.oldest = it.newer
	} else {
		it.older.newer = it.newer
	}
	if it.newer == nil {
		l.newest = it.older
	} else {
		it.newer.older = it.older
	}
}

// done reports whether everything up to a number is done.
func (l *ledger) done(upTo uint64) bool { return l.oldest == nil || l.oldest.number > upTo }
