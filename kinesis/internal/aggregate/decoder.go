package aggregate

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the format has an MD5 as checksum
	"fmt"
	"iter"
	"math"

	"github.com/streamport-go/streamport/stream"
)

// A Part is one record of an aggregate. Its slices are parts of the data that was parsed.
type Part struct {
	Index   int    // counted from 0
	Key     []byte // partition key
	Hash    []byte // explicit hash key in decimal; nil: there is none
	Data    []byte // never nil
	keyAt   uint32 // in the table
	hashAt  uint32
	message span // of the record
	data    []byte
}

// Tags are the tags, in order. Their values are parts of the data, their names are copied.
func (p Part) Tags() iter.Seq[Tag] {
	return func(yield func(Tag) bool) {
		for at := int(p.message.from); at < int(p.message.to); {
			f, next, _ := nextField(p.data, at, int(p.message.to)) // parsed before
			at = next
			if f.number != tagTag>>3 || f.wire != wireBytes {
				continue
			}
			name, value := tag(p.data, f.value)
			t := Tag{Name: string(p.data[name.from:name.to])}
			if value.to != 0 {
				t.Value = p.data[value.from:value.to:value.to]
			}
			if !yield(t) {
				return
			}
		}
	}
}

// An Error is a record of an aggregate that cannot be delivered as it was meant. It Is stream.ErrCorrupt.
type Error struct {
	Index  int    // in the aggregate
	Reason string // without any of the data
	Err    error  // beneath; may be nil
}

// Error says which record of the aggregate it is, and why.
func (e *Error) Error() string {
	return fmt.Sprintf("%v: record %d of an aggregate: %s", stream.ErrCorrupt, e.Index, e.Reason)
}

// Unwrap returns stream.ErrCorrupt and what is beneath.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{stream.ErrCorrupt}
	}
	return []error{stream.ErrCorrupt, e.Err}
}

// A Decoder reads aggregates, one after another. It is used by one goroutine at a time. The zero Decoder holds no
// aggregate.
//
// It holds at most 4 bytes for each byte of the aggregate, for its tables, and makes the records one at a time.
type Decoder struct {
	data         []byte
	keys, hashes []span
	records      int
	at, end      int // of what Next has not read
	index        int
}

// keepTable is how large a table a Decoder keeps for the next aggregate.
const keepTable = 1 << 12

// Parse begins reading data, and reports whether it is an aggregate. What has another beginning, a wrong checksum or
// another structure is none, as for KCL: it is a plain record. What was parsed before is forgotten; data must not change
// until then.
func (d *Decoder) Parse(data []byte) bool {
	*d = Decoder{keys: reusable(d.keys), hashes: reusable(d.hashes)}
	if !sealed(data) {
		return false
	}
	end := len(data) - md5.Size
	keys, hashes, records, ok := survey(data, len(magic), end)
	if !ok {
		return false
	}
	d.data, d.records, d.at, d.end = data, records, len(magic), end
	d.keys = collect(d.keys, data, end, tagKeyTable, keys)
	d.hashes = collect(d.hashes, data, end, tagHashTable, hashes)
	return true
}

// IsAggregate reports whether data would be read as an aggregate.
func IsAggregate(data []byte) bool {
	if !sealed(data) {
		return false
	}
	_, _, _, ok := survey(data, len(magic), len(data)-md5.Size)
	return ok
}

func reusable(s []span) []span {
	if cap(s) > keepTable {
		return nil
	}
	return s[:0]
}

// sealed reports whether data has the magic and the checksum of an aggregate that is not empty.
func sealed(data []byte) bool {
	if len(data) <= frame || len(data) > math.MaxInt32 || string(data[:len(magic)]) != magic {
		return false
	}
	end := len(data) - md5.Size
	sum := md5.Sum(data[len(magic):end]) //nolint:gosec // see above
	return bytes.Equal(sum[:], data[end:])
}

