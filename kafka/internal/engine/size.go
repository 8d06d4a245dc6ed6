package engine

import (
	"math/bits"

	"github.com/streamport-go/streamport/stream"
)

// BatchOverhead is the bytes of a record batch that holds no record (message format 2), as brokers count them against
// max.message.bytes.
const BatchOverhead = 61

// BatchSize returns the bytes of an uncompressed batch that holds only r, as brokers count them.
func BatchSize(r *stream.Record) int64 { return BatchOverhead + framed(RecordSize(r)) }

// RecordSize returns the bytes of r as the first one of a batch, without the length before it.
func RecordSize(r *stream.Record) int64 {
	n := 3 + // attributes, time delta, offset delta
		framed(int64(len(r.Key))) + framed(int64(len(r.Value))) + varint(int64(len(r.Headers)))
	for i := range r.Headers {
		n += framed(int64(len(r.Headers[i].Key))) + framed(int64(len(r.Headers[i].Value)))
	}
	return n
}

// framed is the bytes of n bytes with their length before them.
func framed(n int64) int64 { return varint(n) + n }

// varint is the bytes of a zigzag-encoded n that is not negative.
func varint(n int64) int64 { return int64(bits.Len64(uint64(n)<<1|1)+6) / 7 }
