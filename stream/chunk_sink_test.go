package stream_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

func TestChunkSinkKeepsRecordsExactly(t *testing.T) {
	headers := []stream.Header{{Key: "a", Value: []byte{1}}, {Key: "b"}, {Key: "a", Value: []byte{}}}
	then := time.UnixMilli(1_234_567)
	cases := map[string]stream.Record{
		"nil":         {Key: []byte("k")},
		"empty":       {Key: []byte("k"), Value: []byte{}},
		"small":       {Key: []byte("k"), Value: value('s', 10), Headers: headers, Time: then},
		"large":       {Key: []byte("k"), Value: value('l', 100_000), Headers: headers, Time: then},
		"no key":      {Value: value('n', 5000), Headers: headers},
		"empty key":   {Key: []byte{}, Value: value('e', 5000)},
		"binary key":  {Key: []byte{0, 255, '/'}, Value: value('b', 5000)},
		"largest":     {Key: []byte("k"), Value: value('m', 16<<20-1)},
		"big headers": {Key: []byte("k"), Value: value('h', 3000), Headers: []stream.Header{{Key: "h", Value: value('h', 600)}}},
	}
	for size := innerLimit - 700; size < innerLimit+700; size += 53 {
		cases[fmt.Sprintf("%d bytes", size)] = stream.Record{Key: []byte("k"), Value: value('v', size)}
	}
	for name, r := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newChunkLog(1)
				if name == "largest" {
					l.caps.MaxRecordBytes.Value = 1 << 20
				}
				r := r
				r.Stream = "quakes"
				sent := r
				ack, err := send(t, l.sink(t, stream.Chunking{}), &r)
				require.NoError(t, err)
				require.Equal(t, sent, r, "a producer's record is not written to")
				for _, c := range l.stored(0) {
					require.LessOrEqual(t, size(c), int(l.caps.MaxRecordBytes.Value))
					require.Equal(t, l.stored(0)[0].Time, c.Time, "one time for all")
				}
				got := l.read(t, stream.Chunking{}, stream.SourceConfig{}).fetch(t)
				require.Len(t, got, 1)
				require.Equal(t, ack.Position, got[0].Position)
				require.Equal(t, ack.Partition, got[0].Partition)
				if sent.Time.IsZero() {
					got[0].Time = time.Time{}
				}
				got[0].Position, got[0].Partition = stream.Position{}, ""
				require.Equal(t, sent, got[0])
			})
		})
	}
}

// size is what a record has, as a service would count it.
func size(r stream.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

func TestChunkSinkPassesRecordsThatFitUntouched(t *testing.T) {
	l := newChunkLog(1)
	s := l.sink(t, stream.Chunking{})
	r := small("x", "x")
	var seen []*stream.Record
	l.fail = func(r *stream.Record) (bool, error) {
		seen = append(seen, r)
		return true, nil
	}
	_, err := send(t, s, &r)
	require.NoError(t, err)
	require.Len(t, seen, 1)
	require.Same(t, &r, seen[0])
}

func TestChunkSinkHonoursChunkBytes(t *testing.T) {
	l := newChunkLog(1)
	s := l.sink(t, stream.Chunking{ChunkBytes: 100})
	_, err := send(t, s, &stream.Record{Stream: "quakes", Key: []byte("k"), Value: value('v', 100)})
	require.NoError(t, err)
	require.Len(t, l.stored(0), 1)
	_, err = send(t, s, &stream.Record{Stream: "quakes", Key: []byte("k"), Value: value('v', 101)})
	require.NoError(t, err)
	require.Len(t, l.stored(0), 3)
}

func TestChunkSinkRefusesBeforeAnythingIsSent(t *testing.T) {
	l := newChunkLog(1)
	s := l.sink(t, stream.Chunking{MaxRecordBytes: 10_000})
	long := strings.Repeat("k", 900)
	cases := []struct {
		name     string
		rec      stream.Record
		sentinel error
	}{
		{"TooLarge", stream.Record{Key: []byte("k"), Value: value('v', 10_000)}, stream.ErrTooLarge},
		{"NoRoomBesideKey", stream.Record{Key: []byte(long), Value: value('v', 5000)}, stream.ErrTooLarge},
		{"ReservedHeader", stream.Record{Headers: []stream.Header{{Key: "streamport.chunk.x"}}}, stream.ErrInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := len(l.stored(0))
			c.rec.Stream = "quakes"
			fits := small("a", "a")
			var errs []error
			s.Append(t.Context(), []*stream.Record{&fits, &c.rec, &fits}, func(_ stream.Ack, err error) { errs = append(errs, err) })
			require.Len(t, errs, 3)
			require.NoError(t, errs[0])
			require.ErrorIs(t, errs[1], c.sentinel)
			require.NoError(t, errs[2], "others of the same call go on")
			require.Len(t, l.stored(0), before+2)
		})
	}
	_, err := send(t, s, &stream.Record{Stream: "quakes", Key: []byte("k"), Value: value('v', 9_999)})
	require.NoError(t, err, "the limit itself is accepted")
}

