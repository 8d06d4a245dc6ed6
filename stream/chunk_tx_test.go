package stream_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// begin opens a transaction on a chunked log and returns the claim of its partition 0 too.
func begin(t *testing.T, l *chunkLog) (stream.SinkTx, stream.Claim) {
	t.Helper()
	b := stream.Chunked(l, stream.Chunking{})
	s, err := b.OpenSink(t.Context(), stream.SinkConfig{Transactions: true})
	require.NoError(t, err)
	tx, err := s.(stream.TxSink).Begin(t.Context())
	require.NoError(t, err)
	source, err := b.OpenSource(t.Context(), stream.SourceConfig{Group: "g", Observe: func(stream.Event) {}})
	require.NoError(t, err)
	claim, err := source.Next(t.Context())
	require.NoError(t, err)
	return tx, claim
}

func TestChunkedSinkIsTxSinkOnlyIfTheInnerOneIs(t *testing.T) {
	_, is := newChunkLog(1).sink(t, stream.Chunking{}).(stream.TxSink)
	require.False(t, is)
	begin(t, newChunkLog(1))
}

func TestChunkTxStoresAllChunksWithTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newChunkLog(1)
		l.put(0, chunks(t, "a", 'A', 3)...)
		tx, claim := begin(t, l)
		recs := make([]stream.Record, 4)
		n, err := claim.Fetch(t.Context(), recs)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		answers := 0
		small := small("b", "b")
		tx.Append(t.Context(), []*stream.Record{large("b", 'B', 2), &small, large("b", 'C', 2)},
			func(_ stream.Ack, err error) {
				require.NoError(t, err)
				answers++
			})
		require.Len(t, l.stored(0), 3, "nothing before Commit, though one key has two large records")
		require.NoError(t, tx.Commit(t.Context(), claim, stream.Checkpoint{Position: recs[0].Position}))
		require.Equal(t, 3, answers)
		require.Equal(t, at(30), l.saved["0"].Position)
		got := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"}).fetch(t)
		require.Equal(t, []told{{"b", 'B', 2800}, {"b", 'b', 1}, {"b", 'C', 2800}}, tell(got))
	})
}

func TestChunkTxAbortsIfARecordWasRefused(t *testing.T) {
	l := newChunkLog(1)
	tx, _ := begin(t, l)
	good := small("a", "a")
	bad := stream.Record{Stream: "quakes", Headers: []stream.Header{{Key: "streamport.chunk."}}}
	answers := 0
	tx.Append(t.Context(), []*stream.Record{&good, &bad}, func(stream.Ack, error) { answers++ })
	require.ErrorIs(t, tx.Commit(t.Context(), nil, stream.Checkpoint{}), stream.ErrInvalid)
	require.Empty(t, l.stored(0))
	require.Equal(t, 2, answers)
	require.Zero(t, l.commits)
}

func TestChunkTxRefusesForeignClaims(t *testing.T) {
	l := newChunkLog(1)
	_, other := begin(t, newChunkLog(1))
	inner, err := l.OpenSource(t.Context(), stream.SourceConfig{})
	require.NoError(t, err)
	unwrapped, err := inner.Next(t.Context())
	require.NoError(t, err)
	for _, claim := range []stream.Claim{other, unwrapped} {
		tx, _ := begin(t, l)
		good := small("a", "a")
		tx.Append(t.Context(), []*stream.Record{&good}, func(stream.Ack, error) {})
		require.ErrorIs(t, tx.Commit(t.Context(), claim, stream.Checkpoint{}), stream.ErrUnsupported)
		require.Empty(t, l.stored(0), "nobody aborts after Commit, so Commit does")
	}
}

func TestChunkTxCommitsWithoutClaimAndAborts(t *testing.T) {
	l := newChunkLog(1)
	tx, _ := begin(t, l)
	tx.Append(t.Context(), []*stream.Record{large("a", 'A', 2)}, func(stream.Ack, error) {})
	require.NoError(t, tx.Commit(t.Context(), nil, stream.Checkpoint{}))
	require.Len(t, l.stored(0), 2)
	tx, _ = begin(t, l)
	failed := 0
	tx.Append(t.Context(), []*stream.Record{large("a", 'B', 2)}, func(stream.Ack, error) { failed++ })
	require.NoError(t, tx.Abort(t.Context()))
	require.Len(t, l.stored(0), 2)
	require.Equal(t, 1, failed)
}

func TestChunkTxRecordInTwoPartitionsIsAnUnknownOutcome(t *testing.T) {
	l := newChunkLog(2)
	nth := 0
	l.place = func(*stream.Record) int {
		nth++
		return nth % 2
	}
	tx, _ := begin(t, l)
	tx.Append(t.Context(), []*stream.Record{large("a", 'A', 2)}, func(stream.Ack, error) {})
	require.ErrorIs(t, tx.Commit(t.Context(), nil, stream.Checkpoint{}), stream.ErrUnknownOutcome)
}
