package kafkago

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// FuzzDecode feeds whatever may stand in a log, as it is and with checksums that match.
func FuzzDecode(f *testing.F) {
	for codec := range compress.Compression(5) {
		b := full(3, 4)
		b.codec, b.headers = codec, 2
		f.Add(set(b, mark(7, 1, abort), full(8, 2).of(1)), int64(4), int64(8), false)
	}
	f.Add(append(oldMessage(0, 1, 0), oldMessage(1, 2, 5)...), int64(0), int64(0), true)
	f.Add(wrapped(1, 9, compress.Gzip, oldMessage(1, 0, 5), oldMessage(1, 1, 6)), int64(0), int64(0), false)
	x := newExpander(1 << 16)
	f.Cleanup(x.close)
	f.Fuzz(func(t *testing.T, data []byte, from, first int64, uncommitted bool) {
		from = max(from, 0)
		decodeAny(t, data, from, first, uncommitted, x)
		mended := bytes.Clone(data)
		mendSums(mended)
		decodeAny(t, mended, from, first, uncommitted, x)
	})
}

// decodeAny checks what holds of everything that is decoded.
func decodeAny(t *testing.T, data []byte, from, first int64, uncommitted bool, x *expander) {
	part := fetchPart{set: data, aborted: []aborted{{producer: 1, first: first}}}
	b := decode(&part, engine.Offset{At: from, Epoch: -1}, x, uncommitted)
	require.GreaterOrEqual(t, b.next.At, from)
	size := 0
	before := from - 1
	for _, r := range readAll(&b) {
		offset := engine.After(r.Position).At - 1
		require.Greater(t, offset, before)
		require.Less(t, offset, b.next.At)
		before = offset
		size += len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			size += len(h.Key) + len(h.Value)
		}
	}
	require.Equal(t, size, b.bytes)
	if b.err != nil {
		require.ErrorIs(t, b.err, stream.ErrCorrupt)
	}
}

// mendSums makes the checksums match as far as there are whole batches.
func mendSums(data []byte) {
	for len(data) > atMagic {
		size := int64(int32(binary.BigEndian.Uint32(data[atLength:]))) + beforeLength
		if size > int64(len(data)) || size < leastMessage {
			return
		}
		one := data[:size]
		switch {
		case one[atMagic] < 2:
			binary.BigEndian.PutUint32(one[atMessageSum:], crc32.ChecksumIEEE(one[atMagic:]))
		case size >= atRecords:
			sealed(one)
		}
		data = data[size:]
	}
}

// FuzzFetchAnswer feeds whatever a broker may answer.
func FuzzFetchAnswer(f *testing.F) {
	for _, version := range []int16{4, 5, 7, 11} {
		f.Add(answerBytes(version, set(full(0, 2))), version)
	}
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), int16(11))
	f.Fuzz(func(t *testing.T, answer []byte, version int16) {
		got, err := exchanged(answer, version)
		if err != nil {
			return
		}
		size := 0
		for _, part := range got.(*fetchAnswer).parts {
			size += len(part.set)
		}
		require.LessOrEqual(t, size, len(answer))
	})
}

func TestAnswersOfAllVersions(t *testing.T) {
	data := set(full(0, 2))
	for version := int16(4); version <= 11; version++ {
		got, err := exchanged(answerBytes(version, data), version)
		require.NoError(t, err)
		parts := got.(*fetchAnswer).parts
		require.Len(t, parts, 1)
		require.Equal(t, engine.Partition{Topic: "orders", Number: 3}, parts[0].p)
		require.Equal(t, data, parts[0].set)
		require.Equal(t, []aborted{{producer: 9, first: 1}}, parts[0].aborted)
		require.EqualValues(t, 20, parts[0].high)
		require.EqualValues(t, 10, parts[0].stable)
		oldest := int64(-1)
		if version >= 5 {
			oldest = 0
		}
		require.Equal(t, oldest, parts[0].oldest)
	}
}

func TestAnswersThatCannotBe(t *testing.T) {
	whole := answerBytes(11, set(full(0, 2)))
	grown := bytes.Clone(whole)
	binary.BigEndian.PutUint32(grown, uint32(len(grown)+96))
	behind := append(bytes.Clone(whole), 0)
	binary.BigEndian.PutUint32(behind, uint32(len(behind)-4))
	for name, test := range map[string]struct {
		answer  []byte
		version int16
		want    error
	}{
		"ends early":          {whole[:len(whole)-1], 11, io.ErrUnexpectedEOF},
		"is shorter":          {grown, 11, stream.ErrCorrupt},
		"bytes behind":        {behind, 11, stream.ErrCorrupt},
		"not Kafka's":         {[]byte("HTTP/1.1 400 Bad Request"), 11, stream.ErrTooLarge},
		"to another request":  {append([]byte{0, 0, 0, 18, 0, 0, 0, 9}, make([]byte, 14)...), 11, stream.ErrCorrupt},
		"too many topics":     {[]byte("\x00\x00\x00\x12\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff\xff\xff"), 11, stream.ErrCorrupt},
		"of an old broker":    {whole, 3, stream.ErrUnsupported},
		"nothing but a size":  {[]byte{0, 0, 1, 0}, 11, io.EOF},
		"less than it can be": {[]byte{0, 0, 0, 1, 0}, 11, stream.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := exchanged(test.answer, test.version)
			require.ErrorIs(t, err, test.want)
		})
	}
}

// exchanged lets a call read an answer.
func exchanged(answer []byte, version int16) (protocol.Message, error) {
	c := &fetchCall{most: 1 << 20, version: version}
	if version < 0 || version > 11 {
		c.version = 11
	}
	return c.RawExchange(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(answer), io.Discard})
}

// answerBytes is the answer to request 1 with one partition.
func answerBytes(version int16, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 4), 1)
	b = binary.BigEndian.AppendUint32(b, 0) // throttle
	if version >= 7 {
		b = append(b, make([]byte, 6)...) // code and session
	}
	b = binary.BigEndian.AppendUint32(b, 1)
	b = append(binary.BigEndian.AppendUint16(b, 6), "orders"...)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, 3)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint64(b, 20)
	b = binary.BigEndian.AppendUint64(b, 10)
	if version >= 5 {
		b = binary.BigEndian.AppendUint64(b, 0)
	}
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint64(b, 9)
	b = binary.BigEndian.AppendUint64(b, 1)
	if version >= 11 {
		b = binary.BigEndian.AppendUint32(b, 0xffffffff)
	}
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(data))), data...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}
