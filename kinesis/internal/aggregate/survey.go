package aggregate

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the format has an MD5 as checksum
	"math"
)

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
