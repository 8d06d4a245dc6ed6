package aggregate

import (
	"crypto/md5" //nolint:gosec // the format has an MD5 as checksum
	"encoding/binary"
	"math"
)

// magic begins every aggregate.
const magic = "\xf3\x89\x9a\xc2"

// Tags of the format's fields: the field's number and its wire type.
const (
	tagKeyTable  = 1<<3 | wireBytes
	tagHashTable = 2<<3 | wireBytes
	tagRecord    = 3<<3 | wireBytes

	tagKeyIndex  = 1<<3 | wireVarint
	tagHashIndex = 2<<3 | wireVarint
	tagData      = 3<<3 | wireBytes
	tagTag       = 4<<3 | wireBytes

	tagName  = 1<<3 | wireBytes
	tagValue = 2<<3 | wireBytes
)

// frame is what an aggregate adds to its message: magic and checksum.
const frame = len(magic) + md5.Size

// A Tag is a name with a value that rides with a record in an aggregate. KPL and KCL call both strings: they must be
// UTF-8, or Java changes them.
type Tag struct {
	Name  string
	Value []byte // nil: the tag has none
}

func (t Tag) size() int {
	n := fieldSize(len(t.Name))
	if t.Value != nil {
		n += fieldSize(len(t.Value))
	}
	return n
}

// An Encoder packs records into aggregates, one after another. The zero Encoder packs without bounds. It is used by one
// goroutine at a time, and allocates nothing once its buffers have grown.
//
// De-aggregators in Python and JavaScript take a record without explicit hash key for one with the first of the table:
// give one to all records of an aggregate, or to none.
type Encoder struct {
	MaxBytes   int // of an aggregate; 0: any
	MaxRecords int // in an aggregate; 0: any

	keys, hashes table
	records      []byte
	count        int
}

// Reset forgets the records.
func (e *Encoder) Reset() {
	e.keys.reset()
	e.hashes.reset()
	e.records = e.records[:0]
	e.count = 0
}

// Add appends a record, and reports whether it fits: if not, nothing has changed. Hash is the explicit hash key in
// decimal, or "". The strings are kept until Reset, data and tags are copied.
func (e *Encoder) Add(key, hash string, data []byte, tags []Tag) bool {
	if e.MaxRecords > 0 && e.count >= e.MaxRecords {
		return false
	}
	keyIndex, grown := e.keys.find(key)
	size := 1 + uvarintSize(keyIndex) + fieldSize(len(data))
	var hashIndex uint64
	if hash != "" {
		var more int
		hashIndex, more = e.hashes.find(hash)
		size += 1 + uvarintSize(hashIndex)
		grown += more
	}
	for _, t := range tags {
		size += fieldSize(t.size())
	}
	if e.MaxBytes > 0 && e.size()+grown+fieldSize(size) > e.MaxBytes {
		return false
	}
	e.keys.add(tagKeyTable, key, keyIndex)
	b := binary.AppendUvarint(append(e.records, tagRecord), uint64(size))
	b = binary.AppendUvarint(append(b, tagKeyIndex), keyIndex)
	if hash != "" {
		e.hashes.add(tagHashTable, hash, hashIndex)
		b = binary.AppendUvarint(append(b, tagHashIndex), hashIndex)
	}
	b = appendField(b, tagData, data)
	e.records = appendTags(b, tags)
	e.count++
	return true
}

func appendTags(b []byte, tags []Tag) []byte {
	for _, t := range tags {
		b = binary.AppendUvarint(append(b, tagTag), uint64(t.size()))
		b = appendField(b, tagName, t.Name)
		if t.Value != nil {
			b = appendField(b, tagValue, t.Value)
		}
	}
	return b
}

// Len is how many records there are.
func (e *Encoder) Len() int { return e.count }

// Size is the bytes of the aggregate as it is now; 0 without records.
func (e *Encoder) Size() int {
	if e.count == 0 {
		return 0
	}
	return e.size()
}

func (e *Encoder) size() int {
	return frame + len(e.keys.fields) + len(e.hashes.fields) + len(e.records)
}

// AppendTo appends the aggregate to b; nothing without records.
func (e *Encoder) AppendTo(b []byte) []byte {
	if e.count == 0 {
		return b
	}
	b = append(b, magic...)
	message := len(b)
	b = append(b, e.keys.fields...)
	b = append(b, e.hashes.fields...)
	b = append(b, e.records...)
	sum := md5.Sum(b[message:]) //nolint:gosec // see above
	return append(b, sum[:]...)
}

// A table numbers strings in the order in which they first occur.
type table struct {
	fields []byte // as they are written
	index  map[string]uint64
	last   string // the string that was added last, and its number
	lastAt uint64
}

func (t *table) reset() {
	t.fields = t.fields[:0]
	clear(t.index)
	t.last = ""
}

// find returns the number of s, and by how much the table grows if it is new.
func (t *table) find(s string) (number uint64, grown int) {
	if len(t.fields) > 0 && s == t.last {
		return t.lastAt, 0
	}
	if number, known := t.index[s]; known {
		return number, 0
	}
	return uint64(len(t.index)), fieldSize(len(s))
}

// add enters s, which find has given this number.
func (t *table) add(tag byte, s string, number uint64) {
	if number == uint64(len(t.index)) {
		if t.index == nil {
			t.index = make(map[string]uint64)
		}
		t.index[s] = number
		t.fields = appendField(t.fields, tag, s)
	}
	t.last, t.lastAt = s, number
}

// OneSize is the size of an aggregate that holds one record without explicit hash key, saturated at the largest int32.
func OneSize(key string, data []byte, tags []Tag) int {
	n := 2 + fieldSize(len(data)) // the index of the key is 0
	for _, t := range tags {
		n += fieldSize(t.size())
	}
	return min(frame+fieldSize(len(key))+fieldSize(n), math.MaxInt32)
}
