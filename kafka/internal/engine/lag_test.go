package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(9, 9, 9, 9, 9)
		for o := range int64(9) {
			w.logs[at("t", 0)].times[o] = time.Now().Add(-time.Minute)
		}
		w.commit(0, 3)
		w.commit(1, 9)
		w.commit(2, 7)
		w.logs[at("t", 2)].markers = map[int64]bool{7: true, 8: true}
		w.commit(3, 2)
		w.logs[at("t", 3)].start = 4
		lags, err := engine.Lag(t.Context(), w, worldSettings(), sourceConfig(), nil)
		require.NoError(t, err)
		require.Len(t, lags, 5)
		known := func(n int64) stream.Count { return stream.Count{N: n, Known: true} }
		require.Equal(t, stream.Lag{
			Stream: "t", Partition: "0", Checkpoint: engine.Position(2, -1), Records: known(6), Millis: known(60_000),
		}, lags[0])
		require.Equal(t, known(0), lags[1].Records)
		require.Equal(t, known(0), lags[1].Millis)
		require.Equal(t, known(0), lags[2].Records, "only markers are left")
		require.Equal(t, known(5), lags[3].Records, "what has expired is not behind")
		require.Equal(t, known(9), lags[4].Records, "a partition that appeared later")
		require.Empty(t, w.members, "nothing is joined")
		require.Zero(t, w.calls(), "nothing is saved")
	})
}

func TestLagOfAGroupThatNobodyHasJoined(t *testing.T) {
	for want, start := range map[int64]stream.Start{9: {}, 0: stream.Latest()} {
		w := newWorld(9)
		c := sourceConfig()
		c.Start = start
		lags, err := engine.Lag(t.Context(), w, worldSettings(), c, nil)
		require.NoError(t, err)
		require.Equal(t, want, lags[0].Records.N)
		require.Zero(t, w.calls())
	}
}

func TestLagBehindACheckpointThatLivesElsewhere(t *testing.T) {
	w := newWorld(9)
	w.commit(0, 9)
	at := func(string, string) (stream.Position, error) { return engine.Position(4, 7), nil }
	lags, err := engine.Lag(t.Context(), w, worldSettings(), sourceConfig(), at)
	require.NoError(t, err)
	require.EqualValues(t, 4, lags[0].Records.N)
	require.Equal(t, engine.Position(4, 7), lags[0].Checkpoint)
}
