package kafkago

import (
	"sort"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// noTime is the time of a record that has none, in milliseconds.
const noTime = -1

// A stretch is the records of one batch, in the bytes that the batch had or expanded to. They are never written to again.
type stretch struct {
	data    []byte
	base    int64 // offset from which entries count
	epoch   int32
	entries []entry
}

// An entry says where a record is. Its headers follow its value.
type entry struct {
	millis         int64
	delta          int32
	key, value     int32 // bytes; -1 is nil
	keyAt, valueAt uint32
	headers        int32
}

// records are runs of one partition.
type records struct {
	runs             []stretch
	ends             []int // how many records there are up to the end of each
	topic, partition string
}

// records are those of the place; nil if there are none.
func (b *brought) records(at *place) engine.Records {
	if len(b.runs) == 0 {
		return nil
	}
	r := &records{runs: b.runs, ends: make([]int, len(b.runs)), topic: at.p.Topic, partition: at.name}
	n := 0
	for i := range r.runs {
		n += len(r.runs[i].entries)
		r.ends[i] = n
	}
	return r
}

// Len is the number of records.
func (r *records) Len() int { return r.ends[len(r.ends)-1] }

// Read converts the records from first on. Keys and values stay where they came; headers of a run share one new slice.
func (r *records) Read(first int, into []stream.Record) {
	i := sort.SearchInts(r.ends, first+1)
	for len(into) > 0 {
		one := &r.runs[i]
		skip := len(one.entries) - (r.ends[i] - first)
		n := min(len(one.entries)-skip, len(into))
		r.convert(one, one.entries[skip:skip+n], into)
		first, into, i = first+n, into[n:], i+1
	}
}

func (r *records) convert(from *stretch, entries []entry, into []stream.Record) {
	headers := headersFor(entries)
	for i := range entries {
		e, to := &entries[i], &into[i]
		*to = stream.Record{
			Stream: r.topic, Key: from.part(e.key, e.keyAt), Value: from.part(e.value, e.valueAt), Time: recordTime(e.millis),
			Partition: r.partition, Position: engine.Position(from.base+int64(e.delta), from.epoch),
		}
		if e.headers > 0 {
			to.Headers, headers = from.convertHeaders(e, headers)
		}
	}
}

// part is a key or a value. Its capacity ends with it, so that appending to it reaches nothing else.
func (r *stretch) part(n int32, at uint32) []byte {
	if n < 0 {
		return nil
	}
	end := at + uint32(n)
	return r.data[at:end:end]
}

// headersFor returns room for the headers of some records; nil if there are none.
func headersFor(entries []entry) []stream.Header {
	n := 0
	for i := range entries {
		n += int(entries[i].headers)
	}
	if n == 0 {
		return nil
	}
	return make([]stream.Header, n)
}

// convertHeaders fills the front of room. The capacity ends where the next record's headers begin.
func (r *stretch) convertHeaders(e *entry, room []stream.Header) (to, rest []stream.Header) {
	to, rest = room[:e.headers:e.headers], room[e.headers:]
	c := cursor{data: r.data, at: int(e.valueAt) + int(max(e.value, 0))}
	c.varint() // their number
	for i := range to {
		n, at := c.part()
		key := r.part(n, at)
		n, at = c.part()
		to[i] = stream.Header{Key: string(key), Value: r.part(n, at)}
	}
	return to, rest
}

// recordTime returns a record's time; zero if it has none.
func recordTime(millis int64) time.Time {
	if millis == noTime {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}
