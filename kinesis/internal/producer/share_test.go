package producer_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

func TestShareLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.trip, f.limited = 20*time.Millisecond, true
		s := someSettings()
		s.Aggregation, s.Share = settings.SameKey, 0.5
		r := open(t, f, s, someConfig())
		load(r, []sender{{keys: []string{"hot"}, size: 100}})
		use, _, throttled := usage(f)
		require.InDelta(t, 0.5, use["bytes"], 0.02)
		require.Zero(t, throttled)
	})
}

// TestProducersOfOneShardFindTheirPace has two producers that each would take all of it.
func TestProducersOfOneShardFindTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.trip, f.limited = 20*time.Millisecond, true
		var wg sync.WaitGroup
		for i := range 2 {
			s := someSettings()
			s.Aggregation = settings.SameKey
			r := open(t, f, s, someConfig())
			wg.Go(func() { load(r, []sender{{keys: []string{fmt.Sprint("hot", i)}, size: 100}}) })
		}
		wg.Wait()
		use, _, throttled := usage(f)
		t.Logf("two producers: %.3f of 1 MiB/s, %.2f %% of entries throttled", use["bytes"], 100*throttled)
		require.GreaterOrEqual(t, use["bytes"], 0.8)
		require.LessOrEqual(t, throttled, 0.2)
	})
}

// TestManyKeys has more keys than lanes are kept for.
func TestManyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys = 40_000
		f := newFake(64)
		s := someSettings()
		s.Share = 1000
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		for round := range 2 {
			var recs []*stream.Record
			for i := range keys {
				recs = append(recs, record(fmt.Sprint("k", i), fmt.Sprint(round)))
			}
			r.Append(t.Context(), recs, r.done)
		}
		r.settle()
		require.Equal(t, 2*keys, r.count())
		require.Len(t, f.log, 2*keys)
		last := map[string]string{}
		for _, e := range f.log {
			require.LessOrEqual(t, last[e.key], string(e.data))
			last[e.key] = string(e.data)
		}
	})
}
