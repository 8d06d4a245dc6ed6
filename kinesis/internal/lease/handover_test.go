package lease_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// asked is the one of two leases that somebody asks for, within a bound.
func (w *world) asked(of []*lease.Lease) *lease.Lease {
	w.t.Helper()
	select {
	case <-of[0].Asked():
		return of[0]
	case <-of[1].Asked():
		return of[1]
	case <-time.After(3 * failover):
		require.Fail(w.t, "nobody asked")
		return nil
	}
}

// A member that needs a lease asks for it. Its owner goes on, saves and renews, until it hands over, and what it saved is
// what the next owner begins with.
func TestHandOver(t *testing.T) {
	bubble(t, 2, true, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		b := w.manage("b")
		asked := w.asked(mine)
		key := asked.Row().Key
		require.Equal(t, "b", w.now(key).Owner)
		require.Equal(t, "a", w.now(key).HandOver)
		time.Sleep(2 * failover) // within Grace
		require.True(t, asked.Valid())
		before, err := asked.Update(t.Context(), checkpoint(8))
		require.NoError(t, err)
		require.NoError(t, asked.Release(t.Context()))
		require.Equal(t, "b", w.now(key).Owner)
		require.Empty(t, w.now(key).HandOver)
		require.Equal(t, before.Counter+1, w.now(key).Counter)
		l := w.take("b", b)
		require.Equal(t, key, l.Row().Key)
		require.Equal(t, "8", l.Row().Checkpoint)
		require.False(t, closed(asked.Lost()))
		time.Sleep(5 * failover)
		require.True(t, l.Valid())
	})
}

// An owner that does not hand over within its grace, and a failover time, loses the lease; the other uses it when that is
// certain.
func TestHandOverThatDoesNotCome(t *testing.T) {
	bubble(t, 2, true, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		b := w.manage("b", func(c *lease.Config) { c.Grace = 3 * failover })
		began := time.Now()
		l := w.take("b", b)
		require.Greater(t, time.Since(began), 4*failover)
		for _, old := range mine {
			if old.Row().Key == l.Row().Key {
				require.True(t, closed(old.Asked()))
				require.True(t, closed(old.Lost()))
				require.NoError(t, old.Release(t.Context()))
			}
		}
		time.Sleep(3 * failover)
		require.True(t, l.Valid())
	})
}

// What its owner ended before it handed over is nobody's: the next owner would read the shard again from its beginning.
func TestHandOverOfWhatHasEnded(t *testing.T) {
	bubble(t, 2, true, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		b := w.manage("b")
		asked := w.asked(mine)
		key, end := asked.Row().Key, lease.AtEnd
		_, err := asked.Update(t.Context(), lease.Change{Checkpoint: &end})
		require.NoError(t, err)
		require.NoError(t, asked.Release(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 5*failover)
		defer cancel()
		l, err := b.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "%v was granted", l)
		require.Empty(t, w.now(key).Owner)
		require.Equal(t, lease.AtEnd, w.now(key).Checkpoint)
	})
}

// A member that asked for leases and leaves takes the question back.
func TestHandOverNoLongerWanted(t *testing.T) {
	bubble(t, 2, true, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		b := w.manage("b")
		l := w.asked(mine)
		require.NoError(t, b.Close(t.Context()))
		require.Equal(t, "a", w.now(l.Row().Key).Owner)
		time.Sleep(2 * failover)
		require.True(t, l.Valid())
		_, err := l.Update(t.Context(), checkpoint(1))
		require.NoError(t, err)
		require.NoError(t, l.Release(t.Context()))
		require.Equal(t, l.Row().Key, w.take("a", a).Row().Key)
	})
}

// An owner that dies while it is to hand over is waited for no longer than any other.
func TestHandOverFromTheDead(t *testing.T) {
	bubble(t, 2, true, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		b := w.manage("b")
		w.asked(mine)
		a.Abandon()
		began := time.Now()
		w.take("b", b)
		w.take("b", b)
		require.LessOrEqual(t, time.Since(began), failover*3/2)
	})
}

// Leases that nobody used yet are handed over by the manager itself.
func TestHandOverOfUnusedLeases(t *testing.T) {
	bubble(t, 4, true, func(t *testing.T, w *world) {
		a := w.manage("a")
		time.Sleep(failover)
		b := w.manage("b")
		w.take("b", b)
		w.take("b", b)
		w.take("a", a)
		w.take("a", a)
		ctx, cancel := context.WithTimeout(t.Context(), 3*failover)
		defer cancel()
		_, err := a.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// In a table that Java uses too a lease is taken without a question. Its owner finds out by its next write, and only when
// the owner cannot use the lease any more, noticed or not, does the new one begin.
func TestPlainTake(t *testing.T) {
	bubble(t, 2, false, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		time.Sleep(failover)
		w.via("a", cut) // it cannot find out
		b := w.manage("b")
		l := w.take("b", b)
		require.Equal(t, int64(1), l.Row().Switches)
		for _, old := range mine {
			require.False(t, old.Row().Key == l.Row().Key && old.Valid())
		}
	})
}

// Giving back a lease that somebody else has taken meanwhile takes nothing from them.
func TestReleaseAfterAnUnseenTake(t *testing.T) {
	bubble(t, 2, false, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		time.Sleep(failover)
		b := w.manage("b")
		var taken string
		until(failover, func() bool {
			for i := range 2 {
				if r := w.now(row(i).Key); r.Owner == "b" {
					taken = r.Key
				}
			}
			return taken != ""
		})
		for _, old := range mine {
			if old.Row().Key == taken {
				require.NoError(t, old.Release(t.Context()))
			}
		}
		require.Equal(t, "b", w.now(taken).Owner)
		require.Equal(t, taken, w.take("b", b).Row().Key)
	})
}

// A member is not given a row again while its handler has not let go of it.
func TestNextWaitsForRelease(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		l := w.take("a", m)
		w.via("a", cut)
		require.Less(t, until(failover, func() bool { return !l.Valid() }), failover)
		w.via("a", nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*failover)
		defer cancel()
		_, err := m.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, l.Release(t.Context()))
		began := time.Now()
		again := w.take("a", m)
		require.Less(t, time.Since(began), failover/2)
		require.True(t, again.Valid())
		require.False(t, l.Valid())
	})
}

// A second process with our name is refused, and takes nothing; the first goes on.
func TestNameInUse(t *testing.T) {
	both(t, 4, func(t *testing.T, w *world) {
		a := w.manage("a")
		first := w.take("a", a)
		second := w.manage("a")
		ctx, cancel := context.WithTimeout(t.Context(), 3*failover)
		defer cancel()
		_, err := second.Next(ctx)
		require.ErrorIs(t, err, stream.ErrInvalid)
		require.ErrorContains(t, err, `"a"`)
		time.Sleep(2 * failover)
		require.True(t, first.Valid())
		w.take("a", a)
	})
}

// A process that comes back by its former name gets its rows when anybody would.
func TestFormerLife(t *testing.T) {
	both(t, 4, func(t *testing.T, w *world) {
		w.join("a")
		time.Sleep(2 * failover)
		w.crash("a")
		w.join("a")
		took := until(3*failover, w.even)
		require.LessOrEqual(t, took, failover*3/2)
		require.Greater(t, took, failover/2)
	})
}
