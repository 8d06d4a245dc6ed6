package producer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

const (
	warmUp   = 5 * time.Second // in which the burst is over
	measured = 10 * time.Second
)

// TestHotKeyUsesItsShard has one key of 100-byte records, and a round trip of 20 ms.
func TestHotKeyUsesItsShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.trip, f.limited = 20*time.Millisecond, true
		s := someSettings()
		s.Aggregation = settings.SameKey
		r := open(t, f, s, someConfig())
		load(r, []sender{{keys: []string{"hot"}, size: 100}})
		use, records, throttled := usage(f)
		t.Logf("hot key: %.3f of 1 MiB/s, %.0f records a second, %.2f %% of entries throttled",
			use["bytes"], records, 100*throttled)
		require.GreaterOrEqual(t, use["bytes"], 0.95)
		require.LessOrEqual(t, throttled, 0.01)
	})
}

// TestShardsAreUsed offers each of 16 shards more than its limit, of bytes or of records, by uneven keys.
func TestShardsAreUsed(t *testing.T) {
	for what, size := range map[string]int{"bytes": 8000, "records": 100} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const shards = 16
				f := newFake(shards)
				f.trip, f.limited = 15*time.Millisecond, true
				f.slowest = func() time.Duration { return rand.N(10 * time.Millisecond) }
				r := open(t, f, someSettings(), someConfig())
				load(r, senders(f, size))
				use, _, throttled := usage(f)
				t.Logf("%s: %.3f of the shards' limit, %.2f %% of entries throttled, %d requests",
					what, use[what], 100*throttled, f.calls)
				require.GreaterOrEqual(t, use[what], 0.95)
				require.LessOrEqual(t, throttled, 0.01)
			})
		})
	}
}

// A sender offers records as fast as they are taken.
type sender struct {
	keys []string
	size int
}

// senders makes one for each shard, with 400 keys of which some occur five times as often as others.
func senders(f *fake, size int) []sender {
	m := shard.NewMap(f.shards)
	byShard := map[string][]string{}
	for i := 0; len(byShard) < len(f.shards) || i < 400*len(f.shards); i++ {
		key := fmt.Sprintf("key-%d", i)
		s, _ := m.Find(shard.HashKey(key))
		for range 1 + i%5 {
			byShard[s.ID] = append(byShard[s.ID], key)
		}
	}
	var all []sender
	for _, s := range f.shards {
		all = append(all, sender{byShard[s.ID], size})
	}
	return all
}

// load sends until the time is over.
func load(r *rig, all []sender) {
	ctx, cancel := context.WithTimeout(context.Background(), warmUp+measured)
	defer cancel()
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(i), 0))
			for ctx.Err() == nil {
				var batch [16]*stream.Record
				for j := range batch {
					batch[j] = record(s.keys[dice.IntN(len(s.keys))], "")
					batch[j].Value = make([]byte, s.size)
				}
				r.Append(ctx, batch[:], func(stream.Ack, error) {})
				time.Sleep(time.Microsecond) // lets the others in: none fills the whole buffer
			}
		})
	}
	wg.Wait()
	r.shutDown()
}

// usage is what part of the shards' limits was used after the burst, user records a second, and the part of entries
// that were throttled.
func usage(f *fake) (use map[string]float64, records, throttled float64) {
	first := f.log[0].time.Add(warmUp)
	var bytes, entries int
	for _, e := range f.log {
		if e.time.Before(first) || e.time.After(first.Add(measured)) {
			continue
		}
		entries++
		bytes += len(e.key) + len(e.data)
	}
	for _, p := range f.stored() {
		_ = p
		records++
	}
	shards := float64(len(f.shards)) * measured.Seconds()
	use = map[string]float64{"bytes": float64(bytes) / (1 << 20) / shards, "records": float64(entries) / 1000 / shards}
	return use, records / (warmUp + measured).Seconds(), float64(f.throttles) / float64(f.entries)
}
