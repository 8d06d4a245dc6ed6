package kafkago

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// An expander decompresses batches, none to more than a bound.
type expander struct {
	most int64
	once sync.Once // before what follows
	zstd *zstd.Decoder
	err  error
}

func newExpander(most int64) *expander { return &expander{most: most} }

// errBomb says that a batch expands to more than Settings.DecompressBytes.
var errBomb = errors.New("it expands to more than is allowed")

// close frees what the decoders hold.
func (x *expander) close() {
	x.once.Do(func() {})
	if x.zstd != nil {
		x.zstd.Close()
	}
}

// expand decompresses. The libraries are fed with what anybody may have written, so that a panic of theirs is told as an
// error.
func (x *expander) expand(codec int16, data []byte) (expanded []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			expanded, err = nil, fmt.Errorf("decompressing it: %v", cause)
		}
	}()
	switch c := compress.Compression(codec); c {
	case compress.Gzip, compress.Lz4:
		return x.stream(c.Codec(), data)
	case compress.Snappy:
		return x.snappy(data)
	case compress.Zstd:
		return x.unzstd(data)
	}
	return nil, fmt.Errorf("a codec %d that is not known", codec)
}

func (x *expander) stream(codec compress.Codec, data []byte) ([]byte, error) {
	r := codec.NewReader(bytes.NewReader(data))
	defer func() { _ = r.Close() }() // of a reader from memory
	var into bytes.Buffer
	into.Grow(int(min(4*int64(len(data)), x.most)) + bytes.MinRead)
	n, err := io.Copy(&into, io.LimitReader(r, x.most+1))
	switch {
	case n > x.most:
		return nil, errBomb
	case err != nil:
		return nil, err
	}
	return into.Bytes(), nil
}

func (x *expander) unzstd(data []byte) ([]byte, error) {
	x.once.Do(func() {
		x.zstd, x.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(x.most)))
	})
	if x.err != nil {
		return nil, x.err
	}
	expanded, err := x.zstd.DecodeAll(data, nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return nil, fmt.Errorf("%w: %w", errBomb, err)
	}
	return expanded, err
}

// Java frames snappy: a magic, two versions, and blocks with their lengths.
var xerial = []byte{130, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeader = 16

func (x *expander) snappy(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, xerial) || len(data) < xerialHeader {
		return x.block(nil, data)
	}
	expanded := make([]byte, 0, min(3*int64(len(data)), x.most))
	for data = data[xerialHeader:]; len(data) > 0; {
		if len(data) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := int64(binary.BigEndian.Uint32(data))
		if data = data[4:]; n > int64(len(data)) {
			return nil, io.ErrUnexpectedEOF
		}
		var err error
		if expanded, err = x.block(expanded, data[:n]); err != nil {
			return nil, err
		}
		data = data[n:]
	}
	return expanded, nil
}

// block appends what a block of snappy expands to.
func (x *expander) block(to, data []byte) ([]byte, error) {
	n, err := s2.DecodedLen(data)
	switch {
	case err != nil:
		return nil, err
	case int64(n) > x.most-int64(len(to)):
		return nil, errBomb
	}
	if free := cap(to) - len(to); free >= n {
		if _, err := s2.Decode(to[len(to):len(to)+n], data); err != nil {
			return nil, err
		}
		return to[:len(to)+n], nil
	}
	expanded, err := s2.Decode(nil, data)
	return append(to, expanded...), err
}
