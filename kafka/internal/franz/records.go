package franz

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// records is a run of records of one partition as franz-go decoded them. Keys and values are used as they are: franz-go
// never reuses them.
type records struct {
	run              []*kgo.Record
	topic, partition string
}

// Len is the number of records.
func (r *records) Len() int { return len(r.run) }

// Read converts the records from first on. Headers of all of them share one new slice.
func (r *records) Read(first int, into []stream.Record) {
	run := r.run[first : first+len(into)]
	headers := headersFor(run)
	for i, from := range run {
		to := &into[i]
		*to = stream.Record{
			Stream: r.topic, Key: from.Key, Value: from.Value, Time: timeOf(from),
			Partition: r.partition, Position: engine.Position(from.Offset, from.LeaderEpoch),
		}
		if len(from.Headers) > 0 {
			to.Headers, headers = convertHeaders(from.Headers, headers)
		}
	}
}

// headersFor returns room for the headers of a run; nil if there are none.
func headersFor(run []*kgo.Record) []stream.Header {
	n := 0
	for _, r := range run {
		n += len(r.Headers)
	}
	if n == 0 {
		return nil
	}
	return make([]stream.Header, n)
}

// convertHeaders fills the front of room. The capacity ends where the next record's headers begin.
func convertHeaders(from []kgo.RecordHeader, room []stream.Header) (to, rest []stream.Header) {
	to, rest = room[:len(from):len(from)], room[len(from):]
	for i := range from {
		to[i] = stream.Header{Key: from[i].Key, Value: from[i].Value}
	}
	return to, rest
}

// A record's time travels as milliseconds, and franz-go tells it as nanoseconds, which overflow in the year 2262. No bit is
// lost by that: a million is 2^6 times an odd number, so that a multiplication by that number's inverse modulo 2^58 gives
// back every count of milliseconds of less than 58 bits.
const (
	millisBits    = 58
	inverse15625  = 76480200929599801 // 15625 × this = 1 modulo 2^58
	noTimestampMs = -1                // a record without time, of a format before 0.10
)

// timeOf returns the record's time; zero if it has none.
func timeOf(r *kgo.Record) time.Time {
	ms := int64(uint64(r.Timestamp.UnixNano())>>6*inverse15625<<(64-millisBits)) >> (64 - millisBits)
	if ms == noTimestampMs {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// sizeOf is the bytes of keys, values and headers.
func sizeOf(run []*kgo.Record) int {
	n := 0
	for _, r := range run {
		n += len(r.Key) + len(r.Value)
		for i := range r.Headers {
			n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
		}
	}
	return n
}

// withoutMarkers returns the records that are none of a transaction's markers. A run without markers, as nearly all are,
// is returned as it is; otherwise the run is compacted in place.
func withoutMarkers(run []*kgo.Record) []*kgo.Record {
	kept := 0
	for i, r := range run {
		if r.Attrs.IsControl() {
			continue
		}
		if kept != i {
			run[kept] = r
		}
		kept++
	}
	clear(run[kept:])
	return run[:kept]
}
