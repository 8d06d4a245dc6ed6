package kafkago

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"

	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A stored is a batch as a broker stores it, written by franz-go's package for the protocol.
type stored struct {
	base, last    int64
	epoch         int32
	producer      int64
	transactional bool
	control       bool
	kind          markerKind // of control
	aborted       bool       // its transaction was aborted
	offsets       []int64    // of the records that are left
	codec         compress.Compression
	headers       int
}

// valueOf is the value of the record at an offset.
func valueOf(offset int64) []byte { return fmt.Appendf(nil, "value %d", offset) }

func (s *stored) encode() []byte {
	var records []byte
	for _, offset := range s.offsets {
		r := kmsg.Record{OffsetDelta: int32(offset - s.base), TimestampDelta64: offset, Value: valueOf(offset)}
		if s.control {
			r.Key = binary.BigEndian.AppendUint16(make([]byte, 2), uint16(s.kind))
			r.Value = make([]byte, 6)
		}
		for i := range s.headers {
			r.Headers = append(r.Headers, kmsg.Header{Key: fmt.Sprint(i), Value: []byte("header")})
		}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself takes one byte while it is 0
		records = r.AppendTo(records)
	}
	b := kmsg.RecordBatch{
		FirstOffset: s.base, PartitionLeaderEpoch: s.epoch, Magic: 2, LastOffsetDelta: int32(s.last - s.base),
		FirstTimestamp: 1000, MaxTimestamp: 2000, ProducerID: s.producer, NumRecords: int32(len(s.offsets)),
		Records: squeezed(s.codec, records), Attributes: int16(s.codec),
	}
	if s.transactional {
		b.Attributes |= transactional
	}
	if s.control {
		b.Attributes |= controls
	}
	return sealed(b.AppendTo(nil))
}

// squeezed compresses with kafka-go's codec.
func squeezed(c compress.Compression, data []byte) []byte {
	if c == 0 {
		return data
	}
	var to bytes.Buffer
	w := c.Codec().NewWriter(&to)
	_, err := w.Write(data)
	if closed := w.Close(); err != nil || closed != nil {
		panic(fmt.Sprint(err, closed)) // memory takes everything
	}
	return to.Bytes()
}

// sealed sets the length and the checksum of a batch.
func sealed(b []byte) []byte {
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-beforeLength))
	binary.BigEndian.PutUint32(b[atSum:], crc32.Checksum(b[atFlags:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// set encodes batches one behind the other.
func set(batches ...stored) []byte {
	var all []byte
	for i := range batches {
		all = append(all, batches[i].encode()...)
	}
	return all
}

// full is a batch with all of its records.
func full(base int64, n int) stored {
	s := stored{base: base, last: base + int64(n) - 1, producer: -1}
	for i := range n {
		s.offsets = append(s.offsets, base+int64(i))
	}
	return s
}

// of makes the batch one of a transaction.
func (s stored) of(producer int64) stored {
	s.producer, s.transactional = producer, true
	return s
}

// mark is a marker that ends a producer's transaction.
func mark(offset, producer int64, k markerKind) stored {
	s := full(offset, 1).of(producer)
	s.control, s.kind = true, k
	return s
}

// A partitionLog is a log that grows by transactions, and what a broker tells of it.
type partitionLog struct {
	batches []stored
	open    map[int64]int64 // producers with a transaction, and its first offset
	ended   []endedTransaction
	end     int64
}

type endedTransaction struct {
	aborted
	marker int64
}

func (l *partitionLog) append(s stored) {
	l.batches = append(l.batches, s)
	l.end = s.last + 1
	if first, ok := l.open[s.producer]; s.transactional && !ok && !s.control {
		l.open[s.producer] = s.base
	} else if s.control && ok {
		l.finish(s.producer, first, s)
	}
}

func (l *partitionLog) finish(producer, first int64, marker stored) {
	delete(l.open, producer)
	if marker.kind != abort {
		return
	}
	l.ended = append(l.ended, endedTransaction{aborted{producer: producer, first: first}, marker.base})
	for i := range l.batches {
		if b := &l.batches[i]; b.producer == producer && b.transactional && b.base >= first {
			b.aborted = true
		}
	}
}

// stable is the last stable offset.
func (l *partitionLog) stable() int64 {
	stable := l.end
	for _, first := range l.open {
		stable = min(stable, first)
	}
	return stable
}

// serve answers a fetch with whole batches of at least one and about most bytes, and perhaps a piece of the next.
func (l *partitionLog) serve(from int64, most int, piece bool, random *rand.Rand) fetchPart {
	part := fetchPart{stable: l.stable(), high: l.end}
	first, last := int64(-1), int64(-1)
	for i := range l.batches {
		b := &l.batches[i]
		if b.last < from || b.base >= part.stable {
			continue
		}
		data := b.encode()
		if len(part.set) > 0 && len(part.set)+len(data) > most {
			if piece {
				part.set = append(part.set, data[:random.IntN(len(data))]...)
			}
			break
		}
		if first < 0 {
			first = b.base
		}
		last = b.last
		part.set = append(part.set, data...)
	}
	for _, t := range l.ended {
		if t.marker >= first && t.first <= last {
			part.aborted = append(part.aborted, t.aborted)
		}
	}
	random.Shuffle(len(part.aborted), func(i, j int) {
		part.aborted[i], part.aborted[j] = part.aborted[j], part.aborted[i]
	})
	return part
}

// seen are the records that a reader of a log sees from an offset on.
func (l *partitionLog) seen(from int64, uncommitted bool) []int64 {
	var all []int64
	for _, b := range l.batches {
		if b.control || b.aborted && !uncommitted || b.base >= l.stable() {
			continue
		}
		for _, offset := range b.offsets {
			if offset >= from {
				all = append(all, offset)
			}
		}
	}
	return all
}

// readAll converts what was brought.
func readAll(b *brought) []stream.Record {
	r := b.records(&place{p: engine.Partition{Topic: "orders"}, name: "0"})
	if r == nil {
		return nil
	}
	into := make([]stream.Record, r.Len())
	r.Read(0, into)
	return into
}

func whereOf(records []stream.Record) []int64 {
	var all []int64
	for i := range records {
		all = append(all, engine.After(records[i].Position).At-1)
	}
	return all
}
