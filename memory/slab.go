package memory

import (
	"encoding/binary"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A slab is a block of encoded records without pointers, so that the garbage collector never looks inside. What is
// written is never changed, apart from the hole flag of a record that no reader has reached yet; readers decode without
// a lock what was written when they looked.
type slab struct {
	buf    []byte
	serial int      // how-manieth of its partition; neighbours differ by one
	last   uint64   // number of its last record
	newest int64    // latest time of its records, in Unix milliseconds
	live   int      // records that are not holes
	marks  []uint32 // where the first record at or after each markStep bytes begins
}

const (
	slabBytes  = 256 << 10
	firstBytes = 4 << 10 // the first slab of a partition is small and each next one larger, up to slabBytes
	markStep   = 4 << 10 // so many bytes are walked at most to find a record
)

// The fixed part of an encoded record; key, value and headers follow.
const (
	atNumber  = 0  // uint64
	atTime    = 8  // int64, Unix milliseconds
	atKey     = 16 // uint32, length plus one; 0: nil
	atValue   = 20 // uint32, length plus one; 0: nil
	atHeaders = 24 // uint32, length of the encoded headers; 0: none
	atFlags   = 28 // byte
	fixed     = 29
)

// flagHole marks a record of an aborted transaction: it keeps its number and is never delivered.
const flagHole = 1

func encodedBytes(r *stream.Record) int {
	n := fixed + len(r.Key) + len(r.Value)
	if len(r.Headers) > 0 {
		n += headerBytes(r.Headers)
	}
	return n
}

func headerBytes(headers []stream.Header) int {
	n := 4 + 8*len(headers)
	for i := range headers {
		n += len(headers[i].Key) + len(headers[i].Value)
	}
	return n
}

func newSlab(serial, size int) *slab { return &slab{buf: make([]byte, 0, size), serial: serial} }

func (s *slab) room() int { return cap(s.buf) - len(s.buf) }

// add encodes r at the end of s, which has room for it, and returns where it begins.
func (s *slab) add(r *stream.Record, number uint64, millis int64, size int) int {
	at := len(s.buf)
	if at >= len(s.marks)*markStep {
		s.mark(at)
	}
	s.buf = s.buf[:at+size]
	b := s.buf[at : at+size : at+size]
	binary.LittleEndian.PutUint64(b[atNumber:], number)
	binary.LittleEndian.PutUint64(b[atTime:], uint64(millis))
	key, value := uint32(0), uint32(0)
	if r.Key != nil {
		key = uint32(len(r.Key)) + 1
	}
	if r.Value != nil {
		value = uint32(len(r.Value)) + 1
	}
	binary.LittleEndian.PutUint32(b[atKey:], key)
	binary.LittleEndian.PutUint32(b[atValue:], value)
	n := fixed + copy(b[fixed:], r.Key)
	n += copy(b[n:], r.Value)
	binary.LittleEndian.PutUint32(b[atHeaders:], uint32(size-n))
	b[atFlags] = 0
	if n < size {
		encodeHeaders(b[n:], r.Headers)
	}
	s.last = number
	s.live++
	s.newest = max(s.newest, millis)
	return at
}

// mark notes that a record begins at offset at, the first one at or after one or more steps.
func (s *slab) mark(at int) {
	for at >= len(s.marks)*markStep {
		s.marks = append(s.marks, uint32(at))
	}
}

// copyFrom adds the encoded record at offset at of t, which is no hole.
func (s *slab) copyFrom(t *slab, at int) {
	to := len(s.buf)
	if to >= len(s.marks)*markStep {
		s.mark(to)
	}
	s.buf = append(s.buf, t.buf[at:t.next(at)]...)
	s.last = number(t.buf, at)
	s.live++
	s.newest = max(s.newest, millis(t.buf, at))
}

func (s *slab) next(at int) int { return at + recordBytes(s.buf, at) }

// seek returns the offset of the first record whose number is over after, or the end of s.
func (s *slab) seek(after uint64) int {
	low, high := 0, len(s.marks) // the marks before low stand at or before after
	for low < high {
		mid := (low + high) / 2
		if number(s.buf, int(s.marks[mid])) <= after {
			low = mid + 1
		} else {
			high = mid
		}
	}
	at := 0
	if low > 0 {
		at = int(s.marks[low-1])
	}
	for at < len(s.buf) && number(s.buf, at) <= after {
		at = s.next(at)
	}
	return at
}

func number(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at+atNumber:]) }

