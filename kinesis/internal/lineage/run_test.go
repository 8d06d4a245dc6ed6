package lineage_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/stream"
)

func (s *stub) listings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func TestRunPassesWhenWokenAndNotTooOften(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(listedZero)
		y := s.open(t, stream.Latest())
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := y.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		defer wg.Wait()
		defer cancel()
		time.Sleep(40 * time.Second)
		require.Equal(t, 1, s.listings(), "a minute, less a fifth, has not gone by")
		s.list(split()...)
		y.Wake()
		synctest.Wait()
		require.Equal(t, 2, s.listings())
		require.Equal(t, []string{zero}, s.row(t, two).Parents)
		for range 1000 {
			y.Wake()
			time.Sleep(10 * time.Millisecond)
		}
		require.LessOrEqual(t, s.listings(), 2+4)
		time.Sleep(time.Hour)
		require.InDelta(t, 60, s.listings()-5, 15)
	})
}

func TestRunSettlesADoubtAsSoonAsItCan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(merged())
		y := s.open(t, stream.Latest())
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { _ = y.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		begins := func() bool {
			open, err := y.Gate(ctx, s.row(t, three))
			require.NoError(t, err)
			return open
		}
		time.Sleep(29 * time.Second)
		require.False(t, begins())
		time.Sleep(2 * time.Second)
		require.True(t, begins())
	})
}

func TestRunEndsWhenTheStreamIsMadeAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(listedZero)
		y := s.open(t, stream.Latest())
		time.Sleep(time.Hour)
		s.created = time.Now()
		require.ErrorIs(t, y.Run(context.Background()), lineage.ErrReborn)
	})
}
