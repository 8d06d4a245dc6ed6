package aggregate

import (
	"fmt"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// maxMillis is the first millisecond of the year 10000, which no record's time reaches.
const maxMillis = 253402300800000

// An Opener makes records of what is stored in Kinesis, one Kinesis record after another: the inverse of Sealer and
// Encoder. It is used by one goroutine at a time.
//
// Beside the Kinesis record it holds 4 bytes for each of its bytes, and makes the records one at a time; a compressed
// value is as large as its tag says, at most MaxUnzipped.
type Opener struct {
	Stream, Shard string
	// Range is the shard's. Records whose key belongs elsewhere are told apart; shard.Whole tells none apart, for a stream
	// whose records the service distributes itself.
	Range shard.Range

	decoder  Decoder
	kinesis  api.Record
	position stream.Position
	plain    bool // the Kinesis record is a record
	index    uint32
	unzip    unzip

	checked   bool // inside is about the record with these indexes
	checkedAt [2]uint32
	inside    bool
}

// Open begins with a Kinesis record, and forgets the one before. It must not change until then. A sequence number that
// is none is an error that Is stream.ErrCorrupt.
func (o *Opener) Open(r api.Record) error {
	p, ok := shard.Position(r.Sequence, 0)
	if !ok {
		o.plain = false
		o.decoder.Parse(nil)
		return fmt.Errorf("%w: a record of shard %s has no sequence number", stream.ErrCorrupt, o.Shard)
	}
	o.OpenAt(r, p)
	return nil
}

// OpenAt is Open where the position of the Kinesis record is known.
func (o *Opener) OpenAt(r api.Record, p stream.Position) {
	o.kinesis, o.position, o.index, o.checked = r, p, 0, false
	o.plain = !o.decoder.Parse(r.Data)
}

// Aggregated reports whether the Kinesis record is an aggregate.
func (o *Opener) Aggregated() bool { return !o.plain }

// Len is how many records there are in it: 1 if it is no aggregate, else 0 or more.
func (o *Opener) Len() int {
	if o.plain {
		return 1
	}
	return o.decoder.Len()
}

// Skip leaves out n records.
func (o *Opener) Skip(n int) {
	if n <= 0 {
		return
	}
	o.index += uint32(min(n, o.Len()-int(o.index)))
	o.decoder.Skip(n)
}

// Next sets every field of rec to the next record; false after the last, and rec is then as it was. Foreign says that
// its key, or its explicit hash key, belongs to another shard: KCL drops the whole aggregate then. The bytes are parts
// of the Kinesis record's data as far as they can be.
//
// An error is an *Error about this record alone, whose Stream, Partition and Position are set: Next then goes on with
// the one after it.
func (o *Opener) Next(rec *stream.Record) (foreign, more bool, err error) {
	if o.plain {
		if o.index > 0 {
			return false, false, nil
		}
		o.index++
		*rec = o.whole()
		return false, true, nil
	}
	p, more, err := o.decoder.Next()
	if !more {
		return false, false, nil
	}
	major, _, _ := o.position.Parts()
	*rec = stream.Record{Stream: o.Stream, Partition: o.Shard, Position: stream.MakePosition(major, o.index, 0)}
	o.index++
	if err != nil {
		return false, true, err
	}
	foreign = !o.contains(p)
	rec.Key, rec.Value, rec.Time = p.Key, p.Data, o.kinesis.Arrival
	if reason, err := o.readTags(p, rec); reason != "" {
		*rec = stream.Record{Stream: o.Stream, Partition: o.Shard, Position: rec.Position}
		return foreign, true, &Error{Index: p.Index, Reason: reason, Err: err}
	}
	return foreign, true, nil
}

// whole is the Kinesis record as a record.
func (o *Opener) whole() stream.Record {
	r := stream.Record{Stream: o.Stream, Partition: o.Shard, Position: o.position,
		Value: o.kinesis.Data, Time: o.kinesis.Arrival}
	if o.kinesis.Key != "" {
		r.Key = []byte(o.kinesis.Key)
	}
	if r.Value == nil {
		r.Value = []byte{}
	}
	return r
}

// AnyForeign reports whether the Kinesis record is an aggregate with a record that belongs to another shard. KCL drops
// such an aggregate whole. It reads all records; Next then begins with the first.
func (o *Opener) AnyForeign() bool {
	if o.plain || o.Range == shard.Whole() {
		return false
	}
	o.rewind()
	defer o.rewind()
	for {
		p, more, err := o.decoder.Next()
		if !more {
			return false
		}
		if err == nil && !o.contains(p) {
			return true
		}
	}
}

func (o *Opener) rewind() {
	o.decoder.rewind()
	o.index = 0
}

// contains reports whether a record belongs to the shard. A hash key that is none belongs nowhere.
func (o *Opener) contains(p Part) bool {
	if o.Range == shard.Whole() {
		return true
	}
	at := [2]uint32{p.keyAt, p.hashAt}
	if p.Hash == nil {
		at[1] = ^uint32(0)
	}
	if o.checked && o.checkedAt == at {
		return o.inside
	}
	var h shard.Hash
	ok := true
	if p.Hash == nil {
		h = shard.HashKey(string(p.Key))
	} else {
		h, ok = shard.ParseHash(string(p.Hash))
	}
	o.checked, o.checkedAt, o.inside = true, at, ok && o.Range.Contains(h)
	return o.inside
}

// readTags applies the tags of p to rec, or tells what is wrong with them.
func (o *Opener) readTags(p Part, rec *stream.Record) (reason string, err error) {
	n := 0
	ours := false
	for t := range p.Tags() {
		if n == 0 && t.Name == nameV {
			if string(t.Value) != version {
				return "its tags have a newer version, or none", stream.ErrUnsupported
			}
			ours = true
		}
		n++
	}
	if n == 0 {
		return "", nil
	}
	e := envelope{rec: rec, unzip: &o.unzip}
	if !ours {
		rec.Headers = make([]stream.Header, 0, n)
		for t := range p.Tags() {
			rec.Headers = append(rec.Headers, stream.Header{Key: t.Name, Value: t.Value})
		}
		return "", nil
	}
	for t := range p.Tags() {
		if reason, err := e.read(t, n); reason != "" {
			return reason, err
		}
	}
	return e.finish()
}
