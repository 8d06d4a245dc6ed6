package kafkago

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A batch is some records of one partition as they are sent: a record batch of format 2, behind the four bytes that say
// its length in a request. Records are encoded as they come, so that nothing is allocated for one.
type batch struct {
	items  []item
	bytes  []byte // prefix, header and records; every try sends them when the batch is finished
	begun  time.Time
	limit  int64 // of bytes without the prefix
	first  int64 // time of the first record, in milliseconds
	latest int64
	plain  int           // bytes before compression, when they are compressed
	over   chan struct{} // closed when all are answered; nil unless somebody waits for it, guarded by the lane's lock

	attributes int16 // of the codec

	numbered bool // has its sequence number, which it keeps
	finished bool
	producer producer
	sequence int32
	sent     bool // a try was written to a connection, perhaps in part
	doubt    bool // a try may have been stored, and has no answer that says so
	held     bool // kafka-go may still read the bytes
}

// An item is a record of a batch, and whom to answer.
type item struct {
	from *stream.Record
	done func(stream.Ack, error)
	size int64 // in the gate
}

// A producer is what brokers know idempotent batches by.
type producer struct {
	id    int64
	epoch int16
}

// nobody is the producer of batches that may be stored twice.
var nobody = producer{id: -1, epoch: -1}

// Where the fields of a batch are, counted with the prefix.
const (
	baseAt       = 4
	lengthAt     = 12
	leaderAt     = 16
	formatAt     = 20
	sumAt        = 21
	attributesAt = 25
	lastAt       = 27
	firstTimeAt  = 31
	mostTimeAt   = 39
	producerAt   = 47
	epochAt      = 55
	sequenceAt   = 57
	countAt      = 61

	prefix  = 4
	headEnd = prefix + engine.BatchOverhead
)

// castagnoli is the polynomial of a batch's checksum.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fits reports whether a record can be added whose size is body as the first of a batch.
func (b *batch) fits(body, ms int64) bool {
	return len(b.items) == 0 || int64(len(b.bytes))-prefix+lengthened(b.grown(body, ms)) <= b.limit
}

// grown is the size of a record where it would stand: its distances from the first record take a byte each in body.
func (b *batch) grown(body, ms int64) int64 {
	if len(b.items) == 0 {
		return body
	}
	return body - 2 + signed(ms-b.first) + varint(int64(len(b.items)))
}

// add encodes a record that fits.
func (b *batch) add(i item, body, ms int64, from *buffers) {
	if len(b.items) == 0 {
		b.first, b.latest = ms, ms
	}
	b.latest = max(b.latest, ms)
	body = b.grown(body, ms)
	p := from.reserve(b.bytes, int(lengthened(body)))
	p = binary.AppendVarint(p, body)
	p = append(p, 0)
	p = binary.AppendVarint(p, ms-b.first)
	p = binary.AppendVarint(p, int64(len(b.items)))
	r := i.from
	p = appendBytes(p, r.Key)
	p = appendBytes(p, r.Value)
	p = binary.AppendVarint(p, int64(len(r.Headers)))
	for h := range r.Headers {
		p = binary.AppendVarint(p, int64(len(r.Headers[h].Key)))
		p = append(p, r.Headers[h].Key...)
		p = appendBytes(p, r.Headers[h].Value)
	}
	b.bytes = p
	b.items = append(b.items, i)
}

// appendBytes writes b behind its length; that of nil is -1.
func appendBytes(p, b []byte) []byte {
	if b == nil {
		return append(p, 1)
	}
	return append(binary.AppendVarint(p, int64(len(b))), b...)
}

// finish makes the batch what is sent, now and in every later try. The records are compressed if that makes them
// smaller.
func (b *batch) finish(c *codec, from *buffers) error {
	if b.finished {
		return nil
	}
	if b.plain == 0 {
		b.plain = len(b.bytes) - prefix
		if err := b.pack(c, from); err != nil {
			return err
		}
	}
	b.head()
	b.finished = true
	return nil
}

func (b *batch) pack(c *codec, from *buffers) error {
	if c.compress == nil {
		return nil
	}
	packed, err := c.compress(from.take(len(b.bytes))[:headEnd], b.bytes[headEnd:])
	if err != nil {
		return err
	}
	if len(packed) < len(b.bytes) {
		b.bytes, packed, b.attributes = packed, b.bytes, c.number
	}
	from.give(packed)
	return nil
}

// head writes all that is before the records.
func (b *batch) head() {
	p, count := b.bytes, len(b.items)
	binary.BigEndian.PutUint32(p, uint32(len(p)-prefix))
	binary.BigEndian.PutUint64(p[baseAt:], 0)
	binary.BigEndian.PutUint32(p[lengthAt:], uint32(len(p)-leaderAt))
	binary.BigEndian.PutUint32(p[leaderAt:], 1<<32-1) // brokers write the leader's epoch
	p[formatAt] = 2
	binary.BigEndian.PutUint16(p[attributesAt:], uint16(b.attributes))
	binary.BigEndian.PutUint32(p[lastAt:], uint32(count-1))
	binary.BigEndian.PutUint64(p[firstTimeAt:], uint64(b.first))
	binary.BigEndian.PutUint64(p[mostTimeAt:], uint64(b.latest))
	binary.BigEndian.PutUint64(p[producerAt:], uint64(b.producer.id))
	binary.BigEndian.PutUint16(p[epochAt:], uint16(b.producer.epoch))
	binary.BigEndian.PutUint32(p[sequenceAt:], uint32(b.sequence))
	binary.BigEndian.PutUint32(p[countAt:], uint32(count))
	binary.BigEndian.PutUint32(p[sumAt:], crc32.Checksum(p[attributesAt:], castagnoli))
}

// after is the sequence number behind n records; 0 follows 2^31 - 1.
func after(sequence int32, n int) int32 { return int32((int64(sequence) + int64(n)) & (1<<31 - 1)) }
