package lease_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// both runs a test in a table that only this library uses, and in one that others may use.
func both(t *testing.T, shards int, f func(t *testing.T, w *world)) {
	for name, goOnly := range map[string]bool{"asked for": true, "taken": false} {
		t.Run(name, func(t *testing.T) { bubble(t, shards, goOnly, f) })
	}
}

// Five members and 64 leases: after every join, leave and crash, everybody has as much as the others within two failover
// times. A lease taken from a live owner is used a failover time later.
func TestFleetEndsEven(t *testing.T) {
	both(t, 64, func(t *testing.T, w *world) {
		bound := 2 * failover
		settle := func(what string) {

			took := until(3*failover, w.even)
			t.Logf("even %.2f failover times after %s: %v", float64(took)/float64(failover), what, w.counts())
			require.LessOrEqual(t, took, bound, "%s: %v", what, w.counts())
			time.Sleep(3 * failover)
			require.True(t, w.even(), "%s: %v", what, w.counts())
			moves := w.moved()
			time.Sleep(10 * failover)
			require.Equal(t, moves, w.moved(), "leases go on moving after %s", what)
		}
		w.join("a")
		settle("the first joined")
		w.join("b")
		settle("the second joined")
		for _, name := range []string{"c", "d", "e"} {
			w.join(name)
		}
		settle("three joined at once")
		w.leave("a")
		settle("one left")
		w.crash("b")
		settle("one crashed")
		w.crash("c")
		w.join("f")
		settle("one crashed as another joined")
	})
}

// All begin at the same moment, with a table that nobody has touched.
func TestFleetBeginsEven(t *testing.T) {
	both(t, 64, func(t *testing.T, w *world) {
		for i := range 5 {
			w.join(fmt.Sprintf("member-%d", i))
		}
		took := until(3*failover, w.even)
		require.LessOrEqual(t, took, 2*failover, "%v", w.counts())
	})
}

// A killed member's leases are used by others within one and a half failover times, whenever it is killed.
func TestFailoverTime(t *testing.T) {
	worst := time.Duration(0)
	for seed := range uint64(50) {
		bubble(t, 9, seed%2 == 0, func(t *testing.T, w *world) {
			r := chance(seed)
			for _, name := range []string{"a", "b", "c"} {
				w.join(fmt.Sprint(name, seed))
			}
			time.Sleep(4*failover + time.Duration(r.Int64N(int64(failover))))
			require.True(t, w.even(), "%v", w.counts())
			w.crash(fmt.Sprint("a", seed))
			worst = max(worst, until(3*failover, w.even))
		})
	}
	t.Logf("the slowest of 50: %.2f failover times", float64(worst)/float64(failover))
	require.LessOrEqual(t, worst, failover*3/2)
}

// A member that leaves is not waited for.
func TestLeaveFreesLeasesAtOnce(t *testing.T) {
	both(t, 6, func(t *testing.T, w *world) {
		w.join("a")
		w.join("b")
		time.Sleep(4 * failover)
		w.leave("a")
		require.LessOrEqual(t, until(failover, w.even), failover/2)
	})
}
