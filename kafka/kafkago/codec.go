package kafkago

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/compress/gzip"
	"github.com/segmentio/kafka-go/compress/snappy"

	"github.com/streamport-go/streamport/stream"
)

// A codec compresses the records of batches. It may be used by many goroutines.
type codec struct {
	number   int16
	compress func(dst, src []byte) ([]byte, error) // appends; nil: records are sent as they are
}

// newCodec returns the codec of a name, with its own level if that is 0.
func newCodec(name string, level int) (codec, error) {
	switch name {
	case "none":
		return codec{}, nil
	case "gzip":
		return streaming(&gzip.Codec{Level: level}), nil
	case "snappy":
		return streaming(&snappy.Codec{}), nil
	case "lz4":
		return lz4Codec(level)
	case "zstd":
		return zstdCodec(level)
	}
	return codec{}, fmt.Errorf("%w: there is no codec %.40q", stream.ErrInvalid, name)
}

// streaming uses a codec of kafka-go, which keeps its writers for the next batch. Its snappy is framed as Java's is.
func streaming(c compress.Codec) codec {
	return codec{number: int16(c.Code()), compress: func(dst, src []byte) ([]byte, error) {
		into := &appender{dst}
		w := c.NewWriter(into)
		return into.filled(w, src)
	}}
}

// lz4Codec has the levels that kafka-go's lacks, and blocks of the size of Java's: a writer keeps room for some.
func lz4Codec(level int) (codec, error) {
	speed := lz4.Fast
	if level > 0 {
		speed = lz4.CompressionLevel(1 << (8 + level))
	}
	options := []lz4.Option{
		lz4.BlockSizeOption(lz4.Block64Kb), lz4.ConcurrencyOption(1), lz4.CompressionLevelOption(speed),
	}
	if err := lz4.NewWriter(io.Discard).Apply(options...); err != nil {
		return codec{}, fmt.Errorf("%w: lz4: %w", stream.ErrInvalid, err)
	}
	var writers sync.Pool
	return codec{number: int16(compress.Lz4), compress: func(dst, src []byte) ([]byte, error) {
		w, ok := writers.Get().(*lz4.Writer)
		if !ok {
			w = lz4.NewWriter(nil)
			if err := w.Apply(options...); err != nil {
				return nil, err
			}
		}
		into := &appender{dst}
		w.Reset(into)
		packed, err := into.filled(w, src)
		if err == nil {
			w.Reset(nil)
			writers.Put(w)
		}
		return packed, err
	}}, nil
}

// zstdCodec compresses a batch at a time, without a stream's goroutines.
func zstdCodec(level int) (codec, error) {
	speed := zstd.SpeedDefault
	if level > 0 {
		speed = zstd.EncoderLevelFromZstd(level)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithZeroFrames(true))
	if err != nil {
		return codec{}, fmt.Errorf("%w: zstd: %w", stream.ErrInvalid, err)
	}
	return codec{number: int16(compress.Zstd), compress: func(dst, src []byte) ([]byte, error) {
		return encoder.EncodeAll(src, dst), nil
	}}, nil
}

// An appender appends what is written.
type appender struct{ bytes []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.bytes = append(a.bytes, p...)
	return len(p), nil
}

// filled writes src through w, which writes here, and returns everything.
func (a *appender) filled(w io.WriteCloser, src []byte) ([]byte, error) {
	if _, err := w.Write(src); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return a.bytes, nil
}
