package kafkago

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// encoded is what a batch of records is sent as.
func encoded(t require.TestingT, recs []*stream.Record, limit int64, c codec) (*batch, int) {
	from := new(buffers)
	b := from.batch(headEnd)
	b.limit = limit
	n := 0
	for _, r := range recs {
		body, ms := engine.RecordSize(r), r.Time.UnixMilli()
		if !b.fits(body, ms) {
			break
		}
		before := int64(len(b.bytes))
		grown := lengthened(b.grown(body, ms))
		b.add(item{from: r}, body, ms, from)
		require.Equal(t, grown, int64(len(b.bytes))-before, "what is counted is what is written")
		n++
	}
	b.producer, b.sequence, b.numbered = producer{id: 1 << 40, epoch: 7}, 1<<31-3, true
	require.NoError(t, b.finish(&c, from))
	return b, n
}

// decoded reads a batch by franz-go's messages.
func decoded(t require.TestingT, sent []byte) (kmsg.RecordBatch, []kmsg.Record) {
	require.Equal(t, len(sent)-prefix, int(binary.BigEndian.Uint32(sent)))
	var head kmsg.RecordBatch
	require.NoError(t, head.ReadFrom(sent[prefix:]))
	require.Equal(t, len(sent)-prefix-12, int(head.Length))
	require.Equal(t, int32(crc32.Checksum(sent[attributesAt:], crc32.MakeTable(crc32.Castagnoli))), head.CRC)
	plain := head.Records
	if codec := head.Attributes & 7; codec != 0 {
		var err error
		plain, err = kgo.DefaultDecompressor().Decompress(plain, kgo.CompressionCodecType(codec))
		require.NoError(t, err)
	}
	recs := make([]kmsg.Record, head.NumRecords)
	for i := range recs {
		length, n := kbin.Varint(plain)
		require.NoError(t, recs[i].ReadFrom(plain[:n+int(length)]))
		plain = plain[n+int(length):]
	}
	require.Empty(t, plain)
	return head, recs
}

// anyBytes are nil, empty, or some.
func anyBytes(most int) *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.Just[[]byte](nil), rapid.SliceOfN(rapid.Byte(), 0, most),
		rapid.Map(rapid.IntRange(0, most), func(n int) []byte { return make([]byte, n) }))
}

func anyRecord(t *rapid.T) *stream.Record {
	r := &stream.Record{Key: anyBytes(200).Draw(t, "key"), Value: anyBytes(9000).Draw(t, "value")}
	r.Time = time.UnixMilli(rapid.OneOf(rapid.Int64Range(0, 1<<42), rapid.Int64Range(-1<<60, 1<<60)).Draw(t, "time"))
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		r.Headers = append(r.Headers, stream.Header{
			Key: rapid.StringN(0, 20, 80).Draw(t, "name"), Value: anyBytes(100).Draw(t, "header"),
		})
	}
	return r
}

// TestBatchesAreWhatTheyWereMadeOf encodes anything by any codec, and reads it by franz-go and by kafka-go.
func TestBatchesAreWhatTheyWereMadeOf(t *testing.T) {
	codecs := map[string]codec{}
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	for _, name := range names {
		var err error
		codecs[name], err = newCodec(name, 0)
		require.NoError(t, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		recs := rapid.SliceOfN(rapid.Custom(anyRecord), 1, 60).Draw(t, "records")
		limit := rapid.Int64Range(512, 100_000).Draw(t, "limit")
		b, n := encoded(t, recs, limit, codecs[rapid.SampledFrom(names).Draw(t, "codec")])
		require.True(t, n == 1 || int64(len(b.bytes))-prefix <= limit)
		head, got := decoded(t, b.bytes)
		require.Equal(t, int32(n), head.NumRecords)
		require.Equal(t, int32(n-1), head.LastOffsetDelta)
		require.Equal(t, int64(1<<40), head.ProducerID)
		require.Equal(t, int16(7), head.ProducerEpoch)
		require.Equal(t, int32(1<<31-3), head.FirstSequence)
		most := int64(math.MinInt64)
		for i, r := range got {
			want := recs[i]
			most = max(most, want.Time.UnixMilli())
			require.Equal(t, int32(i), r.OffsetDelta)
			require.Equal(t, want.Time.UnixMilli(), head.FirstTimestamp+r.TimestampDelta64)
			require.Equal(t, want.Key, r.Key)
			require.Equal(t, want.Value, r.Value)
			require.Len(t, r.Headers, len(want.Headers))
			for h := range r.Headers {
				require.Equal(t, want.Headers[h], stream.Header{Key: r.Headers[h].Key, Value: r.Headers[h].Value})
			}
		}
		require.Equal(t, most, head.MaxTimestamp)
		readByKafkaGo(t, b.bytes, recs[:n])
	})
}

