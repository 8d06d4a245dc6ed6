package aggregate

import (
	"crypto/md5" //nolint:gosec // the format has an MD5 as checksum
)

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
// another structure is none, as for KCL: it is a plain record. What was parsed before is forgotten; data must not
// change until then.
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

// rewind makes Next begin with the first record again.
func (d *Decoder) rewind() { d.at, d.index = min(len(magic), d.end), 0 }

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
