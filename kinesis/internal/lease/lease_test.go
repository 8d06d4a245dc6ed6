package lease_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// manage starts a manager without handlers.
func (w *world) manage(name string, change ...func(*lease.Config)) *lease.Manager {
	c := w.config(name)
	for _, f := range change {
		f(&c)
	}
	m := lease.NewManager(c)
	m.Start()
	w.t.Cleanup(m.Abandon)
	return m
}

// take is the next lease of a manager, within a bound.
func (w *world) take(name string, m *lease.Manager) *lease.Lease {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*failover)
	defer cancel()
	l, err := m.Next(ctx)
	require.NoError(w.t, err)
	w.grant(name, l)
	return l
}

func (w *world) now(key string) lease.Row {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows[key]
}

func checkpoint(n int) lease.Change {
	s := strconv.Itoa(n)
	return lease.Change{Checkpoint: &s}
}

// only is a fault for the first call of an operation that matches.
func only(op string, f lease.Fault, match func(lease.Call) bool) func(lease.Call) lease.Fault {
	var fired atomic.Bool
	return func(c lease.Call) lease.Fault {
		if c.Op != op || !match(c) || fired.Swap(true) {
			return lease.Fault{}
		}
		return f
	}
}

func saves(c lease.Call) bool  { return c.Change.Checkpoint != nil }
func renews(c lease.Call) bool { return c.Change.Raise && c.Change.SetOwner == nil && !saves(c) }

// closed reports whether a channel is closed now.
func closed(c <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// What a write says is what the row has; each one raises the counter, and the first take of a row is no switch.
func TestUpdateIsFencedAndRaises(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		l := w.take("a", w.manage("a"))
		before := l.Row()
		require.Equal(t, "a", before.Owner)
		require.Zero(t, before.Switches)
		got, err := l.Update(t.Context(), checkpoint(7))
		require.NoError(t, err)
		require.Equal(t, before.Counter+1, got.Counter)
		require.Equal(t, "7", got.Checkpoint)
		require.Equal(t, got, l.Row())
		require.Equal(t, got, w.now(l.Row().Key))
	})
}

// A condition of the write's own that is not met is told as such, and costs nothing.
func TestUpdateWithAConditionOfItsOwn(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		l := w.take("a", w.manage("a"))
		start := int64(5)
		got, err := l.Update(t.Context(), lease.Change{StartAbsent: true, Start: &start})
		require.ErrorIs(t, err, lease.ErrConflict)
		require.Zero(t, *got.Own.Start)
		_, err = l.Update(t.Context(), checkpoint(1))
		require.NoError(t, err)
	})
}

// A write that no table takes is told to its caller, and the lease stays.
func TestUpdateThatIsRefusedKeepsTheLease(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		l := w.take("a", w.manage("a"))
		w.via("a", only("update", lease.Fault{Err: stream.ErrTooLarge}, saves))
		_, err := l.Update(t.Context(), checkpoint(1))
		require.ErrorIs(t, err, stream.ErrTooLarge)
		_, err = l.Update(t.Context(), checkpoint(1))
		require.NoError(t, err)
	})
}

// A lost answer is looked into: what happened counts, what did not is repeated.
func TestLostAnswers(t *testing.T) {
	for name, fault := range map[string]lease.Fault{
		"it happened":      {Lost: true},
		"it did not":       {Err: stream.ErrUnknownOutcome},
		"it happens later": {Before: failover / 3},
		"the answer hangs": {After: failover / 3},
	} {
		for what, match := range map[string]func(lease.Call) bool{"a save": saves, "a renewal": renews} {
			t.Run(what+", "+name, func(t *testing.T) {
				bubble(t, 1, true, func(t *testing.T, w *world) {
					l := w.take("a", w.manage("a"))
					w.via("a", only("update", fault, match))
					if what == "a renewal" {
						time.Sleep(failover)
					}
					got, err := l.Update(t.Context(), checkpoint(3))
					require.NoError(t, err)
					require.Equal(t, "3", got.Checkpoint)
					time.Sleep(3 * failover)
					require.False(t, closed(l.Lost()))
					require.Equal(t, "3", w.now(got.Key).Checkpoint)
				})
			})
		}
	}
}

