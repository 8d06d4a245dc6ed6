package aggregate

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// maxMillis is the first millisecond of the year 10000, which no record's time reaches.
const maxMillis = 253402300800000

// An Opener makes records of what is stored in Kinesis, one Kinesis record after another: the inverse of Sealer and
// Encoder. It is used by one goroutine at a time.
//
// Beside the Kinesis record it holds 4 bytes for each of its bytes, and makes the records one at a time; a compressed value
// is as large as its tag says, at most MaxUnzipped.
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

// Open begins with a Kinesis record, and forgets the one before. It must not change until then. A sequence number that is
// none is an error that Is stream.ErrCorrupt.
func (o *Opener) Open(r api.Record) error {
	p, ok := shard.Position(r.Sequence, 0)
	if !ok {
		o.plain = false
		o.decoder.Parse(nil)
		return fmt.Errorf("%w: a record of shard %s has no sequence number", stream.ErrCorrupt, o.Shard)
	}
	o.kinesis, o.position, o.index, o.checked = r, p, 0, false
	o.plain = !o.decoder.Parse(r.Data)
	return nil
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

// Next sets every field of rec to the next record; false after the last, and rec is then as it was. Foreign says that its
// key, or its explicit hash key, belongs to another shard: KCL drops the whole aggregate then. The bytes are parts of the
// Kinesis record's data as far as they can be.
//
// An error is an *Error about this record alone, whose Stream, Partition and Position are set: Next then goes on with the
// one after it.
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
	r := stream.Record{Stream: o.Stream, Partition: o.Shard, Position: o.position, Value: o.kinesis.Data, Time: o.kinesis.Arrival}
	if o.kinesis.Key != "" {
		r.Key = []byte(o.kinesis.Key)
	}
	if r.Value == nil {
		r.Value = []byte{}
	}
	return r
}

// AnyForeign reports whether the Kinesis record is an aggregate with a record that belongs to another shard. KCL drops such
// an aggregate whole. It reads all records; Next then begins with the first.
func (o *Opener) AnyForeign() bool {
	if o.plain || o.Range == shard.Whole() {
		return false
	}
	found := false
	for {
		p, more, err := o.decoder.Next()
		if !more {
			break
		}
		if err == nil && !o.contains(p) {
			found = true
			break
		}
	}
	o.decoder.at, o.decoder.index, o.index = len(magic), 0, 0
	return found
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

// An envelope is the tags of one record as they are read.
type envelope struct {
	rec   *stream.Record
	unzip *unzip
	seen  [5]bool // which single tags were there
	isNil bool
	zip   []byte // the value of sp-zip
}

// once reports whether a single tag is here for the first time, in front of the headers.
func (e *envelope) once(i int) bool {
	first := !e.seen[i] && e.rec.Headers == nil
	e.seen[i] = true
	return first
}

// read applies one of at most n tags.
func (e *envelope) read(t Tag, n int) (reason string, err error) {
	const wrong = "its tags are not what this library writes"
	ok := true
	switch {
	case !strings.HasPrefix(t.Name, reserved):
		e.header(t.Name, t.Value, n)
	case strings.HasPrefix(t.Name, nameOdd):
		ok = e.odd(t, n)
	case t.Value == nil:
		ok = false
	case t.Name == nameV:
		ok = e.once(0)
	case t.Name == nameKey:
		ok = e.once(1) && e.key(t.Value)
	case t.Name == nameTime:
		ok = e.once(2) && e.time(t.Value)
	case t.Name == nameNil:
		e.isNil = true
		ok = e.once(3) && string(t.Value) == kindValue
	case t.Name == nameZip:
		e.zip = t.Value
		ok = e.once(4)
	default:
		ok = false
	}
	if !ok {
		return wrong, nil
	}
	return "", nil
}

func (e *envelope) header(name string, value []byte, n int) {
	if e.rec.Headers == nil {
		e.rec.Headers = make([]stream.Header, 0, n)
	}
	e.rec.Headers = append(e.rec.Headers, stream.Header{Key: name, Value: value})
}

func (e *envelope) odd(t Tag, n int) bool {
	name, ok := unescape(t.Name[len(nameOdd):])
	if !ok {
		return false
	}
	var value []byte
	if t.Value != nil {
		if value, ok = untext(t.Value); !ok {
			return false
		}
	}
	e.header(name, value, n)
	return true
}

func (e *envelope) key(value []byte) (ok bool) {
	if string(value) == kindNone {
		e.rec.Key = nil
		return true
	}
	e.rec.Key, ok = untext(value)
	return ok
}

func (e *envelope) time(value []byte) bool {
	ms, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || ms < 0 || ms >= maxMillis {
		return false
	}
	e.rec.Time = time.UnixMilli(ms)
	return true
}

// finish does what needs all tags.
func (e *envelope) finish() (reason string, err error) {
	if e.isNil {
		if len(e.rec.Value) > 0 || e.zip != nil {
			return "it has a value and is said to have none", nil
		}
		e.rec.Value = nil
		return "", nil
	}
	if e.zip == nil {
		return "", nil
	}
	e.rec.Value, reason, err = e.unzip.inflate(e.zip, e.rec.Value)
	return reason, err
}

// untext is the inverse of text.
func untext(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	kind, rest := b[0], b[1:]
	switch kind {
	case kindText:
		return rest, true
	case kindBytes:
		raw, err := base64.RawStdEncoding.Strict().DecodeString(string(rest))
		return raw, err == nil
	}
	return nil, false
}

// unescape is the inverse of escape.
func unescape(name string) (string, bool) {
	if !utf8.ValidString(name) {
		return "", false
	}
	head, rest, found := strings.Cut(name, "%")
	if !found {
		return name, true
	}
	var b strings.Builder
	for found {
		b.WriteString(head)
		if len(rest) < 2 {
			return "", false
		}
		raw, err := hex.DecodeString(rest[:2])
		if err != nil {
			return "", false
		}
		b.WriteByte(raw[0])
		head, rest, found = strings.Cut(rest[2:], "%")
	}
	b.WriteString(head)
	return b.String(), true
}
