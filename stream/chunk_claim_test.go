package stream_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// told is a record in a few characters: its key and the first byte and length of its value.
type told struct {
	key  string
	seed byte
	size int
}

func tell(recs []stream.Record) (all []told) {
	for _, r := range recs {
		one := told{key: string(r.Key), size: len(r.Value)}
		if len(r.Value) > 0 {
			one.seed = r.Value[0]
		}
		all = append(all, one)
	}
	return all
}

// TestChunkClaimDelivers places chunks and records in a partition and says what a claim makes of them.
func TestChunkClaimDelivers(t *testing.T) {
	a, b, c := chunks(t, "a", 'A', 3), chunks(t, "a", 'B', 3), chunks(t, "c", 'C', 2)
	x, y := small("x", "x"), small("y", "y")
	damaged := a[1]
	damaged.Value = value('Z', len(damaged.Value))
	short := a[1]
	short.Value = short.Value[1:]
	mixed := b[1]
	mixed.Headers = append(mixed.Headers[:0:0], a[1].Headers...)
	strange := small("s", "s")
	strange.Headers = []stream.Header{{Key: "streamport.chunk.other"}}
	undecodable := small("s", "s")
	undecodable.Headers = []stream.Header{{Key: "streamport.chunk.piece", Value: []byte{1, 2}}}
	bigA, bigB, bigC := told{"a", 'A', 4200}, told{"a", 'B', 4200}, told{"c", 'C', 2800}
	smallX, smallY := told{"x", 'x', 1}, told{"y", 'y', 1}

	cases := []struct {
		name   string
		stored []stream.Record
		want   []told
		skips  []uint64 // how-manieth stored records begin what is given up
	}{
		{"InOrder", []stream.Record{x, a[0], a[1], a[2], y}, []told{smallX, bigA, smallY}, nil},
		{"FirstChunkGivesOrder", []stream.Record{a[0], x, c[0], c[1], a[1], y, a[2]}, []told{bigA, smallX, bigC, smallY}, nil},
		{"ProducersOfOneKeyInterleaved", []stream.Record{a[0], b[0], b[1], a[1], b[2], a[2]}, []told{bigA, bigB}, nil},
		{"BehindHalfARecordIsHeldBack", []stream.Record{x, a[0], a[1], y}, []told{smallX}, nil},
		{"ChunkRepeatedAtOnce", []stream.Record{a[0], a[0], a[1], a[1], a[2], a[2], y}, []told{bigA, smallY}, nil},
		{"StartRepeated", []stream.Record{a[0], a[1], a[0], a[1], a[2], y}, []told{bigA, smallY}, nil},
		{"WholeRepeated", []stream.Record{a[0], a[1], a[2], a[0], a[1], a[2], y}, []told{bigA, smallY}, nil},
		{"RepeatedInPart", []stream.Record{a[0], a[1], a[2], a[0], a[1], y}, []told{bigA, smallY}, nil},
		{"FirstLost", []stream.Record{x, a[1], a[2], y}, []told{smallX, smallY}, nil},
		{"MiddleLost", []stream.Record{x, a[0], a[2], y}, []told{smallX, smallY}, []uint64{2}},
		{"Swapped", []stream.Record{a[0], a[2], a[1], y}, []told{smallY}, []uint64{1}},
		{"Damaged", []stream.Record{a[0], damaged, a[2], y}, []told{smallY}, []uint64{1}},
		{"Shortened", []stream.Record{a[0], short, a[2], y}, []told{smallY}, []uint64{1}},
		{"PieceOfAnother", []stream.Record{a[0], mixed, a[2], y}, []told{smallY}, []uint64{1}},
		{"ReservedHeaderThatIsNoChunk", []stream.Record{x, strange, y}, []told{smallX, smallY}, []uint64{2}},
		{"HeaderThatDoesNotDecode", []stream.Record{x, undecodable, y}, []told{smallX, smallY}, []uint64{2}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newChunkLog(1)
				l.put(0, test.stored...)
				r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
				got := r.fetch(t)
				require.Equal(t, test.want, tell(got))
				var skipped []uint64
				for _, p := range r.skips(t) {
					major, _, _ := p.Parts()
					skipped = append(skipped, major[2]/10)
				}
				require.Equal(t, test.skips, skipped)
				var last stream.Position
				for _, rec := range got {
					require.Positive(t, rec.Position.Compare(last), "positions go forward")
					last = rec.Position
					require.Equal(t, value(rec.Value[0], len(rec.Value)), append([]byte(nil), rec.Value...), "exact bytes")
					require.Nil(t, rec.Headers)
				}
			})
		})
	}
}

