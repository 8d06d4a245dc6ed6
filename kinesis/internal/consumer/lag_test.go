package consumer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/consumer"
	"github.com/streamport-go/streamport/stream"
)

// lag asks how far a group is behind in the one shard.
func (w *world) lag(c stream.SourceConfig) stream.Lag {
	w.Helper()
	lags, err := consumer.Lag(w.ctx, w.deps, w.set, c, nil)
	require.NoError(w, err)
	require.Len(w, lags, 1)
	require.False(w, lags[0].Records.Known, "the service counts no records")
	return lags[0]
}

func TestLagIsTheAgeOfTheFirstRecordBehindTheCheckpoint(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putData("k", packed("k", "a", "b"))
		time.Sleep(time.Minute)
		w.put("k", "c")
		time.Sleep(time.Minute)
		c := w.config("g")
		require.Equal(w, stream.Count{N: 120_000, Known: true}, w.lag(c).Millis)
		require.Empty(w, w.tables, "nothing is joined")
		s := w.open(c)
		claim := w.next(s)
		recs := w.take(claim, 3)
		since := func(i int) int64 { return time.Since(recs[i].Time).Milliseconds() }
		for i := range 2 {
			w.save(claim, recs[i])
			lag := w.lag(c)
			require.Equal(w, stream.Count{N: since(i + 1), Known: true}, lag.Millis)
			require.Equal(w, recs[i].Position, lag.Checkpoint)
		}
		w.save(claim, recs[2])
		require.Equal(w, stream.Count{Known: true}, w.lag(c).Millis)
	})
}

func TestLagOfAGroupThatIsNotBornAppliesNoStart(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		time.Sleep(time.Minute)
		c := w.latest("g")
		require.Equal(w, stream.Count{Known: true}, w.lag(c).Millis)
		c.Start = stream.Since(time.Now())
		require.Equal(w, stream.Count{Known: true}, w.lag(c).Millis)
		require.Empty(w, w.tables)
	})
}

func TestLagByPositionsFromElsewhere(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b")
		recs := w.take(w.next(w.open(w.config(""))), 2)
		c := w.config("x")
		c.External = true
		for i, behind := range []bool{true, false} {
			lags, err := consumer.Lag(w.ctx, w.deps, w.set, c, func(string, string) (stream.Position, error) {
				return recs[i].Position, nil
			})
			require.NoError(w, err)
			require.Equal(w, behind, lags[0].Millis.N > 0)
			require.Equal(w, recs[i].Position, lags[0].Checkpoint)
		}
	})
}

func TestLagThatTheServiceRefusesToTellIsNotKnown(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		w.server.Script().Add(fakekinesis.Fault{
			Op: "GetRecords", Times: -1, Kind: fakekinesis.Refuse, Code: "ProvisionedThroughputExceededException",
		})
		require.Equal(w, stream.Count{}, w.lag(w.config("g")).Millis)
	})
}
