package consumer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/consumer"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// fault sets what happens to calls of the lease table.
func (w *world) fault(f func(lease.Call) lease.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = f
}

// The end of a shard stands: no checkpoint is written over it, whatever became of the answer to its writer.
func TestNoCheckpointIsWrittenOverTheEnd(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		claim := w.next(w.open(w.config("g")))
		rec := w.take(claim, 1)[0]
		end := lease.AtEnd
		_, err := w.tables["g-"+name].Update(w.ctx, claim.Hold().Partition, lease.Change{Checkpoint: &end})
		require.NoError(w, err)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: rec.Position}), stream.ErrLost)
		require.Equal(w, lease.AtEnd, w.rows("g")[claim.Hold().Partition].Checkpoint)
	})
}

// Fetch looks at the clock itself: after a pause of the process, a handler may run before anybody has noticed that the
// lease is over.
func TestFetchKnowsWhenTheLeaseIsOver(t *testing.T) {
	const shards = 16
	run(t, shards, func(w *world) {
		w.putAll("a")
		w.putAll("b")
		var mu sync.Mutex
		renewed := map[string]time.Time{}
		cut := false
		w.fault(func(c lease.Call) lease.Fault {
			mu.Lock()
			defer mu.Unlock()
			if c.Op == "update" && !cut {
				renewed[c.Key] = time.Now()
			}
			if cut {
				return lease.Fault{Err: stream.ErrThrottled}
			}
			return lease.Fault{}
		})
		s := w.open(w.config("g"))
		var claims []stream.Claim
		for range shards {
			claims = append(claims, w.next(s))
		}
		time.Sleep(time.Minute)
		mu.Lock()
		cut = true
		mu.Unlock()
		var wg sync.WaitGroup
		for _, c := range claims {
			over := renewed[c.Hold().Partition].Add(w.set.Failover * 9 / 10)
			wg.Go(func() {
				time.Sleep(time.Until(over))
				ctx, cancel := context.WithTimeout(w.ctx, time.Second)
				defer cancel()
				_, err := c.Fetch(ctx, make([]stream.Record, 1))
				require.ErrorIs(w, err, stream.ErrLost)
			})
		}
		wg.Wait()
		w.fault(nil)
	})
}

// A member whose Run is ending takes nothing any more: what one handler has given back is others' while another handler
// still works.
func TestLeavingMemberTakesNothing(t *testing.T) {
	run(t, 4, func(w *world) {
		s := w.open(w.config("g"))
		var claims []stream.Claim
		for range 4 {
			claims = append(claims, w.next(s))
		}
		w.noNext(s, time.Second)
		for _, c := range claims[:3] {
			w.release(c, false)
		}
		time.Sleep(2 * w.set.Failover)
		for _, c := range claims[:3] {
			require.Empty(w, w.rows("g")[c.Hold().Partition].Owner)
		}
		require.NotEmpty(w, w.rows("g")[claims[3].Hold().Partition].Owner)
		w.next(s) // whoever wants more is given more
	})
}

// A stream that was deleted and made anew under a running group is another stream: the group ends with an error that says
// so, and nothing of its rows is changed.
func TestStreamMadeAnewEndsTheGroup(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		s := w.open(w.config("g"))
		claim := w.next(s)
		w.save(claim, w.take(claim, 1)[0])
		before := w.rows("g")[claim.Hold().Partition]
		time.Sleep(time.Minute)
		require.NoError(w, w.server.Drop(name))
		require.NoError(w, w.server.Create(name, 1))
		w.put("k", "new")
		_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
		require.Error(w, err, "a record of another stream")
		ctx, cancel := context.WithTimeout(w.ctx, 3*w.set.SyncEvery)
		defer cancel()
		_, err = s.Next(ctx)
		require.ErrorIs(w, err, stream.ErrInvalid)
		require.ErrorContains(w, err, "another stream")
		w.release(claim, false)
		require.Equal(w, before.Checkpoint, w.rows("g")[claim.Hold().Partition].Checkpoint)
		_, err = consumer.New(w.ctx, w.deps, w.set, w.config("g"))
		require.ErrorContains(w, err, "another stream")
	})
}

// Lag of a group that keeps its checkpoints elsewhere, and has never run, makes no table.
func TestLagByPositionsFromElsewhereMakesNoTable(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		time.Sleep(time.Minute)
		c := w.config("g")
		c.External = true
		lags, err := consumer.Lag(w.ctx, w.deps, w.set, c, func(string, string) (stream.Position, error) {
			return stream.Position{}, nil
		})
		require.NoError(w, err)
		require.True(w, lags[0].Millis.Known)
		require.GreaterOrEqual(w, lags[0].Millis.N, time.Minute.Milliseconds())
		require.Empty(w, w.tables)
	})
}

// An empty state is none that is missing.
func TestEmptyStateIsKept(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b", "c")
		s := w.open(w.config("g"))
		claim := w.next(s)
		recs := w.take(claim, 3)
		for i, state := range [][]byte{{}, nil, {1}} {
			require.NoError(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: recs[i].Position, State: state}))
			w.release(claim, false)
			claim = w.next(s)
			require.Equal(w, stream.Checkpoint{Position: recs[i].Position, State: state}, claim.Hold().Saved)
		}
	})
}
