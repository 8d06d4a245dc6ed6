package producer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
)

func TestRecordsOfAKeyGoOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(4)
		f.trip = 20 * time.Millisecond
		r := open(t, f, someSettings(), someConfig())
		defer r.shutDown()
		a, b := keyed("a", 10), keyed("b", 10)
		for i := range a {
			r.send(a[i], b[i])
		}
		r.settle()
		require.Equal(t, values(a), r.values("a"))
		require.Equal(t, values(b), r.values("b"))
		require.Zero(t, f.overlaps)
		for _, rec := range append(a, b...) {
			got := r.of(t, rec)
			require.NoError(t, got.err)
			require.NotEmpty(t, got.ack.Partition)
			require.False(t, got.ack.Duplicate)
			require.False(t, got.ack.Position.IsZero())
		}
	})
}

func TestWaitingRecordsOfAKeyShareAKinesisRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(4)
		f.trip = 20 * time.Millisecond
		s := someSettings()
		s.Aggregation = settings.SameKey
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		a := keyed("a", 100)
		r.send(a...)
		r.settle()
		require.Equal(t, values(a), r.values("a"))
		require.LessOrEqual(t, len(f.log), 2)
		for i, p := range r.stored() {
			got := r.of(t, a[i]).ack
			_, sub, _ := got.Position.Parts()
			require.EqualValues(t, p.sub, sub)
			require.Equal(t, p.shard, got.Partition)
		}
	})
}
