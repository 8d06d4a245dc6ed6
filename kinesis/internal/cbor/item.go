package cbor

import "encoding/binary"

// Major types (RFC 8949 §3.1), in the upper three bits of an item's first byte.
const (
	unsigned byte = iota << 5
	negative
	binaries
	text
	list
	object
	tag
	simple
)

// Arguments of a first byte, in its lower five bits.
const (
	oneByte    = 24 // the argument follows, in so many bytes
	twoBytes   = 25
	fourBytes  = 26
	eightBytes = 27
	indefinite = 31 // parts follow until a stop

	null      = simple | 22
	undefined = simple | 23
	stop      = simple | 31
)

// appendHead appends the beginning of an item: what it is, and its value or length.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < oneByte:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|oneByte, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|twoBytes), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|fourBytes), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|eightBytes), n)
}

func appendText(dst []byte, s string) []byte {
	return append(appendHead(dst, text, uint64(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, binaries, uint64(len(b))), b...)
}

// appendMember appends a name and a text.
func appendMember(dst []byte, name, value string) []byte {
	return appendText(appendText(dst, name), value)
}
