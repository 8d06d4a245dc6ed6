package franz

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/stream"
)

// TestOverdueIsAnswered: a broker asks for a batch once more while a later one of its partition is being put into a
// request, just after another broker has refused a batch so that the epoch changes. Franz-go forgets the first batch then.
func TestOverdueIsAnswered(t *testing.T) {
	c := fakeCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "t", "u", "elsewhere"))
	require.NoError(t, c.MoveTopicPartition("t", 0, 0))
	require.NoError(t, c.MoveTopicPartition("u", 0, 0))
	require.NoError(t, c.MoveTopicPartition("elsewhere", 0, 1))
	settings, config := sinkSettings(c.ListenAddrs()), sinkConfig()
	settings.PlaceByRecord, settings.BatchBytes, config.DeliveryTimeout = true, 600, 3*time.Second
	s := openTestSink(t, settings, config, limits{})
	s.(*sink).grace = 100 * time.Millisecond
	a := newAnswered(t)
	before := append(append(large("t", "before", 1), large("u", "before", 1)...), large("elsewhere", "before", 1)...)
	s.Append(t.Context(), before, a.done)
	require.Equal(t, make([]error, 3), a.wait(before...))

	staging := newStaging(t, s)
	taken, release := refuseTwo(c)
	t.Cleanup(release)
	staging.watch(func() { staging.asked.Add(1) })
	flying := large("t", "flying", 1)
	s.Append(t.Context(), flying, a.done)
	passes(t, taken)
	waiting, other := large("t", "waiting", 4), large("u", "other", 4)
	staging.arrange(t, waiting, other, a.done)
	refused := large("elsewhere", "refused", 1)
	s.Append(t.Context(), refused, a.done)
	require.ErrorIs(t, a.wait(refused...)[0], errLoss)
	asked := staging.asked.Load()
	release()
	require.Eventually(t, func() bool { return staging.asked.Load() > asked }, 5*time.Second, time.Millisecond)
	staging.resume()

	a.wait(append(flying, waiting...)...) // on a loaded machine franz-go may have remembered, and then the errors differ
	a.wait(other...)
	var after []*stream.Record
	for try := range 5 { // what comes while records are dropped may be dropped, too
		after = large("t", fmt.Sprint("after ", try), 3)
		s.Append(t.Context(), after, a.done)
		if errors.Join(a.wait(after...)...) == nil {
			break
		}
	}
	require.Equal(t, make([]error, 3), a.wait(after...))
	stored := values(readAll(t, c.ListenAddrs(), "t", 4))
	require.Equal(t, sent(after), stored[len(stored)-len(after):])
}

// TestOverdueIsWaitedFor: a producer that is closed leaves nothing behind that would look after its records.
func TestOverdueIsWaitedFor(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 3)
	s.Append(t.Context(), recs, a.done)
	require.Equal(t, make([]error, 3), a.wait(recs...))
	term := s.(*sink).current.Load()
	require.NotNil(t, term.watched)
	require.NoError(t, s.Close(t.Context()))
	require.False(t, term.watched.Stop())
}

// refuseTwo has the second broker refuse what it gets, so that the producer's epoch changes, and the first one the next
// request, when it is released, so that it is sent again.
func refuseTwo(c *kfake.Cluster) (taken chan struct{}, release func()) {
	taken = make(chan struct{})
	halt, release := stop(taken)
	first := true // used by the cluster's goroutine
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		switch {
		case c.CurrentNode() == 1:
			return refusal(request, kerr.OutOfOrderSequenceNumber, 0), nil, true
		case first:
			first = false
			c.SleepControl(halt)
			return refusal(request, kerr.NotLeaderForPartition, 0), nil, true
		}
		return nil, nil, false
	})
	return taken, release
}
