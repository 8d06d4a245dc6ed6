package aggregate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/streamport-go/streamport/stream"
)

// The compressions of values.
const (
	Gzip = "gzip"
	Zstd = "zstd"
)

// MaxUnzipped is the most bytes that a value may have which is stored compressed: a small record that would grow
// without bound cannot exhaust its reader.
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
		return nil, Tag{}, fmt.Errorf("%w: a value of %d bytes, at most %d are compressed",
			stream.ErrTooLarge, len(value), MaxUnzipped)
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
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}
