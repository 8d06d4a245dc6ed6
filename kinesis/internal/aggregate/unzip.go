package aggregate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/streamport-go/streamport/stream"
)

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
