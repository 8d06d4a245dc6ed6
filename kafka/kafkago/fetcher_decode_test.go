package kafkago

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestRecordsBeforeDamageAreTold(t *testing.T) {
	data := set(full(0, 2), full(2, 3))
	data[len(data)-1] ^= 1
	b := decodeAt(t, &fetchPart{set: data}, 1)
	require.ErrorIs(t, b.err, stream.ErrCorrupt)
	require.Equal(t, []int64{1}, whereOf(readAll(&b)))
	require.EqualValues(t, 2, b.next.At)
}

func TestBatchesThatCannotBe(t *testing.T) {
	change := func(at int, to ...byte) []byte {
		data := set(full(4, 2))
		copy(data[at:], to)
		if at > atSum {
			sealed(data)
		}
		return data
	}
	longer := sealed(append(set(full(4, 2)), 0))
	for name, data := range map[string][]byte{
		"another format":         change(atMagic, 3),
		"shorter than a header":  change(atLength, 0, 0, 0, 48),
		"a negative length":      change(atLength, 0xff),
		"a negative offset":      change(0, 0xff),
		"a negative last offset": change(atLast, 0xff),
		"a negative count":       change(atCount, 0xff),
		"more than fits":         change(atCount, 0x7f),
		"a record too many":      change(atCount, 0, 0, 0, 3),
		"bytes behind":           longer,
		"a codec not known":      change(atFlags+1, 5),
		"no gzip":                change(atFlags+1, byte(compress.Gzip)),
		"no snappy":              change(atFlags+1, byte(compress.Snappy)),
		"no lz4":                 change(atFlags+1, byte(compress.Lz4)),
		"no zstd":                change(atFlags+1, byte(compress.Zstd)),
		"record behind its end":  change(atLast, 0, 0, 0, 0),
		"record too long":        change(atRecords, 0x7e),
		"backwards":              set(full(4, 2), full(5, 2)),
	} {
		t.Run(name, func(t *testing.T) {
			b := decodeAt(t, &fetchPart{set: data}, 0)
			require.ErrorIs(t, b.err, stream.ErrCorrupt)
			require.LessOrEqual(t, b.next.At, int64(6))
		})
	}
}

// A batch that is not whole says nothing: the broker cut its answer there.
func TestAPieceOfABatchIsNoDamage(t *testing.T) {
	first := set(full(0, 2))
	whole := append(bytes.Clone(first), set(full(2, 2))...)
	for n := range whole {
		b := decodeAt(t, &fetchPart{set: whole[:n]}, 0)
		require.NoError(t, b.err)
		want := int64(0)
		if n >= len(first) {
			want = 2
		}
		require.Equal(t, want, b.next.At)
	}
}

func TestBatchesExpandWithinABound(t *testing.T) {
	for _, codec := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			bomb := full(0, 1)
			bomb.codec = codec
			data := sealed(append(bomb.encode()[:atRecords], squeezed(codec, make([]byte, 8<<20))...))
			x := newExpander(1 << 20)
			defer x.close()
			b := decode(&fetchPart{set: data}, engine.Offset{Epoch: -1}, x, false)
			require.ErrorIs(t, b.err, stream.ErrCorrupt)
			require.ErrorIs(t, b.err, errBomb)
			fits, err := newExpander(8<<20).expand(int16(codec), data[atRecords:])
			require.NoError(t, err)
			require.Len(t, fits, 8<<20)
		})
	}
}

// What a fetch brings of a partition expands to little more than one batch may.
func TestManyBatchesExpandWithinABound(t *testing.T) {
	var data []byte
	for n := range int64(8) {
		b := full(100*n, 100)
		b.codec = compress.Gzip
		data = append(data, b.encode()...)
	}
	x := newExpander(2000)
	defer x.close()
	next := engine.Offset{Epoch: -1}
	for turn := 0; next.At < 800; turn++ {
		require.Less(t, turn, 8)
		b := decode(&fetchPart{set: data}, next, x, false)
		require.NoError(t, b.err)
		require.LessOrEqual(t, b.next.At-next.At, int64(200))
		require.Greater(t, b.next.At, next.At)
		next = b.next
	}
}

func TestALogWithAnOlderEpochIsAnother(t *testing.T) {
	old := full(0, 4)
	old.epoch = 3
	part := fetchPart{set: set(old)}
	x := newExpander(1 << 20)
	defer x.close()
	from := engine.Offset{At: 2, Epoch: 4}
	b := decode(&part, from, x, false)
	var truncated *engine.Truncated
	require.ErrorAs(t, b.err, &truncated)
	require.Equal(t, from, truncated.Asked)
	require.EqualValues(t, -1, truncated.End.At)
	require.Empty(t, readAll(&b))
}

func TestTheBrokersTimeIsTheRecords(t *testing.T) {
	data := set(full(1, 2))
	data[atFlags+1] |= appendTime
	b := decodeAt(t, &fetchPart{set: sealed(data)}, 0)
	for _, r := range readAll(&b) {
		require.True(t, time.UnixMilli(2000).Equal(r.Time))
	}
}

