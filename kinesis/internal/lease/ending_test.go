package lease_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// Close frees every row, used or not, raises its counter, and everything answers that it is over.
func TestClose(t *testing.T) {
	bubble(t, 4, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		l := w.take("a", m)
		time.Sleep(failover)
		before := w.now(l.Row().Key)
		require.NoError(t, m.Close(t.Context()))
		for i := range 4 {
			require.Empty(t, w.now(row(i).Key).Owner)
			require.Empty(t, w.now(row(i).Key).HandOver)
		}
		require.Equal(t, before.Counter+1, w.now(l.Row().Key).Counter)
		require.True(t, closed(l.Lost()))
		_, err := l.Update(t.Context(), checkpoint(1))
		require.ErrorIs(t, err, stream.ErrLost)
		_, err = m.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrClosed)
		require.NoError(t, l.Release(t.Context()))
		require.NoError(t, m.Close(t.Context()))
	})
}

// Close of a member that cannot reach the table ends with its context.
func TestCloseIsBounded(t *testing.T) {
	bubble(t, 4, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		w.take("a", m)
		w.via("a", cut)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, m.Close(ctx), context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(began), time.Second)
	})
}

// Without a bound of the caller's, Release of a lease that cannot be given back ends within the failover time.
func TestReleaseIsBounded(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		l := w.take("a", w.manage("a"))
		w.via("a", cut)
		began := time.Now()
		require.Error(t, l.Release(context.Background()))
		require.LessOrEqual(t, time.Since(began), failover)
		require.False(t, l.Valid())
		require.False(t, closed(l.Lost()), "what was released was not lost")
	})
}

// Abandon is kill -9: leases are lost, and nobody is told.
func TestAbandon(t *testing.T) {
	bubble(t, 2, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		l := w.take("a", m)
		before := w.wrote()
		m.Abandon()
		require.True(t, closed(l.Lost()))
		_, err := m.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrClosed)
		_, err = l.Update(t.Context(), checkpoint(1))
		require.ErrorIs(t, err, stream.ErrLost)
		require.NoError(t, l.Release(t.Context()))
		require.NoError(t, m.Close(t.Context()))
		time.Sleep(3 * failover)
		require.Equal(t, before, w.wrote())
		require.Equal(t, "a", w.now(l.Row().Key).Owner)
	})
}

// A manager that was never started ends too.
func TestCloseBeforeStart(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		require.NoError(t, m.Close(t.Context()))
		m.Start()
		_, err := m.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrClosed)
	})
}

// A lease that was released is taken again, by whoever needs one; the row says that nobody had it.
func TestReleaseFreesTheRow(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		l := w.take("a", m)
		_, err := l.Update(t.Context(), checkpoint(4))
		require.NoError(t, err)
		counter := l.Row().Counter
		require.NoError(t, l.Release(t.Context()))
		require.NoError(t, l.Release(t.Context()))
		require.Empty(t, w.now(row(0).Key).Owner)
		require.Equal(t, counter+1, w.now(row(0).Key).Counter)
		again := w.take("a", m)
		require.Equal(t, "4", again.Row().Checkpoint)
		_, err = l.Update(t.Context(), checkpoint(5))
		require.ErrorIs(t, err, stream.ErrLost)
	})
}
