package kafkago

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/streamport-go/streamport/stream"
)

// A logBatch is the bytes of one record batch (magic 2, KIP-98), complete, of which the header is believed after check.
type logBatch []byte

// What a batch's header tells, at which byte.
const (
	atLength   = 8
	atEpoch    = 12
	atMagic    = 16
	atSum      = 17
	atFlags    = 21
	atLast     = 23
	atFirstMs  = 27
	atMostMs   = 35
	atProducer = 43
	atCount    = 57
	atRecords  = 61

	beforeLength = 12 // bytes that the length does not count
)

// Bits of a batch's flags.
const (
	codecs        = 7
	appendTime    = 1 << 3
	transactional = 1 << 4
	controls      = 1 << 5
)

func (b logBatch) base() int64       { return int64(binary.BigEndian.Uint64(b)) }
func (b logBatch) epoch() int32      { return int32(binary.BigEndian.Uint32(b[atEpoch:])) }
func (b logBatch) delta() int32      { return int32(binary.BigEndian.Uint32(b[atLast:])) }
func (b logBatch) flags() int16      { return int16(binary.BigEndian.Uint16(b[atFlags:])) }
func (b logBatch) firstMs() int64    { return int64(binary.BigEndian.Uint64(b[atFirstMs:])) }
func (b logBatch) mostMs() int64     { return int64(binary.BigEndian.Uint64(b[atMostMs:])) }
func (b logBatch) producer() int64   { return int64(binary.BigEndian.Uint64(b[atProducer:])) }
func (b logBatch) count() int32      { return int32(binary.BigEndian.Uint32(b[atCount:])) }
func (b logBatch) is(bit int16) bool { return b.flags()&bit != 0 }

// last is the offset of the last record that the batch was written with. It may have been compacted away since.
func (b logBatch) last() int64 {
	if mutated("a position does not pass a hole") {
		return b.base() + int64(max(b.count(), 1)) - 1
	}
	return b.base() + int64(b.delta())
}

// check compares the checksum, and refuses a header that cannot be. Nothing else of the batch may be used before.
func (b logBatch) check() error {
	sum := binary.BigEndian.Uint32(b[atSum:])
	if crc32.Checksum(b[atFlags:], crc32.MakeTable(crc32.Castagnoli)) != sum {
		return fmt.Errorf("%w: the checksum of the batch at offset %d does not match", stream.ErrCorrupt, b.base())
	}
	if b.base() < 0 || b.delta() < 0 || b.count() < 0 || b.base() > math.MaxInt64-math.MaxInt32-1 {
		return fmt.Errorf("%w: offset %d, %d more and %d records in a batch", stream.ErrCorrupt, b.base(), b.delta(), b.count())
	}
	return nil
}

// errRecord says that a record does not fit into its batch, or its parts into it.
var errRecord = errors.New("a record that does not fit its length")

// records are those at or after an offset, and their bytes.
func (b logBatch) records(from int64, x *expander) (stretch, int, error) {
	if b.count() == 0 { // compaction leaves such batches, for what they tell of the producer
		return stretch{}, 0, nil
	}
	data := []byte(b[atRecords:])
	if codec := b.flags() & codecs; codec != 0 {
		var err error
		if data, err = x.expand(codec, data); err != nil {
			return stretch{}, 0, fmt.Errorf("%w: the batch at offset %d: %w", stream.ErrCorrupt, b.base(), err)
		}
	}
	r := stretch{data: data, base: b.base(), epoch: b.epoch()}
	bytes, err := r.index(b, from)
	if err != nil {
		return stretch{}, 0, fmt.Errorf("%w: the batch at offset %d: %w", stream.ErrCorrupt, b.base(), err)
	}
	return r, bytes, nil
}

// leastRecord is how many bytes the smallest record has: its length and attributes, the deltas of its time and offset, the
// lengths of its key and value, and the count of its headers.
const leastRecord = 7

// index notes where the records are, and checks that every part of them is within its record and every record within the
// batch. It returns the bytes of what it noted.
func (r *stretch) index(b logBatch, from int64) (bytes int, err error) {
	count, last, first := int(b.count()), b.delta(), b.firstMs()
	if count > len(r.data)/leastRecord {
		return 0, fmt.Errorf("%d records in %d bytes", count, len(r.data))
	}
	r.entries = make([]entry, 0, count)
	c := cursor{data: r.data}
	before := int64(-1)
	for range count {
		length := c.varint()
		end := int64(c.at) + length
		c.at++ // attributes, of which none is in use
		ms, delta := first+c.varint(), c.varint()
		e := entry{millis: ms, delta: int32(delta)}
		e.key, e.keyAt = c.part()
		e.value, e.valueAt = c.part()
		headers := c.varint()
		n := int(max(e.key, 0)) + int(max(e.value, 0))
		if headers < 0 || headers > int64(len(r.data)) {
			return 0, errRecord
		}
		for range headers {
			key, _ := c.part()
			value, _ := c.part()
			if key < 0 {
				return 0, errRecord
			}
			n += int(key) + int(max(value, 0))
			if c.bad {
				break
			}
		}
		if c.bad || int64(c.at) != end {
			return 0, errRecord
		}
		if delta <= before || delta > int64(last) {
			return 0, fmt.Errorf("a record at %d behind one at %d of %d", delta, before, last)
		}
		before = delta
		if r.base+delta < from {
			continue
		}
		if b.is(appendTime) {
			e.millis = b.mostMs()
		}
		e.headers = int32(headers)
		r.entries = append(r.entries, e)
		bytes += n
	}
	if c.at != len(r.data) {
		return 0, fmt.Errorf("%d bytes behind the last record", len(r.data)-c.at)
	}
	return bytes, nil
}

// A cursor reads a batch's records. Once it is bad, what it read is nothing.
type cursor struct {
	data []byte
	at   int
	bad  bool
}

// varint reads a zigzag-encoded number.
func (c *cursor) varint() int64 {
	if c.at < len(c.data) {
		if b := c.data[c.at]; b < 0x80 {
			c.at++
			return int64(b>>1) ^ -int64(b&1)
		}
	}
	return c.longVarint()
}

func (c *cursor) longVarint() int64 {
	if c.at > len(c.data) {
		c.bad = true
		return 0
	}
	v, n := binary.Varint(c.data[c.at:])
	if n <= 0 {
		c.bad = true
		return 0
	}
	c.at += n
	return v
}

// part reads the length of a key or value, -1 for nil, and steps over it.
func (c *cursor) part() (length int32, at uint32) {
	n := c.varint()
	if n < -1 || n > int64(len(c.data)-c.at) {
		c.bad = true
		return -1, 0
	}
	at = uint32(c.at)
	c.at += int(max(n, 0))
	return int32(n), at
}

// marker is what a batch of control records says, of which there is one.
func (b logBatch) marker(x *expander) markerKind {
	r, _, err := b.records(0, x)
	if err != nil || len(r.entries) == 0 {
		return commit
	}
	e := r.entries[0]
	return kindOf(r.data[e.keyAt:][:max(e.key, 0)])
}
