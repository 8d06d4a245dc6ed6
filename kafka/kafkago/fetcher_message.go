package kafkago

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A message is the bytes of one record in the formats before batches (magic 0 and 1), which old logs still hold. One whose
// flags name a codec wraps others in its value.
type message []byte

// What a message tells, at which byte. With magic 1 its time follows the flags.
const (
	atMessageSum   = 12
	atMessageFlags = 17
	atMessageTime  = 18

	leastMessage = 26 // bytes with magic 0, key and value nil
)

var errMessage = errors.New("a message that does not fit its length")

func (m message) offset() int64 { return int64(binary.BigEndian.Uint64(m)) }
func (m message) codec() int16  { return int16(m[atMessageFlags] & codecs) }

// millis is the message's time; without one as in records that have none.
func (m message) millis() int64 {
	if m[atMagic] == 0 {
		return noTime
	}
	return int64(binary.BigEndian.Uint64(m[atMessageTime:]))
}

// entry checks the message and notes where its parts are, if the message stands at a byte of the data.
func (m message) entry(at int) (entry, error) {
	if sum := binary.BigEndian.Uint32(m[atMessageSum:]); crc32.ChecksumIEEE(m[atMagic:]) != sum {
		return entry{}, errors.New("the checksum does not match")
	}
	e := entry{millis: m.millis()}
	from := atMessageTime
	if m[atMagic] == 1 {
		from += 8
	}
	for _, part := range []struct {
		length *int32
		at     *uint32
	}{{&e.key, &e.keyAt}, {&e.value, &e.valueAt}} {
		if from+4 > len(m) {
			return entry{}, errMessage
		}
		n := int32(binary.BigEndian.Uint32(m[from:]))
		from += 4
		if n < -1 || int(n) > len(m)-from {
			return entry{}, errMessage
		}
		*part.length, *part.at = n, uint32(at+from)
		from += int(max(n, 0))
	}
	if from != len(m) {
		return entry{}, errMessage
	}
	return e, nil
}

// addMessage decodes one message, and returns the offset that is behind it.
func (b *brought) addMessage(data []byte, end int64, from engine.Offset, x *expander) (int64, error) {
	m := message(data)
	r, err := m.run(x)
	if err != nil {
		return end, fmt.Errorf("%w: the message at offset %d: %w", stream.ErrCorrupt, m.offset(), err)
	}
	if m.offset() < end || r.base < end {
		return end, fmt.Errorf("%w: a message at offset %d behind one that ends at %d", stream.ErrCorrupt, r.base, end)
	}
	if m.offset() < from.At {
		return m.offset() + 1, nil
	}
	for len(r.entries) > 0 && r.base+int64(r.entries[0].delta) < from.At {
		r.entries = r.entries[1:]
	}
	bytes := 0
	for i := range r.entries {
		bytes += int(max(r.entries[i].key, 0)) + int(max(r.entries[i].value, 0))
	}
	if m.codec() != 0 {
		b.expanded += int64(len(r.data))
	}
	b.keep(r, bytes)
	b.next = engine.Offset{At: m.offset() + 1, Epoch: -1}
	return b.next.At, nil
}

// run is the message, or those that it wraps.
func (m message) run(x *expander) (stretch, error) {
	e, err := m.entry(0)
	switch {
	case err != nil:
		return stretch{}, err
	case m.offset() < 0 || m.offset() == math.MaxInt64:
		return stretch{}, errors.New("an offset that cannot be")
	case m.codec() == 0:
		return stretch{data: m, base: m.offset(), epoch: -1, entries: []entry{e}}, nil
	}
	data, err := x.expand(m.codec(), m[e.valueAt:][:max(e.value, 0)])
	if err != nil {
		return stretch{}, err
	}
	return m.unwrap(data)
}

// unwrap reads what a message wraps. Its offset is that of the last of them. With magic 0 they have offsets of their own;
// with magic 1 they count from any number (KIP-31), and the wrapper's flags may say that its time is theirs (KIP-32).
func (m message) unwrap(data []byte) (stretch, error) {
	r := stretch{data: data, epoch: -1}
	var offsets []int64
	for at := 0; at < len(data); {
		if len(data)-at < leastMessage {
			return stretch{}, errMessage
		}
		size := int64(int32(binary.BigEndian.Uint32(data[at+atLength:]))) + beforeLength
		inner := message(data[at:])
		if inner[atMagic] > 1 || size < leastSize(inner[atMagic]) || size > int64(len(inner)) || inner.codec() != 0 {
			return stretch{}, errMessage
		}
		inner = inner[:size]
		e, err := inner.entry(at)
		if err != nil {
			return stretch{}, err
		}
		if m[atMagic] == 1 && m[atMessageFlags]&appendTime != 0 {
			e.millis = m.millis()
		}
		r.entries, offsets = append(r.entries, e), append(offsets, inner.offset())
		at += int(size)
	}
	if len(offsets) == 0 {
		return stretch{}, errMessage
	}
	first, last := offsets[0], offsets[len(offsets)-1]
	if m[atMagic] == 0 {
		r.base = first
	} else {
		r.base = m.offset() - (last - first)
	}
	before := int64(-1)
	for i, offset := range offsets {
		delta := offset - first
		if delta <= before || delta > math.MaxInt32 {
			return stretch{}, errors.New("messages out of order")
		}
		before, r.entries[i].delta = delta, int32(delta)
	}
	if r.base < 0 || r.base+before != m.offset() {
		return stretch{}, errors.New("a last offset that is not the wrapper's")
	}
	return r, nil
}