// TestChunkClaimNeverPassesHalfARecord restarts a reading at the checkpoint of every record that was delivered, with
// every prefix of the log, and expects each record exactly once.
func TestChunkClaimNeverPassesHalfARecord(t *testing.T) {
	a, b, c := chunks(t, "a", 'A', 3), chunks(t, "b", 'B', 2), chunks(t, "c", 'C', 2)
	stored := []stream.Record{
		small("x", "x"), a[0], small("y", "y"), b[0], a[1], b[1], c[0], a[2], c[1], small("z", "z"),
	}
	want := []told{{"x", 'x', 1}, {"a", 'A', 4200}, {"y", 'y', 1}, {"b", 'B', 2800}, {"c", 'C', 2800}, {"z", 'z', 1}}
	for crash := range len(stored) + 1 {
		for done := range len(want) + 1 {
			synctest.Test(t, func(t *testing.T) {
				l := newChunkLog(1)
				l.put(0, stored[:crash]...)
				first := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
				got := first.fetch(t)
				got = got[:min(done, len(got))]
				if len(got) > 0 {
					last := stream.Checkpoint{Position: got[len(got)-1].Position, State: []byte("s")}
					require.NoError(t, first.Checkpoint(t.Context(), last))
					require.Equal(t, "s", string(l.saved["0"].State))
				}
				l.put(0, stored[crash:]...)
				second := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
				require.Equal(t, want, tell(append(got, second.fetch(t)...)))
				require.Empty(t, second.skips(t))
			})
		}
	}
}

func TestChunkClaimCheckpointOfAllIsTheLastChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := chunks(t, "a", 'A', 3)
		l := newChunkLog(1)
		l.put(0, a[0], small("x", "x"), a[1], small("y", "y"), a[2], a[2])
		r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
		got := r.fetch(t)
		require.Len(t, got, 3)
		for i, want := range []stream.Position{at(10), at(30), at(60)} {
			require.NoError(t, r.Checkpoint(t.Context(), stream.Checkpoint{Position: got[i].Position}))
			require.Equal(t, want, l.saved["0"].Position, "up to the next record's first chunk")
		}
	})
}

func TestChunkClaimGivesUpWhatIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := chunks(t, "a", 'A', 3)
		l := newChunkLog(1)
		l.put(0, a[0], small("x", "x"))
		r := l.read(t, stream.Chunking{MaxAge: time.Minute}, stream.SourceConfig{Group: "g"})
		begun := time.Now()
		into := make([]stream.Record, 4)
		n, err := r.Fetch(t.Context(), into)
		require.NoError(t, err)
		require.Equal(t, []told{{"x", 'x', 1}}, tell(into[:n]))
		require.Equal(t, time.Minute, time.Since(begun))
		require.Equal(t, []stream.Position{at(10)}, r.skips(t))
		l.put(0, a[1], a[2], small("y", "y"))
		require.Equal(t, []told{{"y", 'y', 1}}, tell(r.fetch(t)), "what was given up does not come back")
		require.Len(t, r.skips(t), 1)
	})
}

func TestChunkClaimGivesUpTooOldWhileOthersKeepComing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newChunkLog(1)
		l.put(0, chunks(t, "a", 'A', 2)[0])
		r := l.read(t, stream.Chunking{MaxAge: time.Minute}, stream.SourceConfig{Group: "g"})
		delivered := 0
		for range 70 {
			l.put(0, small("x", "x"))
			delivered += len(r.fetch(t))
			time.Sleep(time.Second)
		}
		require.Equal(t, []stream.Position{at(10)}, r.skips(t))
		require.Equal(t, 70, delivered)
	})
}