// readByKafkaGo reads keys and values, and has kafka-go check the sum.
func readByKafkaGo(t require.TestingT, sent []byte, want []*stream.Record) {
	var set protocol.RecordSet
	_, err := set.ReadFrom(bytes.NewReader(sent))
	require.NoError(t, err)
	for _, w := range want {
		r, err := set.Records.ReadRecord()
		require.NoError(t, err)
		for _, one := range []struct {
			want []byte
			got  protocol.Bytes
		}{{w.Key, r.Key}, {w.Value, r.Value}} {
			if one.got == nil {
				require.Nil(t, one.want)
				continue
			}
			got, err := io.ReadAll(one.got)
			require.NoError(t, err)
			require.Equal(t, string(one.want), string(got))
		}
	}
	_, err = set.Records.ReadRecord()
	require.ErrorIs(t, err, io.EOF)
}

// FuzzBatch encodes two records and reads them back.
func FuzzBatch(f *testing.F) {
	f.Add([]byte("k"), []byte("v"), "h", []byte("x"), int64(0), int64(1))
	f.Add([]byte{}, []byte(nil), "", []byte(nil), int64(math.MaxInt64), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, key, value []byte, name string, header []byte, first, second int64) {
		recs := []*stream.Record{
			{Key: key, Value: value, Time: time.UnixMilli(first % 1e15), Headers: []stream.Header{{Key: name, Value: header}}},
			{Key: value, Value: header, Time: time.UnixMilli(second % 1e15)},
		}
		b, n := encoded(t, recs, math.MaxInt32, codec{})
		require.Equal(t, 2, n)
		head, got := decoded(t, b.bytes)
		for i, r := range got {
			require.Equal(t, recs[i].Key, r.Key)
			require.Equal(t, recs[i].Value, r.Value)
			require.Equal(t, recs[i].Time.UnixMilli(), head.FirstTimestamp+r.TimestampDelta64)
		}
		require.Equal(t, header, got[0].Headers[0].Value)
	})
}

// TestRecordsAreEncodedWithoutAllocation fills batches from buffers that are used again.
func TestRecordsAreEncodedWithoutAllocation(t *testing.T) {
	from := new(buffers)
	r := &stream.Record{Key: []byte("key"), Value: make([]byte, 100), Headers: []stream.Header{{Key: "h", Value: []byte("v")}}}
	body := engine.RecordSize(r)
	b := from.batch(1 << 20)
	b.limit = 1 << 20
	b.items = make([]item, 0, 2000)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if b.fits(body, 5) {
			b.add(item{from: r}, body, 5, from)
		}
	}))
}

// TestLevelsOfCodecs: a higher level makes batches no larger, as far as it means anything.
func TestLevelsOfCodecs(t *testing.T) {
	src := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog; "), 2000)
	for name, levels := range map[string][]int{"gzip": {1, 9}, "lz4": {1, 9}, "zstd": {1, 19}, "snappy": {0, 5}} {
		var sizes []int
		for _, level := range levels {
			c, err := newCodec(name, level)
			require.NoError(t, err)
			for range 2 { // the second time with what the first left
				packed, err := c.compress(nil, src)
				require.NoError(t, err)
				plain, err := kgo.DefaultDecompressor().Decompress(packed, kgo.CompressionCodecType(c.number))
				require.NoError(t, err)
				require.Equal(t, src, plain)
				sizes = append(sizes, len(packed))
			}
		}
		require.LessOrEqual(t, sizes[2], sizes[0], name)
	}
}
