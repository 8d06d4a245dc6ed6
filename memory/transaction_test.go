package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

func openTx(t *testing.T, b *memory.Backend, member string) stream.TxSink {
	t.Helper()
	c := sinkConfig()
	c.Transactions, c.Member = true, member
	s, err := b.OpenSink(t.Context(), c)
	require.NoError(t, err)
	return s.(stream.TxSink)
}

func begin(t *testing.T, s stream.TxSink, recs ...*stream.Record) stream.SinkTx {
	t.Helper()
	tx, err := s.Begin(t.Context())
	require.NoError(t, err)
	tx.Append(t.Context(), recs, func(_ stream.Ack, err error) { require.NoError(t, err) })
	return tx
}

func TestReadersSeeOnlyCommittedRecords(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		s := openTx(t, b, "tx")
		first, second := begin(t, s, rec("a", "1")), begin(t, s, rec("a", "2"))
		sendAll(t, b, rec("a", "3"))
		require.Empty(t, b.Records("s"), "nothing is visible past an open transaction")
		require.NoError(t, second.Commit(t.Context(), nil, stream.Checkpoint{}))
		require.Empty(t, b.Records("s"))
		require.NoError(t, first.Abort(t.Context()))
		recs := b.Records("s")
		require.Equal(t, []string{"2", "3"}, values(recs))
		require.Equal(t, "2", recs[0].Position.String(), "the aborted record is a hole")
		require.Equal(t, "6", sendAll(t, b, rec("a", "4"))[0].Position.String(), "each marker takes an offset")
	})
}

func TestCommitMovesTheCheckpointOrNothing(t *testing.T) {
	c := kafka()
	c.Streams = []stream.StreamConfig{{Name: "s", Partitions: 1}, {Name: "out", Partitions: 1}}
	bubble(t, c, func(t *testing.T, b *memory.Backend) {
		acks := sendAll(t, b, rec("a", "1"))
		claim := next(t, openSource(t, b, sourceConfig("g", "m")))
		out := &stream.Record{Stream: "out", Value: []byte("x")}
		s := openTx(t, b, "tx")
		to := stream.Checkpoint{Position: acks[0].Position}
		require.NoError(t, begin(t, s, out).Commit(t.Context(), claim, to))
		require.Equal(t, acks[0].Position, b.Checkpoint("g", "s", "0").Position)
		require.Len(t, b.Records("out"), 1)
		require.NoError(t, b.Expel("g", "m"))
		require.ErrorIs(t, begin(t, s, out).Commit(t.Context(), claim, stream.Checkpoint{}), stream.ErrLost)
		require.Equal(t, acks[0].Position, b.Checkpoint("g", "s", "0").Position)
		require.Len(t, b.Records("out"), 1)
	})
}

func TestANewerSinkOfTheMemberFencesTheOlder(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		old := openTx(t, b, "tx")
		tx := begin(t, old, rec("a", "1"))
		other := begin(t, openTx(t, b, "other"), rec("a", "3"))
		newer := openTx(t, b, "tx")
		require.ErrorIs(t, tx.Commit(t.Context(), nil, stream.Checkpoint{}), stream.ErrLost)
		_, err := old.Begin(t.Context())
		require.ErrorIs(t, err, stream.ErrLost)
		require.NoError(t, begin(t, newer, rec("a", "2")).Commit(t.Context(), nil, stream.Checkpoint{}))
		require.NoError(t, other.Commit(t.Context(), nil, stream.Checkpoint{}))
		require.Equal(t, []string{"3", "2"}, values(b.Records("s")))
	})
}

func TestBeginWaitsForASession(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		s := openTx(t, b, "tx")
		first := begin(t, s)
		begin(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Begin(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, first.Abort(t.Context()))
		begin(t, s)
	})
}

func TestAnOpenTransactionTimesOut(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		tx := begin(t, openTx(t, b, "tx"), rec("a", "1"))
		sendAll(t, b, rec("a", "2"))
		time.Sleep(61 * time.Second)
		require.Equal(t, []string{"2"}, values(b.Records("s")), "readers are not held up for ever")
		require.ErrorIs(t, tx.Commit(t.Context(), nil, stream.Checkpoint{}), stream.ErrLost)
	})
}

func TestAFailedRecordAbortsTheTransaction(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		tx := begin(t, openTx(t, b, "tx"), rec("a", "1"))
		tx.Append(t.Context(), []*stream.Record{rec("a", string(make([]byte, 2<<20)))}, func(_ stream.Ack, err error) {
			require.ErrorIs(t, err, stream.ErrTooLarge)
		})
		require.ErrorIs(t, tx.Commit(t.Context(), nil, stream.Checkpoint{}), stream.ErrTooLarge)
		require.Empty(t, b.Records("s"))
	})
}

func TestUnknownCommits(t *testing.T) {
	for _, applied := range []bool{true, false} {
		script := &memory.Script{}
		if applied {
			script.ApplyThen(memory.OpCommit, 1, memory.Outcome{Lost: true})
		} else {
			script.Fail(memory.OpCommit, 1, stream.ErrUnknownOutcome)
		}
		c := one(kafka())
		c.Script = script
		bubble(t, c, func(t *testing.T, b *memory.Backend) {
			tx := begin(t, openTx(t, b, "tx"), rec("a", "1"))
			require.ErrorIs(t, tx.Commit(t.Context(), nil, stream.Checkpoint{}), stream.ErrUnknownOutcome)
			require.Equal(t, applied, len(b.Records("s")) == 1)
		})
		script.Check(t)
	}
}

func TestTransactionsAreKafkas(t *testing.T) {
	for _, p := range profiles {
		bubble(t, memory.Config{Profile: p}, func(t *testing.T, b *memory.Backend) {
			c := sinkConfig()
			s, err := b.OpenSink(t.Context(), c)
			require.NoError(t, err)
			_, is := s.(stream.TxSink)
			require.False(t, is, "only what was opened for transactions is a TxSink")
			c.Transactions = true
			_, err = b.OpenSink(t.Context(), c)
			if p == memory.Kafka {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, stream.ErrUnsupported)
		})
	}
}

func TestAForeignClaimIsRefused(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		other, err := memory.Open(t.Context(), one(kafka()))
		require.NoError(t, err)
		defer func() { require.NoError(t, other.Close()) }()
		claim := next(t, openSource(t, other, sourceConfig("g", "m")))
		tx := begin(t, openTx(t, b, "tx"), rec("a", "1"))
		require.ErrorIs(t, tx.Commit(t.Context(), claim, stream.Checkpoint{}), stream.ErrUnsupported)
		require.Empty(t, b.Records("s"))
	})
}