func TestChunkClaimGivesUpWhatItsProducerLeft(t *testing.T) {
	for _, key := range []string{"a", ""} { // the next large record has the same key, or none
		synctest.Test(t, func(t *testing.T) {
			l := newChunkLog(1)
			l.fail = func(r *stream.Record) (bool, error) { return r.Value[0] == 'A', stream.ErrThrottled }
			s := l.sink(t, stream.Chunking{})
			_, err := send(t, s, large("a", 'A', 3))
			require.ErrorIs(t, err, stream.ErrThrottled)
			require.Len(t, l.stored(0), 1, "the first chunk is stored, the others are not")
			l.fail = nil
			again := large(key, 'B', 3)
			if key == "" {
				again.Key = nil
			}
			_, err = send(t, s, again)
			require.NoError(t, err)
			r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
			require.Equal(t, []told{{key, 'B', 4200}}, tell(r.fetch(t)))
			require.Equal(t, []stream.Position{at(10)}, r.skips(t))
		})
	}
}

func TestChunkClaimBoundsHalfAssembledRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newChunkLog(1)
		l.put(0, chunks(t, "a", 'A', 2)[0], small("x", "x"), chunks(t, "b", 'B', 2)[0], small("y", "y"))
		r := l.read(t, stream.Chunking{MaxPending: 2}, stream.SourceConfig{Group: "g"})
		require.Empty(t, r.fetch(t))
		l.put(0, chunks(t, "c", 'C', 2)...)
		require.Equal(t, []told{{"x", 'x', 1}}, tell(r.fetch(t)), "the oldest goes, the next one still holds back")
		require.Equal(t, []stream.Position{at(10)}, r.skips(t))
	})
}

func TestChunkClaimBoundsWhatIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 1 << 20
		l := newChunkLog(1)
		l.put(0, chunks(t, "a", 'A', 2)[0])
		r := l.read(t, stream.Chunking{MaxRecordBytes: most, MaxHeldBytes: most}, stream.SourceConfig{Group: "g"})
		held := 0
		for len(r.fetch(t)) == 0 {
			l.put(0, stream.Record{Stream: "quakes", Value: value('x', 1000)})
			held += 1000
			require.LessOrEqual(t, held, most)
		}
		require.Greater(t, held, most/2)
		require.Equal(t, []stream.Position{at(10)}, r.skips(t))
	})
}

func TestChunkClaimStopsAtRecordOverItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newChunkLog(1)
		l.put(0, small("x", "x"))
		l.put(0, chunks(t, "a", 'A', 3)...)
		r := l.read(t, stream.Chunking{MaxRecordBytes: 4199}, stream.SourceConfig{Group: "g"})
		into := make([]stream.Record, 10)
		n, err := r.Fetch(t.Context(), into)
		require.NoError(t, err)
		require.Equal(t, 1, n, "what stands before is delivered")
		for range 2 {
			_, err = r.Fetch(t.Context(), into)
			require.ErrorIs(t, err, stream.ErrTooLarge)
		}
		require.Empty(t, r.skips(t), "an acknowledged record is not skipped")
		wide := l.read(t, stream.Chunking{MaxRecordBytes: 4200}, stream.SourceConfig{Group: "g"})
		require.Len(t, wide.fetch(t), 2)
	})
}

func TestChunkClaimStopsAtChunksOfNewerVersion(t *testing.T) {
	newer := chunks(t, "a", 'A', 2)[0]
	newer.Headers[0].Value = []byte{2, 1, 2, 3}
	l := newChunkLog(1)
	l.put(0, newer)
	_, err := l.read(t, stream.Chunking{}, stream.SourceConfig{}).Fetch(t.Context(), make([]stream.Record, 1))
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.ErrorContains(t, err, "newer version")
}

// drain fetches until an error.
func drain(t testing.TB, c stream.Claim) (recs []stream.Record, err error) {
	t.Helper()
	into := make([]stream.Record, 2)
	for {
		n, err := c.Fetch(t.Context(), into)
		if err != nil {
			return recs, err
		}
		recs = append(recs, into[:n]...)
	}
}