// A save whose answer is lost may be there although the lease is somebody else's by the time that is looked into.
func TestLostAnswerBeforeALoss(t *testing.T) {
	for range 20 { // the loss and the answer come at once: which is seen first is chance
		bubble(t, 1, true, func(t *testing.T, w *world) {
			l := w.take("a", w.manage("a"))
			key, other := l.Row().Key, "b"
			w.via("a", func(c lease.Call) lease.Fault {
				switch {
				case saves(c):
					return lease.Fault{Lost: true}
				case c.Op == "get":
					_, err := w.store(other).Update(t.Context(), key, lease.Change{Raise: true, SetOwner: &other})
					require.NoError(t, err)
				}
				return lease.Fault{}
			})
			_, err := l.Update(t.Context(), checkpoint(3))
			require.ErrorIs(t, err, stream.ErrLost)
			require.ErrorIs(t, err, stream.ErrUnknownOutcome)
			require.Equal(t, "3", w.now(key).Checkpoint)
		})
	}
}

// A take whose answer is lost is a take.
func TestLostAnswerOfATake(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		w.via("a", only("update", lease.Fault{Lost: true}, func(c lease.Call) bool { return c.Change.SetOwner != nil }))
		m := w.manage("a")
		began := time.Now()
		w.take("a", m)
		require.Less(t, time.Since(began), failover/2)
	})
}

// Leases are renewed while handlers do nothing at all, and a save is a renewal.
func TestRenewalWaitsForNobody(t *testing.T) {
	bubble(t, 3, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		var all []*lease.Lease
		for range 3 {
			all = append(all, w.take("a", m))
		}
		time.Sleep(20 * failover)
		for _, l := range all {
			require.True(t, l.Valid())
			require.False(t, closed(l.Lost()))
		}
		before := w.wrote()
		for n := range 100 {
			_, err := all[0].Update(t.Context(), checkpoint(n+1))
			require.NoError(t, err)
			time.Sleep(failover / 10)
		}
		require.LessOrEqual(t, w.wrote()-before, 100+2*36, "a lease that is saved often needs no renewals")
	})
}

// A table that refuses a third of all calls costs no lease.
func TestThrottledTable(t *testing.T) {
	bubble(t, 8, true, func(t *testing.T, w *world) {
		r := chance(1)
		told := 0
		throttle := func(lease.Call) lease.Fault {
			w.mu.Lock()
			defer w.mu.Unlock()
			if r.IntN(3) == 0 {
				return lease.Fault{Before: 20 * time.Millisecond, Err: stream.ErrThrottled}
			}
			return lease.Fault{Before: 20 * time.Millisecond}
		}
		w.via("a", throttle)
		w.join("a", func(c *lease.Config) {
			c.Observe = func(e stream.Event) {
				w.mu.Lock()
				defer w.mu.Unlock()
				if e.Kind == stream.EventThrottled && e.Member == "a" {
					told++
				}
			}
		})
		require.Less(t, until(4*failover, w.even), 4*failover)
		moves := w.moved()
		time.Sleep(50 * failover)
		require.True(t, w.even())
		require.Equal(t, moves, w.moved())
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Positive(t, told)
	})
}

// A member that cannot reach the table loses its leases by its own clock, before anybody else may take them, and its
// writes are refused. When the table is back it gets leases again.
func TestCutOff(t *testing.T) {
	both(t, 4, func(t *testing.T, w *world) {
		w.join("a")
		w.join("b")
		require.Less(t, until(4*failover, w.even), 4*failover)
		a := w.held("a")
		require.Len(t, a, 2)
		w.via("a", cut)
		require.Less(t, until(failover, func() bool { return closed(a[0].Lost()) }), failover)
		_, err := a[0].Update(t.Context(), checkpoint(99))
		require.ErrorIs(t, err, stream.ErrLost)
		require.Less(t, until(2*failover, func() bool { return w.counts()["b"] == 4 }), failover*3/2)
		w.via("a", nil)
		require.LessOrEqual(t, until(3*failover, w.even), 2*failover)
	})
}