func millis(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint64(b[at+atTime:])) }

func isHole(b []byte, at int) bool { return b[at+atFlags]&flagHole != 0 }

func recordBytes(b []byte, at int) int {
	h := b[at : at+fixed : at+fixed]
	n := fixed + int(binary.LittleEndian.Uint32(h[atHeaders:]))
	if k := binary.LittleEndian.Uint32(h[atKey:]); k > 0 {
		n += int(k) - 1
	}
	if v := binary.LittleEndian.Uint32(h[atValue:]); v > 0 {
		n += int(v) - 1
	}
	return n
}

// decode sets every field of r from the record at offset at, and returns where the next one begins. Bytes are parts of
// b.
func decode(r *stream.Record, b []byte, at int, topic, partition string, position stream.Position) int {
	h := b[at : at+fixed : at+fixed]
	k, v := int(binary.LittleEndian.Uint32(h[atKey:])), int(binary.LittleEndian.Uint32(h[atValue:]))
	headers := int(binary.LittleEndian.Uint32(h[atHeaders:]))
	at += fixed
	var key, value []byte
	if k > 0 {
		key = b[at : at+k-1 : at+k-1]
		at += k - 1
	}
	if v > 0 {
		value = b[at : at+v-1 : at+v-1]
		at += v - 1
	}
	// Field by field: a whole Record would be put together elsewhere and copied.
	r.Stream, r.Key, r.Value, r.Headers = topic, key, value, nil
	r.Time = time.UnixMilli(int64(binary.LittleEndian.Uint64(h[atTime:]))).UTC()
	r.Partition, r.Position = partition, position
	if headers > 0 {
		r.Headers = decodeHeaders(b[at : at+headers : at+headers])
		at += headers
	}
	return at
}

// Encoded headers: their number, then the length of each key and each value (plus one; 0: nil), then all keys, then all
// values.
func encodeHeaders(b []byte, headers []stream.Header) {
	binary.LittleEndian.PutUint32(b, uint32(len(headers)))
	lengths, body := b[4:], b[4+8*len(headers):]
	for i := range headers {
		value := uint32(0)
		if headers[i].Value != nil {
			value = uint32(len(headers[i].Value)) + 1
		}
		binary.LittleEndian.PutUint32(lengths[8*i:], uint32(len(headers[i].Key)))
		binary.LittleEndian.PutUint32(lengths[8*i+4:], value)
		body = body[copy(body, headers[i].Key):]
	}
	for i := range headers {
		body = body[copy(body, headers[i].Value):]
	}
}

func decodeHeaders(b []byte) []stream.Header {
	n := int(binary.LittleEndian.Uint32(b))
	headers := make([]stream.Header, n)
	lengths, body := b[4:], b[4+8*n:]
	keys := 0
	for i := range headers {
		keys += int(binary.LittleEndian.Uint32(lengths[8*i:]))
	}
	names, values := string(body[:keys]), body[keys:]
	for i := range headers {
		k := int(binary.LittleEndian.Uint32(lengths[8*i:]))
		headers[i].Key, names = names[:k], names[k:]
		if v := int(binary.LittleEndian.Uint32(lengths[8*i+4:])); v > 0 {
			headers[i].Value, values = values[:v-1:v-1], values[v-1:]
		}
	}
	return headers
}
