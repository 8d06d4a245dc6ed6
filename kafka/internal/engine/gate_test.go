package engine_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestGateBoundsRecordsAndBytes(t *testing.T) {
	g := engine.NewGate(3, 100)
	n, err := g.Enter(t.Context(), []int64{40, 40, 40}, nil)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = g.Enter(ended, []int64{40}, nil)
	require.ErrorIs(t, err, context.Canceled)
	n, err = g.Enter(t.Context(), []int64{20, 0}, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Zero(t, g.TryEnter(0), "three records are inside")
	for _, size := range []int64{40, 40, 20} {
		g.Leave(size)
	}
	records, bytes := g.Used()
	require.Zero(t, records)
	require.Zero(t, bytes)
	require.Equal(t, 1, g.TryEnter(1000, 1), "one that is too large for the gate passes alone")
	g.Leave(1000)
	_, bytes = g.Used()
	require.Zero(t, bytes)
}

func TestGateLetsWaitersInByTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := engine.NewGate(1, 100)
		require.Equal(t, 1, g.TryEnter(1))
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				stalled := false
				_, err := g.Enter(t.Context(), []int64{1}, func() { stalled = true })
				if err != nil || !stalled {
					t.Errorf("%v, %v", err, stalled)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				g.Leave(1)
			})
			synctest.Wait()
		}
		g.Leave(1)
		wg.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4}, order)
	})
}

func TestGateShutTurnsEverybodyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := engine.NewGate(1, 100)
		require.Equal(t, 1, g.TryEnter(1))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := g.Enter(t.Context(), []int64{1}, nil)
				if err != stream.ErrClosed {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		g.Shut()
		wg.Wait()
		g.Leave(1)
		require.Zero(t, g.TryEnter(1))
		_, err := g.Enter(t.Context(), []int64{1}, nil)
		require.ErrorIs(t, err, stream.ErrClosed)
	})
}

// TestGateLosesNobody has many enter and leave, some of whom give up, and ends only when nobody was forgotten in line.
func TestGateLosesNobody(t *testing.T) {
	g := engine.NewGate(3, 50)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 500 {
				ctx, cancel := context.WithCancel(t.Context())
				if (i+j)%5 == 0 {
					ctx, cancel = context.WithTimeout(t.Context(), time.Microsecond)
				}
				size := int64((i*j)%30 + 1)
				if n, err := g.Enter(ctx, []int64{size}, nil); err == nil && n == 1 {
					now := inside.Add(1)
					for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
					}
					inside.Add(-1)
					g.Leave(size)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int64(3))
	records, bytes := g.Used()
	require.Zero(t, records)
	require.Zero(t, bytes)
}
