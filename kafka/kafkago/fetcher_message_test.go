package kafkago

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/stream"
)

func TestMessagesOfOldLogs(t *testing.T) {
	part := fetchPart{set: append(oldMessage(0, 4, 0), oldMessage(1, 6, 77)...)}
	b := decodeAt(t, &part, 4)
	require.NoError(t, b.err)
	got := readAll(&b)
	require.Equal(t, []int64{4, 6}, whereOf(got))
	require.Equal(t, valueOf(4), got[0].Value)
	require.Equal(t, []byte{}, got[0].Key)
	require.Nil(t, got[1].Key)
	require.True(t, got[0].Time.IsZero(), "messages of version 0 have no time")
	require.True(t, time.UnixMilli(77).Equal(got[1].Time))
	require.EqualValues(t, 7, b.next.At)
	require.EqualValues(t, -1, b.next.Epoch)
}

func TestMessagesWrapped(t *testing.T) {
	for _, codec := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4} {
		t.Run(codec.String(), func(t *testing.T) {
			// With magic 1 the wrapped messages count from 0, with holes of compaction; with magic 0 they do not.
			part := fetchPart{set: append(wrapped(0, 3, codec, oldMessage(0, 1, 0), oldMessage(0, 3, 0)),
				wrapped(1, 13, codec, oldMessage(1, 0, 5), oldMessage(1, 3, 6), oldMessage(1, 4, 7))...)}
			b := decodeAt(t, &part, 2)
			require.NoError(t, b.err)
			got := readAll(&b)
			require.Equal(t, []int64{3, 9, 12, 13}, whereOf(got))
			require.True(t, time.UnixMilli(6).Equal(got[2].Time))
			require.EqualValues(t, 14, b.next.At)
			require.Equal(t, len(got[0].Key)+len(got[0].Value)+3*len(valueOf(0)), b.bytes)
		})
	}
}

func TestMessagesThatCannotBe(t *testing.T) {
	flipped := oldMessage(1, 4, 5)
	flipped[len(flipped)-1] ^= 1
	short := oldMessage(1, 4, 5)
	binary.BigEndian.PutUint32(short[atMessageTime+12:], 3) // a value that ends before its message
	mendSums(short)
	for name, data := range map[string][]byte{
		"checksum":         flipped,
		"value too short":  short,
		"backwards":        append(oldMessage(1, 4, 5), oldMessage(1, 4, 5)...),
		"wrapped twice":    wrapped(1, 9, compress.Gzip, wrapped(1, 9, compress.Gzip, oldMessage(1, 0, 5))),
		"wraps nothing":    wrapped(1, 9, compress.Gzip),
		"wraps backwards":  wrapped(1, 9, compress.Gzip, oldMessage(1, 1, 5), oldMessage(1, 0, 5)),
		"wraps too many":   wrapped(1, 0, compress.Gzip, oldMessage(1, 0, 5), oldMessage(1, 5, 5)),
		"another's offset": wrapped(0, 9, compress.Gzip, oldMessage(0, 1, 5)),
		"a piece":          wrapped(1, 9, compress.Gzip, oldMessage(1, 0, 5)[:30]),
	} {
		t.Run(name, func(t *testing.T) {
			b := decodeAt(t, &fetchPart{set: data}, 0)
			require.ErrorIs(t, b.err, stream.ErrCorrupt)
		})
	}
}

// oldMessage is a message of magic 0, which has an empty key, or of magic 1, which has none.
func oldMessage(magic byte, offset, ms int64) []byte {
	return messageBytes(magic, 0, offset, ms, valueOf(offset))
}

// wrapped is a message that wraps others.
func wrapped(magic byte, offset int64, codec compress.Compression, inner ...[]byte) []byte {
	var all []byte
	for _, one := range inner {
		all = append(all, one...)
	}
	return messageBytes(magic, int8(codec), offset, 1, squeezed(codec, all))
}

func messageBytes(magic byte, flags int8, offset, ms int64, value []byte) []byte {
	var b []byte
	if magic == 0 {
		m := kmsg.MessageV0{Offset: offset, Attributes: flags, Key: []byte{}, Value: value}
		b = m.AppendTo(nil)
	} else {
		m := kmsg.MessageV1{Offset: offset, Magic: 1, Attributes: flags, Timestamp: ms, Value: value}
		b = m.AppendTo(nil)
	}
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-beforeLength))
	binary.BigEndian.PutUint32(b[atMessageSum:], crc32.ChecksumIEEE(b[atMagic:]))
	return b
}
