package aggregate

import (
	"encoding/binary"
	"math/bits"
)

// Wire types of protobuf.
const (
	wireVarint = 0
	wireEight  = 1
	wireBytes  = 2
	wireOpen   = 3 // begins a group
	wireClose  = 4
	wireFour   = 5
)

// maxDepth bounds groups within groups, which only a hostile writer nests.
const maxDepth = 64

// A span is a part of the data.
type span struct{ from, to uint32 }

// A field is one field of a message: its number and wire type, and its value.
type field struct {
	number uint64
	wire   uint64
	varint uint64 // wireVarint
	value  span   // wireBytes
}

// nextField reads the field at b[at:end] and returns where the next one begins. False: b holds no protobuf there. A
// field whose wire type has no meaning here is skipped with its value.
func nextField(b []byte, at, end int) (f field, next int, ok bool) {
	key, at, ok := uvarint(b, at, end)
	if !ok {
		return f, 0, false
	}
	f.number, f.wire = uint64(uint32(key))>>3, key&7
	if f.number == 0 {
		return f, 0, false
	}
	switch f.wire {
	case wireVarint:
		f.varint, at, ok = uvarint(b, at, end)
		return f, at, ok
	case wireBytes:
		n, from, ok := uvarint(b, at, end)
		if !ok || n > uint64(end-from) {
			return f, 0, false
		}
		f.value = span{uint32(from), uint32(from + int(n))}
		return f, from + int(n), true
	case wireOpen:
		at, ok = skipGroup(b, at, end, f.number)
		return f, at, ok
	case wireEight:
		return f, at + 8, end-at >= 8
	case wireFour:
		return f, at + 4, end-at >= 4
	}
	return f, 0, false
}

// skipGroup returns where the group that began with number ends.
func skipGroup(b []byte, at, end int, number uint64) (next int, ok bool) {
	open := [maxDepth]uint64{number}
	for depth := 1; depth > 0; {
		key, after, ok := uvarint(b, at, end)
		if !ok {
			return 0, false
		}
		switch wire, number := key&7, uint64(uint32(key))>>3; wire {
		case wireOpen:
			if depth == maxDepth || number == 0 {
				return 0, false
			}
			open[depth] = number
			depth++
			at = after
		case wireClose:
			depth--
			if open[depth] != number {
				return 0, false
			}
			at = after
		default:
			if _, at, ok = nextField(b, at, end); !ok {
				return 0, false
			}
		}
	}
	return at, true
}

// uvarint reads a number of at most 64 bits in at most ten bytes.
func uvarint(b []byte, at, end int) (n uint64, next int, ok bool) {
	if at < end && b[at] < 0x80 {
		return uint64(b[at]), at + 1, true
	}
	n, size := binary.Uvarint(b[at:end])
	return n, at + size, size > 0
}

// uvarintSize is the bytes that n takes.
func uvarintSize(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// fieldSize is the bytes of a field of n bytes with its tag and length. Every field number here is below 16.
func fieldSize(n int) int { return 1 + uvarintSize(uint64(n)) + n }

func appendField[T string | []byte](b []byte, tag byte, value T) []byte {
	b = binary.AppendUvarint(append(b, tag), uint64(len(value)))
	return append(b, value...)
}