func TestChunkClaimAtPartitionEndGivesUpWhatIsCut(t *testing.T) {
	l := newChunkLog(1)
	l.ended = true
	a := chunks(t, "a", 'A', 3)
	l.put(0, a[0], small("x", "x"), a[1])
	r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
	recs, err := drain(t, r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []told{{"x", 'x', 1}}, tell(recs))
	require.Equal(t, []stream.Position{at(10)}, r.skips(t))
	require.NoError(t, r.Release(t.Context(), true))
	_, err = r.Fetch(t.Context(), make([]stream.Record, 1))
	require.Error(t, err)
}

func TestChunkClaimOfGroupFailsWhereEndCutsARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newChunkLog(1)
		l.ended = true
		live, err := send(t, l.sink(t, stream.Chunking{}), large("a", 'A', 3)) // sent on the bubble's clock
		require.NoError(t, err)
		l.parts[0] = l.parts[0][:2]
		l.put(0, small("x", "x"))
		r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g", End: stream.Latest()})
		recs, err := drain(t, r)
		require.Empty(t, recs)
		require.ErrorContains(t, err, "read again later")
		require.Empty(t, r.skips(t))

		alone := l.read(t, stream.Chunking{}, stream.SourceConfig{End: stream.Latest()})
		recs, err = drain(t, alone)
		require.Equal(t, io.EOF, err)
		require.Len(t, recs, 1)
		require.Equal(t, []stream.Position{live.Position}, alone.skips(t), "without a group it is given up")

		time.Sleep(2 * time.Minute)
		old := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g", End: stream.Latest()})
		recs, err = drain(t, old)
		require.Equal(t, io.EOF, err)
		require.Len(t, recs, 1, "its producer has given up long ago")
	})
}

func TestChunkClaimAskedBackGivesNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newChunkLog(1)
		l.put(0, chunks(t, "a", 'A', 3)[0], small("x", "x"))
		source, err := stream.Chunked(asking{l}, stream.Chunking{}).OpenSource(t.Context(), stream.SourceConfig{
			Group: "g", Observe: func(e stream.Event) { t.Errorf("event %v", e) },
		})
		require.NoError(t, err)
		claim, err := source.Next(t.Context())
		require.NoError(t, err)
		recs, err := drain(t, claim)
		require.Equal(t, io.EOF, err)
		require.Empty(t, recs)
	})
}

// asking grants claims that are asked back after a second.
type asking struct{ *chunkLog }

func (a asking) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	s, err := a.chunkLog.OpenSource(ctx, c)
	return askingSource{s}, err
}

type askingSource struct{ stream.Source }

func (s askingSource) Next(ctx context.Context) (stream.Claim, error) {
	c, err := s.Source.Next(ctx)
	time.AfterFunc(time.Second, func() { close(c.(*chunkLogClaim).asked) })
	return c, err
}

func TestChunkClaimDeliversNothingAfterRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := chunks(t, "a", 'A', 2)
		l := newChunkLog(1)
		l.put(0, a[0], small("x", "x"), small("y", "y"))
		r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
		require.Empty(t, r.fetch(t))
		l.put(0, a[1])
		n, err := r.Fetch(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, r.Release(t.Context(), false))
		_, err = r.Fetch(t.Context(), make([]stream.Record, 1))
		require.ErrorIs(t, err, stream.ErrLost)
	})
}

func TestChunkClaimKeepsLargeRecordsOfOneProducerApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scratch := newChunkLog(1)
		scratch.slow = true // both records are under way at a time
		s := scratch.sink(t, stream.Chunking{})
		both := []*stream.Record{large("a", 'A', 2), large("b", 'B', 2)}
		s.Append(t.Context(), both, func(_ stream.Ack, err error) { require.NoError(t, err) })
		scratch.answer()
		c := scratch.stored(0)
		l := newChunkLog(1)
		l.put(0, c[0], c[2], c[1], c[3])
		r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
		require.Equal(t, []told{{"a", 'A', 2800}, {"b", 'B', 2800}}, tell(r.fetch(t)))
		require.Empty(t, r.skips(t))
	})
}