// survey checks the structure of a message and counts what it holds.
func survey(data []byte, at, end int) (keys, hashes, records int, ok bool) {
	for at < end {
		f, next, ok := nextField(data, at, end)
		if !ok {
			return 0, 0, 0, false
		}
		at = next
		if f.wire != wireBytes {
			continue // no field of ours
		}
		switch f.number<<3 | wireBytes {
		case tagKeyTable:
			keys++
		case tagHashTable:
			hashes++
		case tagRecord:
			records++
			if !wellFormed(data, f.value) {
				return 0, 0, 0, false
			}
		}
	}
	return keys, hashes, records, true
}

// wellFormed reports whether a record has what it must have.
func wellFormed(data []byte, record span) bool {
	hasKey, hasData := false, false
	for at, end := int(record.from), int(record.to); at < end; {
		f, next, ok := nextField(data, at, end)
		if !ok {
			return false
		}
		at = next
		switch f.number<<3 | f.wire {
		case tagKeyIndex:
			hasKey = true
		case tagData:
			hasData = true
		case tagTag:
			if !wellFormedTag(data, f.value) {
				return false
			}
		}
	}
	return hasKey && hasData
}

func wellFormedTag(data []byte, message span) bool {
	hasName := false
	for at, end := int(message.from), int(message.to); at < end; {
		f, next, ok := nextField(data, at, end)
		if !ok {
			return false
		}
		at = next
		hasName = hasName || f.number<<3|f.wire == tagName
	}
	return hasName
}

// collect returns the n fields with this tag.
func collect(into []span, data []byte, end int, tag uint64, n int) []span {
	if n > cap(into) {
		into = make([]span, 0, n)
	}
	for at := len(magic); at < end && len(into) < n; {
		f, next, _ := nextField(data, at, end) // surveyed before
		at = next
		if f.number<<3|f.wire == tag {
			into = append(into, f.value)
		}
	}
	return into
}

// Len is how many records there are.
func (d *Decoder) Len() int { return d.records }

// Next returns the next record; false after the last. An error is an *Error about this record alone: Next then goes on
// with the one after it.
func (d *Decoder) Next() (Part, bool, error) {
	for d.at < d.end {
		f, next, _ := nextField(d.data, d.at, d.end) // surveyed before
		d.at = next
		if f.number<<3|f.wire != tagRecord {
			continue
		}
		index := d.index
		d.index++
		p, reason := d.part(f.value)
		p.Index = index
		if reason != "" {
			return p, true, &Error{Index: index, Reason: reason}
		}
		return p, true, nil
	}
	return Part{}, false, nil
}

// Skip leaves out n records.
func (d *Decoder) Skip(n int) {
	for n > 0 && d.at < d.end {
		f, next, _ := nextField(d.data, d.at, d.end) // surveyed before
		d.at = next
		if f.number<<3|f.wire == tagRecord {
			d.index++
			n--
		}
	}
}

// part reads a record, or tells what is wrong with it.
func (d *Decoder) part(record span) (p Part, reason string) {
	var key, hash uint64
	hasHash := false
	p.message, p.data = record, d.data
	for at, end := int(record.from), int(record.to); at < end; {
		f, next, _ := nextField(d.data, at, end) // surveyed before
		at = next
		switch f.number<<3 | f.wire {
		case tagKeyIndex:
			key = f.varint
		case tagHashIndex:
			hash, hasHash = f.varint, true
		case tagData:
			p.Data = d.slice(f.value)
		}
	}
	if key >= uint64(len(d.keys)) {
		return p, "the index of its key is outside the table"
	}
	p.keyAt = uint32(key)
	p.Key = d.slice(d.keys[key])
	if !hasHash {
		return p, ""
	}
	if hash >= uint64(len(d.hashes)) {
		return p, "the index of its hash key is outside the table"
	}
	p.hashAt = uint32(hash)
	p.Hash = d.slice(d.hashes[hash])
	return p, ""
}

func (d *Decoder) slice(s span) []byte { return d.data[s.from:s.to:s.to] }

// tag finds name and value of a tag; a value that is not there is the zero span.
func tag(data []byte, message span) (name, value span) {
	for at, end := int(message.from), int(message.to); at < end; {
		f, next, _ := nextField(data, at, end) // surveyed before
		at = next
		switch f.number<<3 | f.wire {
		case tagName:
			name = f.value
		case tagValue:
			value = f.value
		}
	}
	return name, value
}