func TestChunkSinkRecordFailsOnceIfAChunkFails(t *testing.T) {
	unknown, refused := stream.ErrUnknownOutcome, stream.ErrThrottled
	cases := []struct {
		name   string
		errs   [4]error
		want   error
		stored bool
	}{
		{"First", [4]error{refused, refused, refused, refused}, refused, false},
		{"Last", [4]error{nil, nil, nil, refused}, refused, false},
		{"Unknown", [4]error{nil, nil, unknown, nil}, unknown, true},
		{"UnknownThenRefused", [4]error{nil, unknown, refused, nil}, refused, false},
		{"RefusedThenUnknown", [4]error{nil, refused, unknown, nil}, refused, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newChunkLog(1)
				nth := 0
				l.fail = func(*stream.Record) (bool, error) {
					err := c.errs[nth]
					nth++
					return !errors.Is(err, refused), err
				}
				ack, err := send(t, l.sink(t, stream.Chunking{}), large("a", 'A', 4))
				require.ErrorIs(t, err, c.want)
				require.Equal(t, c.want == unknown, errors.Is(err, unknown), "unknown only if it may be stored")
				require.True(t, ack.Position.IsZero())
				r := l.read(t, stream.Chunking{}, stream.SourceConfig{})
				require.Equal(t, c.stored, len(r.fetch(t)) == 1)
			})
		})
	}
}

func TestChunkSinkFailsRecordThatStandsInTwoPartitions(t *testing.T) {
	l := newChunkLog(2)
	nth := 0
	l.place = func(*stream.Record) int {
		nth++
		return nth / 3
	}
	_, err := send(t, l.sink(t, stream.Chunking{}), large("a", 'A', 4))
	require.ErrorContains(t, err, "partitions changed")
	require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
}

func TestChunkSinkNextRecordOfKeyWaitsForLargeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newChunkLog(1)
		l.slow = true
		s := l.sink(t, stream.Chunking{})
		var mu sync.Mutex
		var order []string
		done := func(name string) func(stream.Ack, error) {
			return func(_ stream.Ack, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					name += ": " + err.Error()
				}
				order = append(order, name)
			}
		}
		before, same, other := small("a", "before"), small("a", "same"), small("b", "other")
		s.Append(t.Context(), []*stream.Record{&before}, done("before"))
		s.Append(t.Context(), []*stream.Record{large("a", 'A', 2)}, done("large"))
		s.Append(t.Context(), []*stream.Record{&other}, done("other"))
		require.Len(t, l.stored(0), 4, "other keys do not wait")

		ended, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.Append(ended, []*stream.Record{&same}, done("impatient"))
		s.Append(ended, []*stream.Record{large("a", 'B', 2)}, done("impatient too"))
		require.Len(t, l.stored(0), 4, "not stored")

		var wg sync.WaitGroup
		wg.Go(func() { s.Append(t.Context(), []*stream.Record{&same, large("a", 'C', 2)}, done("same")) })
		synctest.Wait()
		require.Len(t, l.stored(0), 4, "the key waits")
		for range 3 {
			l.answer()
			synctest.Wait()
		}
		wg.Wait()
		require.Len(t, l.stored(0), 7)
		const late = "send quakes: context deadline exceeded"
		require.Equal(t, []string{"impatient: " + late, "impatient too: " + late, "before", "large", "other", "same", "same"}, order)
	})
}

func TestChunkSinkTellsDuplicates(t *testing.T) {
	l := newChunkLog(1)
	var ack stream.Ack
	s, err := stream.Chunked(duplicating{l}, stream.Chunking{}).OpenSink(t.Context(), stream.SinkConfig{})
	require.NoError(t, err)
	s.Append(t.Context(), []*stream.Record{large("a", 'A', 3)}, func(a stream.Ack, _ error) { ack = a })
	require.True(t, ack.Duplicate)
}

// duplicating answers every second record with Duplicate.
type duplicating struct{ *chunkLog }

func (d duplicating) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	s, err := d.chunkLog.OpenSink(ctx, c)
	return duplicatingSink{s}, err
}

type duplicatingSink struct{ stream.Sink }

func (s duplicatingSink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	nth := 0
	s.Sink.Append(ctx, recs, func(a stream.Ack, err error) {
		nth++
		a.Duplicate = nth == 2
		done(a, err)
	})
}

// TestChunkedKeepsKeyOrderUnderLoad lets producers write small and large records of their own keys, and of none, to
// the same partitions, with chunks that fail now and then, and checks each key's sequence.
func TestChunkedKeepsKeyOrderUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const producers, records = 4, 60
		l := newChunkLog(1)
		l.fail = func(r *stream.Record) (bool, error) {
			if crc32.ChecksumIEEE(r.Value)%11 == 0 {
				return false, stream.ErrThrottled
			}
			return true, nil
		}
		acked := make([][]int, producers)
		var wg sync.WaitGroup
		for p := range producers {
			s := l.sink(t, stream.Chunking{})
			wg.Go(func() {
				for i := range records {
					r := &stream.Record{Stream: "quakes", Key: []byte{byte('a' + p)}, Value: value(byte(p), 1+(i*977)%9000)}
					r.Headers = []stream.Header{{Key: "n", Value: []byte{byte(i)}}}
					if _, err := send(t, s, r); err == nil {
						acked[p] = append(acked[p], i)
					}
				}
			})
		}
		wg.Wait()
		read := make([][]int, producers)
		r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
		recs := r.fetch(t)
		time.Sleep(time.Hour) // what failed in part and has no successor becomes too old
		recs = append(recs, r.fetch(t)...)
		require.NotEmpty(t, r.skips(t))
		for _, rec := range recs {
			p, i := int(rec.Key[0]-'a'), int(rec.Headers[0].Value[0])
			require.Equal(t, value(byte(p), 1+(i*977)%9000), rec.Value)
			read[p] = append(read[p], i)
		}
		require.Equal(t, acked, read, "what was acknowledged, in order, and nothing else")
	})
}
