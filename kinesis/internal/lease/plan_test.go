package lease

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// From any distribution, members that plan one after another end even, and nobody takes more than is needed for that. Once
// it is even nobody plans anything.
func TestPlansEndEven(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 3))
		owners := []string{"a", "b", "c", "d", "e"}[:1+r.IntN(5)]
		tab := table{rows: map[string]Row{}, held: map[string][]string{}}
		for _, owner := range owners {
			tab.held[owner] = nil
		}
		shards := r.IntN(40)
		for i := range shards {
			key := fmt.Sprint(i)
			tab.rows[key] = Row{Key: key}
			if n := r.IntN(len(owners) + 1); n < len(owners) {
				tab.held[owners[n]] = append(tab.held[owners[n]], key)
			} else {
				tab.free = append(tab.free, free{key, time.Second})
			}
		}
		even, moved := false, 0
		for round := 0; !even; round++ {
			require.Less(t, round, 20, "seed %d: %v", seed, tab.held)
			even = true
			for _, me := range owners {
				p := tab.plan(me, mostSteals, time.Hour, r)
				moved += len(p.take) + len(p.steal)
				even = even && len(p.take)+len(p.steal) == 0
				tab.do(me, p)
			}
		}
		for _, owner := range owners {
			n := len(tab.held[owner])
			require.GreaterOrEqual(t, n, shards/len(owners), "seed %d: %v", seed, tab.held)
			require.LessOrEqual(t, n, (shards+len(owners)-1)/len(owners), "seed %d: %v", seed, tab.held)
		}
		require.LessOrEqual(t, moved, shards, "seed %d: a lease moved twice", seed)
		require.Empty(t, tab.free)
	}
}

// do carries a plan out.
func (t *table) do(me string, p plan) {
	moving := map[string]bool{}
	for _, key := range append(p.take[:len(p.take):len(p.take)], p.steal...) {
		moving[key] = true
	}
	var left []free
	for _, f := range t.free {
		if !moving[f.key] {
			left = append(left, f)
		}
	}
	t.free = left
	for owner, keys := range t.held {
		var kept []string
		for _, key := range keys {
			if !moving[key] {
				kept = append(kept, key)
			}
		}
		t.held[owner] = kept
	}
	for key := range moving {
		t.held[me] = append(t.held[me], key)
	}
}

// What is idle for long comes first, and is taken over one's share by one a round; leases on their way are left alone.
func TestPlanOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	tab := table{
		rows: map[string]Row{"z": {HandOver: "c"}},
		held: map[string][]string{"a": nil, "b": {"x", "y", "z"}},
		free: []free{{"new", time.Second}, {"old", time.Hour}, {"older", 2 * time.Hour}},
	}
	require.Equal(t, []string{"older", "old", "new"}, tab.plan("a", 9, time.Minute, r).take)
	require.Equal(t, []string{"older"}, tab.plan("b", 9, time.Minute, r).take)
	tab.free = nil
	require.Equal(t, 1, len(tab.plan("a", 9, time.Minute, r).steal), "nobody has seen it yet")
	tab.held["b"] = []string{"z", "z2", "z3"}
	tab.rows["z2"], tab.rows["z3"] = Row{HandOver: "c"}, Row{HandOver: "c"}
	require.Empty(t, tab.plan("a", 9, time.Minute, r).steal)
}

// The margin never takes more than a quarter of the failover time.
func TestValidity(t *testing.T) {
	for failover, valid := range map[time.Duration]time.Duration{
		10 * time.Second: 9 * time.Second, 30 * time.Second: 27 * time.Second, 4 * time.Second: 3500 * time.Millisecond,
		time.Second: 750 * time.Millisecond, 100 * time.Millisecond: 75 * time.Millisecond,
	} {
		require.Equal(t, valid, Config{Failover: failover}.valid(), failover)
	}
}
