package memory

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"
	"unicode/utf8"

	"github.com/streamport-go/streamport/stream"
)

// check refuses a record that the stream does not take, before anything is stored.
func (t *topic) check(r *stream.Record) error {
	switch {
	case r.Key == nil:
		if err := t.checkNilKey(); err != nil {
			return err
		}
	case !t.traits.binaryKeys:
		if err := checkTextKey(r.Key); err != nil {
			return err
		}
	}
	if r.Value == nil && !t.traits.tombstones {
		return fmt.Errorf("%w: a nil value; the service cannot tell it from an empty one", stream.ErrUnsupported)
	}
	if len(r.Headers) > 0 && !t.traits.headers {
		return fmt.Errorf("%w: headers; put them into the value, or allow tags", stream.ErrUnsupported)
	}
	if !r.Time.IsZero() {
		if err := t.checkTime(r.Time); err != nil {
			return err
		}
	}
	if len(r.Headers) == 0 && int64(len(r.Key)+len(r.Value)+mostFrame) <= t.maxRecord {
		return nil // however it is counted
	}
	if size := t.size(r); size > t.maxRecord {
		return fmt.Errorf("%w: the record counts %d bytes, the stream allows %d", stream.ErrTooLarge, size, t.maxRecord)
	}
	return nil
}

func (t *topic) checkNilKey() error {
	switch {
	case t.compacted:
		return fmt.Errorf("%w: a compacted stream takes no record without key", stream.ErrInvalid)
	case !t.traits.nilKeys && !t.auto.Load():
		return fmt.Errorf("%w: a record without key; the service needs one", stream.ErrUnsupported)
	}
	return nil
}

func checkTextKey(key []byte) error {
	if len(key) == 0 {
		return fmt.Errorf("%w: an empty key; the service needs at least one character", stream.ErrUnsupported)
	}
	if len(key) <= maxKeyPoints && isASCII(key) {
		return nil
	}
	if !utf8.Valid(key) {
		return fmt.Errorf("%w: the key is no UTF-8, which is all that the service keeps", stream.ErrUnsupported)
	}
	if len(key) > maxKeyPoints {
		if n := utf8.RuneCount(key); n > maxKeyPoints {
			return fmt.Errorf("%w: a key of %d characters, at most %d are allowed", stream.ErrTooLarge, n, maxKeyPoints)
		}
	}
	return nil
}

// isASCII is for short keys faster than utf8.Valid.
func isASCII(b []byte) bool {
	var bits uint64
	for ; len(b) >= 8; b = b[8:] {
		bits |= binary.LittleEndian.Uint64(b)
	}
	for _, c := range b {
		bits |= uint64(c)
	}
	return bits&0x8080808080808080 == 0
}

// aheadOfClock is how far a record's time may lie in the future (Kafka: message.timestamp.after.max.ms).
const aheadOfClock = time.Hour

func (t *topic) checkTime(at time.Time) error {
	if !t.traits.eventTime {
		return fmt.Errorf("%w: a record's own time; the service stores the time of arrival", stream.ErrUnsupported)
	}
	if ahead := at.UnixMilli() - t.b.clock.millis(); !t.traits.tagged && ahead > aheadOfClock.Milliseconds() {
		return fmt.Errorf("%w: the record's time is %v ahead of the clock, at most %v is allowed",
			stream.ErrInvalid, time.Duration(ahead)*time.Millisecond, aheadOfClock)
	}
	return nil
}

// mostFrame is more than what any way of counting adds to key and value.
const mostFrame = 128

// size counts a record as the service does.
func (t *topic) size(r *stream.Record) int64 {
	switch {
	case t.traits.batchSizes:
		return batchBytes(r)
	case t.traits.tagged && needsTags(r):
		return aggregateBytes(r)
	}
	return int64(len(r.Key) + len(r.Value))
}

// batchBytes is the size of an uncompressed Kafka record batch, format version 2, that holds r alone: 61 bytes of
// header, then the record with its own length, attributes, two deltas of 0, key, value and headers, whose lengths are
// zigzag varints.
func batchBytes(r *stream.Record) int64 {
	const batchHeader, attributesAndDeltas = 61, 3
	n := attributesAndDeltas + field(r.Key) + field(r.Value) + varint(len(r.Headers))
	for i := range r.Headers {
		n += varint(len(r.Headers[i].Key)) + len(r.Headers[i].Key) + field(r.Headers[i].Value)
	}
	return int64(batchHeader + varint(n) + n)
}

// field is the size of a byte field with its length; nil has the length -1, which takes one byte.
func field(b []byte) int { return varint(len(b)) + len(b) }

// varint is the size of n as a zigzag varint.
func varint(n int) int { return (bits.Len64(uint64(n)<<1|1) + 6) / 7 }

// needsTags reports whether r is more than a plain Kinesis record can say.
func needsTags(r *stream.Record) bool {
	return r.Key == nil || r.Value == nil || len(r.Headers) > 0 || !r.Time.IsZero() || checkTextKey(r.Key) != nil
}

// aggregateBytes bounds the size of an aggregate that holds r alone with its tags: magic, checksum, and per field a tag
// and a length.
func aggregateBytes(r *stream.Record) int64 {
	const frame, perField, plainKey = 4 + 16 + 32, 12, 32
	n := frame + plainKey + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += 2*perField + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return int64(n)
}
