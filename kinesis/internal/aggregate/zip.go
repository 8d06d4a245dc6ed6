package aggregate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/streamport-go/streamport/stream"
)

// The compressions of values.
const (
	Gzip = "gzip"
	Zstd = "zstd"
)

// MaxUnzipped is the most bytes that a value may have which is stored compressed: a small record that would grow without
// bound cannot exhaust its reader.
const MaxUnzipped = 64 << 20

// leastZipped is the smallest value that is worth the tags and the time.
const leastZipped = 64

// A Zip compresses values. Its methods may be called from many goroutines.
type Zip struct {
	kind  string
	gzips sync.Pool // of *gzip.Writer
	zstd  *zstd.Encoder
}

// NewZip makes a Zip for Gzip or Zstd. Every other name is an error that Is stream.ErrInvalid.
func NewZip(kind string) (*Zip, error) {
	z := &Zip{kind: kind}
	switch kind {
	case Gzip:
		z.gzips.New = func() any { return gzip.NewWriter(nil) }
	case Zstd:
		// Several goroutines may compress; each uses the caller's.
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithZeroFrames(true))
		if err != nil {
			return nil, err
		}
		z.zstd = encoder
	default:
		return nil, fmt.Errorf("%w: a compression %.40q; there are %s and %s", stream.ErrInvalid, kind, Gzip, Zstd)
	}
	return z, nil
}

// deflate returns the compressed value and the tag that says so; nil if that is no gain.
func (z *Zip) deflate(value []byte) ([]byte, Tag, error) {
	switch {
	case len(value) < leastZipped:
		return nil, Tag{}, nil
	case len(value) > MaxUnzipped:
		return nil, Tag{}, fmt.Errorf("%w: a value of %d bytes, at most %d are compressed", stream.ErrTooLarge, len(value), MaxUnzipped)
	}
	var data []byte
	if z.zstd != nil {
		data = z.zstd.EncodeAll(value, make([]byte, 0, len(value)/2))
	} else {
		var err error
		if data, err = z.gzip(value); err != nil {
			return nil, Tag{}, err
		}
	}
	t := Tag{nameZip, fmt.Appendf(nil, "%s %d", z.kind, len(value))}
	if len(data)+fieldSize(t.size()) >= len(value) {
		return nil, Tag{}, nil
	}
	return data, t, nil
}

func (z *Zip) gzip(value []byte) ([]byte, error) {
	w := z.gzips.Get().(*gzip.Writer)
	defer z.gzips.Put(w)
	out := bytes.NewBuffer(make([]byte, 0, len(value)/2))
	w.Reset(out)
	_, err := w.Write(value)
	return out.Bytes(), errors.Join(err, w.Close())
}

// unzip decompresses values. It is used by one goroutine at a time.
type unzip struct {
	gzip gzip.Reader
	zstd *zstd.Decoder
}

// inflate returns the value that the tag's value tells of, or what is wrong with it.
func (u *unzip) inflate(tag, data []byte) (value []byte, reason string, err error) {
	kind, number, _ := strings.Cut(string(tag), " ")
	size, err := strconv.ParseUint(number, 10, 31)
	if err != nil || size == 0 {
		return nil, "its compression is not told", nil
	}
	if size > MaxUnzipped {
		return nil, "its value is too large to be decompressed", stream.ErrTooLarge
	}
	switch kind {
	case Gzip:
		value, err = u.gunzip(data, int(size))
	case Zstd:
		value, err = u.unzstd(data, int(size))
	default:
		return nil, "its compression is not known", stream.ErrUnsupported
	}
	if err != nil {
		return nil, "its value does not decompress", err
	}
	return value, "", nil
}

var errSize = errors.New("the size is not what it was said to be")

func (u *unzip) gunzip(data []byte, size int) ([]byte, error) {
	if err := u.gzip.Reset(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	value := make([]byte, size)
	if _, err := io.ReadFull(&u.gzip, value); err != nil {
		return nil, err
	}
	var beyond [1]byte
	if n, err := u.gzip.Read(beyond[:]); n > 0 || err != io.EOF {
		return nil, errors.Join(errSize, err)
	}
	return value, nil
}

func (u *unzip) unzstd(data []byte, size int) ([]byte, error) {
	if u.zstd == nil {
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxUnzipped),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
		u.zstd = decoder
	}
	value, err := u.zstd.DecodeAll(data, make([]byte, 0, size))
	if err == nil && len(value) != size {
		err = errSize
	}
	return value, err
}
