package kafkago

import (
	"math/rand/v2"
	"testing"

	"github.com/segmentio/kafka-go/compress"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

func TestReadCommittedSeesWhatWasCommitted(t *testing.T) {
	x := newExpander(1 << 20)
	defer x.close()
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		log := drawLog(t)
		uncommitted := rapid.Bool().Draw(t, "uncommitted")
		from := rapid.Int64Range(0, log.end).Draw(t, "from")
		want := log.seen(from, uncommitted)
		var got []int64
		next := engine.Offset{At: from, Epoch: -1}
		for {
			part := log.serve(next.At, rapid.IntRange(1, 2000).Draw(t, "most"), rapid.Bool().Draw(t, "piece"), random)
			b := decode(&part, next, x, uncommitted)
			require.NoError(t, b.err)
			got = append(got, whereOf(readAll(&b))...)
			if len(part.set) == 0 {
				break
			}
			require.Greater(t, b.next.At, next.At, "reading stands still")
			next = b.next
		}
		require.Equal(t, want, got)
		require.GreaterOrEqual(t, next.At, min(from, log.stable()))
		for _, b := range log.batches {
			if b.base < log.stable() {
				require.Greater(t, max(next.At, from), b.last, "the end of the log is not reached")
			}
		}
	})
}

// drawLog makes a log of interleaved transactions of three producers and records of none, of which compaction has removed
// some.
func drawLog(t *rapid.T) *partitionLog {
	log := &partitionLog{open: map[int64]int64{}}
	for range rapid.IntRange(1, 40).Draw(t, "batches") {
		producer := rapid.Int64Range(0, 3).Draw(t, "producer")
		what := rapid.IntRange(0, 9).Draw(t, "what")
		switch _, open := log.open[producer]; {
		case producer == 0 || what == 0 && !open:
			log.append(full(log.end, rapid.IntRange(1, 5).Draw(t, "records")))
		case what < 3 && (open || what == 1):
			log.append(mark(log.end, producer, markerKind(rapid.IntRange(0, 1).Draw(t, "kind"))))
		default:
			log.append(full(log.end, rapid.IntRange(1, 5).Draw(t, "records")).of(producer))
		}
	}
	compact(t, log)
	return log
}

// compact removes records and batches. A batch that is empty may stay, and that at the end of the log does.
func compact(t *rapid.T, log *partitionLog) {
	var left []stored
	for i, b := range log.batches {
		b.codec = compress.Compression(rapid.IntRange(0, 4).Draw(t, "codec"))
		b.headers = rapid.IntRange(0, 2).Draw(t, "headers")
		if b.control {
			b.codec = 0
		}
		what := rapid.IntRange(0, 5).Draw(t, "compaction")
		switch {
		case b.control || what < 3:
		case what == 3:
			b.offsets = nil
		case what == 4:
			b.offsets = b.offsets[:rapid.IntRange(0, len(b.offsets)).Draw(t, "kept")]
		case i < len(log.batches)-1:
			continue
		}
		left = append(left, b)
	}
	log.batches = left
}

func TestPositionPassesALogThatEndsInMarkers(t *testing.T) {
	part := fetchPart{
		set:     set(full(0, 3).of(7), mark(3, 7, abort), mark(4, 8, commit)),
		aborted: []aborted{{producer: 7, first: 0}},
	}
	b := decodeAt(t, &part, 0)
	require.NoError(t, b.err)
	require.Equal(t, engine.Offset{At: 5, Epoch: 0}, b.next)
	require.Nil(t, b.records(&place{}))
	require.Zero(t, b.bytes)
}

func TestPositionPassesATailThatWasCompactedAway(t *testing.T) {
	tail := full(5, 4)
	tail.offsets = tail.offsets[:1]
	empty := full(9, 3)
	empty.offsets = nil
	part := fetchPart{set: set(tail, empty)}
	b := decodeAt(t, &part, 2)
	require.NoError(t, b.err)
	require.Equal(t, []int64{5}, whereOf(readAll(&b)))
	require.EqualValues(t, 12, b.next.At)
	part = fetchPart{set: set(tail, empty)}
	b = decodeAt(t, &part, 7)
	require.Empty(t, readAll(&b))
	require.EqualValues(t, 12, b.next.At)
}

func TestAProducerAbortsAgainAfterACommit(t *testing.T) {
	part := fetchPart{
		set: set(full(0, 1).of(7), mark(1, 7, abort), full(2, 1).of(7), mark(3, 7, commit),
			full(4, 1).of(7), full(5, 1), mark(6, 7, abort), full(7, 1).of(7), mark(8, 7, commit)),
		aborted: []aborted{{producer: 7, first: 4}, {producer: 7, first: 0}}, // brokers do not promise an order
	}
	b := decodeAt(t, &part, 0)
	require.NoError(t, b.err)
	require.Equal(t, []int64{2, 5, 7}, whereOf(readAll(&b)))
}

// A fetch may begin in the middle of an aborted transaction, whose first offset it does not contain.
func TestAFetchBeginsInAnAbortedTransaction(t *testing.T) {
	part := fetchPart{
		set:     set(full(10, 3).of(7), mark(13, 7, abort), full(14, 1).of(7), mark(15, 7, commit)),
		aborted: []aborted{{producer: 7, first: 2}},
	}
	b := decodeAt(t, &part, 11)
	require.NoError(t, b.err)
	require.Equal(t, []int64{14}, whereOf(readAll(&b)))
}

func TestOldMarkersEndNothing(t *testing.T) {
	part := fetchPart{
		set:     set(mark(0, 7, abort), full(1, 1).of(7), mark(2, 7, 5), full(3, 1).of(7), mark(4, 7, abort)),
		aborted: []aborted{{producer: 7, first: 1}},
	}
	b := decodeAt(t, &part, 0)
	require.NoError(t, b.err)
	require.Empty(t, readAll(&b))
	require.EqualValues(t, 5, b.next.At)
}

func decodeAt(t *testing.T, part *fetchPart, from int64) brought {
	t.Helper()
	x := newExpander(1 << 20)
	t.Cleanup(x.close)
	return decode(part, engine.Offset{At: from, Epoch: -1}, x, false)
}
