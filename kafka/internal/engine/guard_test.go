package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestLateCheckpointIsRefusedWithoutAskingBrokers(t *testing.T) {
	for name, end := range map[string]func(r *reader, c *engine.Claim){
		"released": func(r *reader, c *engine.Claim) { require.NoError(r.t, c.Release(r.t.Context(), false)) },
		"revoked":  func(r *reader, c *engine.Claim) { <-r.m.take(0) },
		"lost":     func(r *reader, c *engine.Claim) { r.m.Lost([]engine.Partition{at("t", 0)}) },
		"failed":   func(r *reader, c *engine.Claim) { r.m.Failed(errors.New("fenced")) },
		"closed":   func(r *reader, c *engine.Claim) { require.NoError(r.t, r.Close(r.t.Context())) },
		"killed":   func(r *reader, c *engine.Claim) { r.Abandon() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(10)
				r := open(t, w)
				r.m.give(0)
				c := r.grant()
				require.NoError(t, r.save(c, 2))
				before := w.calls()
				end(r, c)
				require.ErrorIs(t, r.save(c, 5), stream.ErrLost)
				require.ErrorIs(t, c.Guarded(t.Context(), func(context.Context, engine.Membership) error {
					t.Error("a write runs although the partition is gone")
					return nil
				}), stream.ErrLost)
				require.Equal(t, before, w.calls())
				require.EqualValues(t, 3, w.committed(0))
			})
		})
	}
}

// A member that was expelled may be in the group again, under another id, before it learns of it. Brokers would take its
// checkpoint of a partition that somebody else has.
func TestCheckpointOfAFormerMembershipIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10)
		r := open(t, w)
		r.m.give(0)
		c := r.grant()
		require.NoError(t, r.save(c, 2))
		before := w.calls()
		r.m.mu.Lock()
		r.m.forgotten = true
		r.m.mu.Unlock()
		require.ErrorIs(t, r.save(c, 5), stream.ErrLost)
		require.Equal(t, before, w.calls())
		require.EqualValues(t, 3, w.committed(0))
	})
}

func TestRevokeWaitsForTheWriteUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10)
		r := open(t, w)
		r.m.give(0)
		c := r.grant()
		w.onCommit = func(context.Context, commitCall) error { time.Sleep(2 * time.Second); return nil }
		saved := make(chan error, 1)
		go func() { saved <- r.save(c, 4) }()
		synctest.Wait()
		given := r.m.take(0)
		synctest.Wait()
		require.True(t, closed(c.Hold().Asked))
		require.False(t, closed(given))
		require.NoError(t, <-saved)
		require.False(t, closed(given), "the claim is not released")
		require.NoError(t, c.Release(t.Context(), false))
		<-given
		require.EqualValues(t, 5, w.committed(0))
		require.False(t, closed(c.Hold().Lost))
	})
}

func TestLossCancelsTheWriteUnderWayAndWaitsForIt(t *testing.T) {
	for name, lose := range map[string]func(r *reader){
		"lost":            func(r *reader) { r.m.Lost([]engine.Partition{at("t", 0)}) },
		"revoked in vain": func(r *reader) { <-r.m.take(0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(10)
				r := open(t, w)
				r.m.give(0)
				c := r.grant()
				var running atomic.Bool
				w.onCommit = func(ctx context.Context, _ commitCall) error {
					running.Store(true)
					<-ctx.Done()
					time.Sleep(300 * time.Millisecond) // the library takes a while to notice
					running.Store(false)
					return ctx.Err()
				}
				saved := make(chan error, 1)
				go func() { saved <- r.save(c, 4) }()
				synctest.Wait()
				lose(r)
				require.False(t, running.Load(), "the partition is given away while a write is under way")
				require.ErrorIs(t, <-saved, stream.ErrLost)
				require.True(t, closed(c.Hold().Lost))
			})
		})
	}
}

func TestHangingWriteDoesNotHoldUpALossForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10)
		r := open(t, w)
		r.m.give(0)
		c := r.grant()
		w.onCommit = func(context.Context, commitCall) error { time.Sleep(time.Hour); return errors.New("late") }
		saved := make(chan error, 1)
		go func() { saved <- r.save(c, 4) }()
		synctest.Wait()
		begun := time.Now()
		r.m.Lost([]engine.Partition{at("t", 0)})
		require.LessOrEqual(t, time.Since(begun), 2*time.Second)
		require.ErrorIs(t, <-saved, stream.ErrLost)
	})
}

