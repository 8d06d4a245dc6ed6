package kafkago

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestSizeIsCountedAsBrokersCount(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	var got atomic.Int64
	c.ControlKey(produceKey, func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		got.Store(int64(len(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records)))
		return nil, nil, false
	})
	for _, r := range []*stream.Record{
		{}, {Key: []byte{}, Value: []byte{}}, {Key: make([]byte, 63)}, {Key: make([]byte, 64), Value: make([]byte, 8191)},
		{Value: make([]byte, 8192)}, {Headers: []stream.Header{{Key: "a", Value: make([]byte, 70)}, {Key: ""}}},
		{Value: make([]byte, 1_000_000), Headers: make([]stream.Header, 100)},
	} {
		r.Stream = "t"
		s.Append(t.Context(), []*stream.Record{r}, a.done)
		require.Equal(t, []error{nil}, a.wait(r))
		require.Equal(t, engine.BatchSize(r), got.Load())
	}
}

func TestTooLargeBeforeAnythingIsSent(t *testing.T) {
	for _, limit := range []int64{100, 2000, 20_000, 1_048_588} {
		c := fakeCluster(t, kfake.SeedTopics(1, "t"))
		settings := sinkSettings(c.ListenAddrs())
		settings.BatchBytes = 10 << 20
		s := openTestSink(t, settings, sinkConfig(), limits{"t": limit})
		a := newAnswered(t)
		known := &stream.Record{Stream: "t"} // by its answer franz-go knows how the broker wants batches
		s.Append(t.Context(), []*stream.Record{known}, a.done)
		require.Equal(t, []error{nil}, a.wait(known))
		fits := &stream.Record{Stream: "t", Value: make([]byte, limit)}
		for engine.BatchSize(fits) > limit {
			fits.Value = fits.Value[1:]
		}
		over := &stream.Record{Stream: "t", Value: make([]byte, len(fits.Value)+1)}
		s.Append(t.Context(), []*stream.Record{over}, a.done)
		require.Equal(t, 1, a.count(over), "it is answered at once")
		require.ErrorIs(t, a.wait(over)[0], stream.ErrTooLarge)
		s.Append(t.Context(), []*stream.Record{over, fits}, a.done)
		require.NoError(t, a.wait(fits)[0], "limit %d", limit)
		require.Len(t, readTopic(t, c.ListenAddrs(), "t", 2), 2)
	}
}

// TestFailureLeavesNoGap refuses the first batch while others of its partition follow: those that were accepted before the
// failure fail too, and what was accepted later is stored, without a gap between.
func TestFailureLeavesNoGap(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(2, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes, settings.PlaceByRecord = 512, true
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	fault := c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Partitions: []int32{0}, Err: kerr.InvalidRecord, Count: 1,
	})
	failing, other := keyed("t", "failing", 200), keyed("t", "other", 200)
	for i := range failing {
		failing[i].Partition, other[i].Partition = "0", "1"
	}
	s.Append(t.Context(), failing, a.done)
	s.Append(t.Context(), other, a.done)
	good := 0
	for i, err := range a.wait(failing...) {
		if err == nil {
			good++
			continue
		}
		require.ErrorIs(t, err, stream.ErrInvalid, "record %d", i)
		require.Zero(t, good, "record %d failed after one behind it was stored", i)
	}
	require.Less(t, good, 200)
	for _, err := range a.wait(other...) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, fault.Hits())
	after := keyed("t", "failing", 3)
	for _, r := range after {
		r.Partition = "0"
	}
	s.Append(t.Context(), after, a.done)
	require.Equal(t, []error{nil, nil, nil}, a.wait(after...))
	require.Len(t, readTopic(t, c.ListenAddrs(), "t", 203+good), 203+good)
}

func TestOrderSurvivesLeaderMoves(t *testing.T) {
	c := fakeCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(3, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes = 512
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 3000)
	for i := range 30 {
		c.ShufflePartitionLeaders()
		s.Append(t.Context(), recs[i*100:][:100], a.done)
		if i%5 == 0 {
			require.NoError(t, s.Flush(t.Context()))
		}
	}
	for _, err := range a.wait(recs...) {
		require.NoError(t, err)
	}
	require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", len(recs))))
}