// held are the valid leases of a member.
func (w *world) held(name string) []*lease.Lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*lease.Lease
	for _, grants := range w.leases {
		for _, g := range grants {
			if g.by == name && g.l.Valid() {
				all = append(all, g.l)
			}
		}
	}
	return all
}

// The only member of a group gets its leases back as soon as the table is.
func TestCutOffAlone(t *testing.T) {
	bubble(t, 4, true, func(t *testing.T, w *world) {
		w.join("a")
		time.Sleep(failover)
		w.via("a", cut)
		time.Sleep(5 * failover)
		require.Zero(t, w.counts()["a"])
		w.via("a", nil)
		require.Less(t, until(failover, w.even), failover)
	})
}

// A write that was on its way when its sender lost the lease is refused, although the sender holds the lease again.
func TestZombieWriteIsRefused(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		m := w.manage("a")
		old := w.take("a", m)
		late := only("update", lease.Fault{Before: 3 * failover}, saves)
		w.via("a", func(c lease.Call) lease.Fault {
			if f := late(c); f.Before > 0 {
				return f
			}
			return cut(c)
		})
		_, err := old.Update(t.Context(), checkpoint(1)) // arrives after three failover times
		require.ErrorIs(t, err, stream.ErrLost)
		require.ErrorIs(t, err, stream.ErrUnknownOutcome)
		w.via("a", nil)
		require.NoError(t, old.Release(t.Context()))
		l := w.take("a", m)
		for n := range 5 {
			_, err := l.Update(t.Context(), checkpoint(n+2))
			require.NoError(t, err)
		}
		time.Sleep(4 * failover)
		require.Equal(t, "6", w.now(l.Row().Key).Checkpoint)
		_, err = old.Update(t.Context(), checkpoint(1))
		require.ErrorIs(t, err, stream.ErrLost)
		require.True(t, l.Valid())
	})
}

// The end of a caller's context ends the caller's wait, not the lease.
func TestUpdateWithAContextThatEnds(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		l := w.take("a", w.manage("a"))
		w.via("a", only("update", lease.Fault{After: time.Second}, saves))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := l.Update(ctx, checkpoint(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, stream.ErrUnknownOutcome)
		got, err := l.Update(t.Context(), checkpoint(2))
		require.NoError(t, err)
		require.Equal(t, "2", got.Checkpoint)
	})
}

// Ended rows are nobody's any more, and rows whose gate is shut wait.
func TestWhatIsTaken(t *testing.T) {
	bubble(t, 4, true, func(t *testing.T, w *world) {
		m := w.manage("a", func(c *lease.Config) {
			c.Eligible = func(r lease.Row, all map[string]lease.Row) bool {
				return r.Key != row(1).Key || all[row(0).Key].Ended()
			}
			c.Confirm = func(_ context.Context, r lease.Row) (bool, error) { return r.Key != row(2).Key, nil }
		})
		got := map[string]*lease.Lease{}
		for range 2 {
			l := w.take("a", m)
			got[l.Row().Key] = l
		}
		require.Contains(t, got, row(0).Key)
		require.Contains(t, got, row(3).Key)
		time.Sleep(5 * failover)
		end := lease.AtEnd
		_, err := got[row(0).Key].Update(t.Context(), lease.Change{Checkpoint: &end})
		require.NoError(t, err)
		require.NoError(t, got[row(0).Key].Release(t.Context()))
		m.Wake()
		began := time.Now()
		require.Equal(t, row(1).Key, w.take("a", m).Row().Key)
		require.Less(t, time.Since(began), failover/10)
		time.Sleep(5 * failover)
		require.Empty(t, w.now(row(0).Key).Owner)
		require.Contains(t, m.Rows(), row(0).Key)
	})
}

// While somebody else assigns, nothing is taken.
func TestHold(t *testing.T) {
	bubble(t, 1, false, func(t *testing.T, w *world) {
		hold := true
		m := w.manage("a", func(c *lease.Config) {
			c.Hold = func() bool { w.mu.Lock(); defer w.mu.Unlock(); return hold }
		})
		time.Sleep(5 * failover)
		require.Empty(t, w.now(row(0).Key).Owner)
		w.mu.Lock()
		hold = false
		w.mu.Unlock()
		w.take("a", m)
	})
}
