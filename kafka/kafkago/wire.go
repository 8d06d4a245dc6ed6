package kafkago

import (
	"encoding/binary"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"

	"github.com/streamport-go/streamport/stream"
)

// A wired request is written here, since kafka-go's version of it is too old to ask what must be known. Kafka-go has one
// table of versions for the whole process, which is left alone.
type wired interface {
	protocol.Message
	version() int16 // a flexible one (KIP-482)
	encode(to []byte) []byte
	decode(body []byte) (protocol.Message, error)
}

// framed is a request with its header, version 2.
func framed(request wired, number int32, client string) []byte {
	b := make([]byte, 4, 256) // the length comes first
	b = binary.BigEndian.AppendUint16(b, uint16(request.ApiKey()))
	b = binary.BigEndian.AppendUint16(b, uint16(request.version()))
	b = binary.BigEndian.AppendUint32(b, uint32(number))
	b = binary.BigEndian.AppendUint16(b, uint16(len(client)))
	b = append(b, client...)
	b = append(b, 0) // no tags
	b = request.encode(b)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// text appends a compact string.
func text(b []byte, s string) []byte { return append(binary.AppendUvarint(b, uint64(len(s))+1), s...) }

// flag appends a boolean.
func flag(b []byte, on bool) []byte {
	if on {
		return append(b, 1)
	}
	return append(b, 0)
}

// A reading takes a flexible answer apart. After the first mistake everything is zero.
type reading struct {
	left []byte
	err  error
}

// take returns n bytes, or nil.
func (r *reading) take(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.left)) {
		r.err = fmt.Errorf("%w: an answer ends early", stream.ErrCorrupt)
	}
	if r.err != nil {
		return nil
	}
	head := r.left[:n]
	r.left = r.left[n:]
	return head
}

func (r *reading) bool() bool {
	b := r.take(1)
	return b != nil && b[0] != 0
}

func (r *reading) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reading) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reading) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.left)
	if size <= 0 {
		r.err = fmt.Errorf("%w: an answer holds a length that is none", stream.ErrCorrupt)
		return 0
	}
	r.left = r.left[size:]
	return n
}

// text is a compact string; null is empty.
func (r *reading) text() string {
	n := r.uvarint()
	if n == 0 {
		return ""
	}
	return string(r.take(n - 1))
}

// each calls element for every element of a compact array, which takes a byte at least.
func (r *reading) each(element func()) {
	n := r.uvarint()
	if n > uint64(len(r.left))+1 {
		r.err = fmt.Errorf("%w: an answer holds fewer elements than it says", stream.ErrCorrupt)
	}
	for ; n > 1 && r.err == nil; n-- {
		element()
	}
}

// numbers is a compact array of broker numbers.
func (r *reading) numbers() (all []int32) {
	r.each(func() { all = append(all, r.int32()) })
	return all
}

// tags calls known with each tagged field.
func (r *reading) tags(known func(tag uint64, field *reading)) {
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		tag := r.uvarint()
		field := &reading{left: r.take(r.uvarint())}
		if r.err == nil && known != nil {
			known(tag, field)
			r.err = field.err
		}
	}
}