func TestGuardedWritesOfOneClaimAreSerialised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.give(0)
		c := r.grant()
		var running, most atomic.Int32
		done := make(chan error, 20)
		for range cap(done) {
			go func() {
				done <- c.Guarded(t.Context(), func(context.Context, engine.Membership) error {
					most.Store(max(most.Load(), running.Add(1)))
					time.Sleep(10 * time.Millisecond)
					running.Add(-1)
					return nil
				})
			}()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
		require.EqualValues(t, 1, most.Load())
	})
}

func TestWaitingForTheTurnEndsWithTheContextOrTheClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.give(0)
		c := r.grant()
		go func() {
			_ = c.Guarded(t.Context(), func(ctx context.Context, _ engine.Membership) error { <-ctx.Done(); return ctx.Err() })
		}()
		synctest.Wait()
		never := func(context.Context, engine.Membership) error { t.Error("a write runs"); return nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Guarded(ctx, never), context.DeadlineExceeded)
		waiting := make(chan error, 1)
		go func() { waiting <- c.Guarded(t.Context(), never) }()
		synctest.Wait()
		require.NoError(t, c.Release(t.Context(), false))
		require.ErrorIs(t, <-waiting, stream.ErrLost)
	})
}

func TestWaitingBehindAWriteThatHangsEndsWithTheClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.give(0)
		c := r.grant()
		hang := make(chan struct{})
		go func() {
			_ = c.Guarded(t.Context(), func(context.Context, engine.Membership) error { <-hang; return nil })
		}()
		synctest.Wait()
		waiting := make(chan error, 1)
		go func() { waiting <- r.save(c, 3) }()
		synctest.Wait()
		r.m.Lost([]engine.Partition{at("t", 0)})
		require.ErrorIs(t, <-waiting, stream.ErrLost)
		close(hang)
	})
}

func TestNoWriteWithoutAGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10)
		r := open(t, w)
		r.m.give(0)
		c := r.grant()
		before := w.calls()
		r.m.become(-1)
		require.ErrorIs(t, r.save(c, 4), stream.ErrLost)
		require.Equal(t, before, w.calls())
	})
}

func TestCheckpointIsTriedAgainUnderTheNextGeneration(t *testing.T) {
	for _, code := range []int16{22, 27, 113} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(10)
			r := open(t, w)
			r.m.give(0)
			c := r.grant()
			w.onCommit = func(_ context.Context, call commitCall) error {
				if call.m.Generation == 1 {
					return engine.Map(engine.Failed(code, nil))
				}
				return nil
			}
			time.AfterFunc(200*time.Millisecond, func() { r.m.become(2) })
			require.NoError(t, r.save(c, 4))
			require.EqualValues(t, 5, w.committed(0))
			require.EqualValues(t, 2, w.commits[len(w.commits)-1].m.Generation)
		})
	}
}

func TestCheckpointThatIsRefusedForGoodIsLost(t *testing.T) {
	for code, most := range map[int16]int{25: 1, 22: 10} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(10)
			r := open(t, w)
			r.m.give(0)
			c := r.grant()
			tries := 0
			w.onCommit = func(context.Context, commitCall) error { tries++; return engine.Map(engine.Failed(code, nil)) }
			require.ErrorIs(t, r.save(c, 4), stream.ErrLost)
			require.LessOrEqual(t, tries, most)
		})
	}
}

func TestAbandonWaitsForTheAnswerOfTheWriteUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10)
		r := open(t, w)
		r.m.give(0)
		c := r.grant()
		w.onCommit = func(context.Context, commitCall) error { time.Sleep(100 * time.Millisecond); return nil }
		saved := make(chan error, 1)
		go func() { saved <- r.save(c, 4) }()
		synctest.Wait()
		r.Abandon()
		require.NoError(t, <-saved, "it is stored, and is said to be")
		require.EqualValues(t, 5, w.committed(0))
		require.ErrorIs(t, r.save(c, 5), stream.ErrLost)
	})
}

func TestMemberThatTheGroupHasForgottenLooksAtOnce(t *testing.T) {
	for code, doubts := range map[int16]int32{25: 1, 22: 0, 113: 0} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(10)
			r := open(t, w)
			r.m.give(0)
			c := r.grant()
			w.onCommit = func(context.Context, commitCall) error { return engine.Map(engine.Failed(code, nil)) }
			require.ErrorIs(t, r.save(c, 4), stream.ErrLost)
			require.Equal(t, doubts, r.m.doubts.Load(), "code %d", code)
		})
	}
}
