package kafkago

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/streamport-go/streamport/stream"
)

// frames follow the answers of a connection, and end it at one that no broker sends: kafka-go makes room for as much as an
// answer says that it holds. One goroutine reads at a time.
type frames struct {
	most  int32 // bytes of an answer
	begun bool  // the first answer was looked at
	ahead []byte
	head  [sizeBytes]byte // of the answer that is being read
	seen  int             // bytes of the head
	left  int             // bytes behind the head
}

// The first bytes of a TLS alert, where the length of an answer should be.
const (
	tlsAlert = 0x15
	tlsMajor = 0x03
)

// The first answer of a connection is ApiVersions 0 always: number, error and how many versions of 6 bytes follow.
const (
	firstBytes   = 4 + 2 + 4
	versionBytes = 6
)

// read reads from r as io.Reader does.
func (f *frames) read(r io.Reader, p []byte) (int, error) {
	if !f.begun {
		if err := f.begin(r); err != nil {
			return 0, err
		}
		f.begun = true
	}
	if len(f.ahead) > 0 {
		n := copy(p, f.ahead)
		f.ahead = f.ahead[n:]
		return n, nil
	}
	n, err := r.Read(p)
	if wrong := f.follow(p[:n]); wrong != nil {
		return 0, wrong
	}
	return n, err
}

// begin looks at the first answer before anybody gets it.
func (f *frames) begin(r io.Reader) error {
	first := make([]byte, sizeBytes+firstBytes)
	if _, err := io.ReadFull(r, first[:sizeBytes]); err != nil {
		return err
	}
	size, err := f.size(first)
	if err != nil {
		return err
	}
	if size < firstBytes {
		return fmt.Errorf("%w: a broker's first answer of %d bytes", stream.ErrCorrupt, size)
	}
	if _, err := io.ReadFull(r, first[sizeBytes:]); err != nil {
		return err
	}
	n := int32(binary.BigEndian.Uint32(first[sizeBytes+firstBytes-4:]))
	if n < 0 || int64(n)*versionBytes > int64(size-firstBytes) {
		return fmt.Errorf("%w: a broker's answer of %d bytes with %d versions", stream.ErrCorrupt, size, n)
	}
	f.ahead, f.seen, f.left = first, sizeBytes, size-firstBytes
	return nil
}

// follow looks at the size of each answer that begins in b.
func (f *frames) follow(b []byte) error {
	for len(b) > 0 {
		if f.seen == sizeBytes {
			n := min(f.left, len(b))
			b, f.left = b[n:], f.left-n
			if f.left == 0 {
				f.seen = 0
			}
			continue
		}
		n := copy(f.head[f.seen:], b)
		b, f.seen = b[n:], f.seen+n
		if f.seen < sizeBytes {
			return nil
		}
		size, err := f.size(f.head[:])
		if err != nil {
			return err
		}
		f.left = size
	}
	return nil
}

// size is how long an answer is that begins so.
func (f *frames) size(head []byte) (int, error) {
	if head[0] == tlsAlert && head[1] == tlsMajor {
		return 0, fmt.Errorf("%w: the broker expects TLS", stream.ErrInvalid)
	}
	n := int32(binary.BigEndian.Uint32(head))
	if n < 4 || n > f.most {
		return 0, fmt.Errorf("%w: a broker's answer of %d bytes, at most %d are read", stream.ErrCorrupt, n, f.most)
	}
	return int(n), nil
}