func TestRecordsAreReadInAnyPieces(t *testing.T) {
	var batches []stored
	end := int64(0)
	for n := range 7 {
		b := full(end, n+1)
		b.headers, b.codec, b.epoch = n%3, compress.Compression(n%5), int32(n)
		batches = append(batches, b)
		end = b.last + 1
	}
	b := decodeAt(t, &fetchPart{set: set(batches...)}, 2)
	require.NoError(t, b.err)
	r := b.records(&place{p: engine.Partition{Topic: "orders", Number: 3}, name: "3"})
	require.Equal(t, int(end)-2, r.Len())
	for first := range r.Len() {
		for n := range r.Len() - first + 1 {
			into := make([]stream.Record, n)
			r.Read(first, into)
			for i := range into {
				offset := int64(first + i + 2)
				require.Equal(t, valueOf(offset), into[i].Value)
				require.Equal(t, cap(into[i].Value), len(into[i].Value), "appending must not reach what follows")
				require.Equal(t, offset, engine.After(into[i].Position).At-1)
				require.Equal(t, "orders", into[i].Stream)
				require.Equal(t, "3", into[i].Partition)
				require.True(t, time.UnixMilli(1000+offset).Equal(into[i].Time))
				for k, h := range into[i].Headers {
					require.Equal(t, fmt.Sprint(k), h.Key)
					require.Equal(t, "header", string(h.Value))
				}
			}
		}
	}
}

func TestReadAllocatesNothingWithoutHeaders(t *testing.T) {
	b := decodeAt(t, &fetchPart{set: set(full(0, 100), full(100, 100))}, 0)
	r := b.records(&place{p: engine.Partition{Topic: "orders"}, name: "0"})
	into := make([]stream.Record, 200)
	require.Zero(t, testing.AllocsPerRun(100, func() { r.Read(0, into) }))
}

// toldBlocks is a Receiver that keeps what it is told.
type toldBlocks struct {
	blocks []engine.Block
	errs   []error
}

func (t *toldBlocks) Fetched(_ engine.Partition, b engine.Block) { t.blocks = append(t.blocks, b) }
func (t *toldBlocks) Broken(_ engine.Partition, err error)       { t.errs = append(t.errs, err) }

func TestABatchWithoutEndIsDamage(t *testing.T) {
	told := &toldBlocks{}
	f := &fetcher{receiver: told}
	at := &place{p: engine.Partition{Topic: "orders"}, name: "0", topic: &subject{}}
	cut := set(full(0, 2))
	for range mostStuck {
		require.Empty(t, told.errs)
		b := decodeAt(t, &fetchPart{set: cut[:len(cut)-1]}, 0)
		f.fetched(at, &b, time.Now())
	}
	require.Len(t, told.errs, 1)
	require.ErrorIs(t, told.errs[0], stream.ErrCorrupt)
	require.Empty(t, told.blocks)
}

func TestErrorsOfAPartition(t *testing.T) {
	for code, want := range map[engine.Code]error{
		engine.OffsetOutOfRange: stream.ErrExpired, engine.TopicDenied: stream.ErrUnauthorized, 2: stream.ErrCorrupt,
		109: stream.ErrExpired,
	} {
		told := &toldBlocks{}
		f := &fetcher{receiver: told}
		f.fetched(&place{topic: &subject{}}, &brought{code: code}, time.Now())
		require.Len(t, told.errs, 1, code)
		require.ErrorIs(t, told.errs[0], want)
		got, _ := engine.CodeOf(told.errs[0])
		require.Equal(t, code, got)
	}
	for _, code := range []engine.Code{engine.UnknownTopic, engine.NoLeader, engine.NotLeader, 9, 56, 74, 75, 78} {
		told, at := &toldBlocks{}, &place{topic: &subject{}}
		f := &fetcher{receiver: told}
		now := time.Now()
		f.fetched(at, &brought{code: code}, now)
		require.Empty(t, told.errs, code)
		require.True(t, at.later.After(now))
		f.fetched(at, &brought{code: code}, now.Add(outage))
		require.Len(t, told.errs, 1, "%v for ever", code)
	}
}

func TestABrokerThatThrottlesOrDoesNotWaitIsLeftAlone(t *testing.T) {
	now := time.Now()
	land := func(a haul) time.Duration {
		a.trip = &trip{to: 1, begun: now, wait: time.Second, cancel: func() {}}
		f := &fetcher{leaders: map[int32]*leader{1: {main: a.trip, scout: &trip{}}}}
		f.landed(a, now)
		return f.leaders[1].quiet.Sub(now)
	}
	require.Equal(t, 3*time.Second, land(haul{throttle: 3 * time.Second}))
	require.Equal(t, restless, land(haul{}), "it would be asked without end")
	one := []wanted{{place: &place{}, at: engine.Offset{At: 5}}}
	require.Zero(t, land(haul{asked: one, brought: []brought{{next: engine.Offset{At: 6}}}}))
	require.Zero(t, land(haul{asked: one, brought: []brought{{code: engine.NotLeader}}}))
}

// These are why answers are not left to kafka-go's decoder. Once it can be trusted with them, less needs to stand here.
func TestWhatTheLibrarysDecoderMakesOfDamage(t *testing.T) {
	read := func(data []byte) (protocol.RecordSet, error) {
		var into protocol.RecordSet
		_, err := into.ReadFrom(bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)))
		return into, err
	}
	count := set(full(0, 2))
	count[atCount] = 0xff
	require.Panics(t, func() { _, _ = read(sealed(count)) }, "a count below 0 ends the process")
	flipped := set(full(0, 2), full(2, 2))
	flipped[len(flipped)-1] ^= 1
	got, err := read(flipped)
	require.NoError(t, err, "damage behind a batch is not told")
	require.Len(t, got.Records.(*protocol.RecordStream).Records, 1)
}
