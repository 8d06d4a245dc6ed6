package streamtest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// cuttable is a harness whose backend can be taken off its network. While it is, appends are not answered for a second;
// then those that lost says fail, and the others are stored.
func cuttable(lost func(nth int64) bool) func(testing.TB) Harness {
	return func(t testing.TB) Harness {
		var cut atomic.Bool
		var nth atomic.Int64
		h := mutated(memory.Kafka, func() *mutant {
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					if !cut.Load() || len(recs[0].Value) > 1<<20 {
						next(ctx, recs, done)
						return
					}
					n := nth.Add(1)
					time.AfterFunc(time.Second, func() {
						if !lost(n) {
							next(ctx, recs, done)
							return
						}
						for _, rec := range recs {
							done(stream.Ack{Record: rec}, context.DeadlineExceeded)
						}
					})
				}
			}}
		})(t)
		h.Cut = func() (func(), error) {
			cut.Store(true)
			return func() { cut.Store(false) }, nil
		}
		return h
	}
}

func TestKeyOrderIsTriedWithTheNetworkCut(t *testing.T) {
	all := func(int64) bool { return true }
	v := try(t, cuttable(all), true, ruleOf(t, "KeyOrder"))
	require.Empty(t, v.failures)
	require.Empty(t, try(t, cuttable(all), true, ruleOf(t, "SizeFirst")).failures)

	some := func(nth int64) bool { return nth%3 == 1 }
	v = try(t, cuttable(some), true, ruleOf(t, "KeyOrder"))
	require.NotEmpty(t, v.failures, "later records of a key were stored, and the first failed")

	none := func(int64) bool { return false }
	v = try(t, cuttable(none), true, ruleOf(t, "KeyOrder"))
	require.Contains(t, v.text(), "nothing failed")
}
