package kafkago

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/streamport-go/streamport/stream"
)

// TestStalledLeaderIsLeft has the leader take requests and never answer, and another become the leader meanwhile, without
// the client being told.
func TestStalledLeaderIsLeft(t *testing.T) {
	c := fakeCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.ProduceTimeout, settings.RequestOverhead = 400*time.Millisecond, 300*time.Millisecond
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 4)
	s.Append(t.Context(), recs[:1], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[0]))
	leader := c.LeaderFor("t", 0)
	free := make(chan struct{})
	defer close(free)
	c.ControlKey(produceKey, func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if c.CurrentNode() == leader {
			c.SleepControl(func() { <-free })
		}
		return nil, nil, false
	})
	began := time.Now()
	s.Append(t.Context(), recs[1:], a.done)
	require.NoError(t, c.MoveTopicPartition("t", 0, 1-leader))
	require.Equal(t, []error{nil, nil, nil}, a.wait(recs[1:]...))
	require.Less(t, time.Since(began), 2*(settings.ProduceTimeout+settings.RequestOverhead))
	require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", 4)))
}

func TestBatchesAreTold(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	var mu sync.Mutex
	told := map[string]stream.Event{}
	records := 0
	config := sinkConfig()
	config.Observed = true
	config.Observe = func(e stream.Event) {
		mu.Lock()
		defer mu.Unlock()
		told[e.Kind] = e
		records += e.Records
	}
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), config, limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 100)
	s.Append(t.Context(), recs, a.done)
	a.wait(recs...)
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return records == len(recs)
	}, 5*time.Second, time.Millisecond)
	e := told[stream.EventProduced]
	require.Equal(t, "t", e.Stream)
	require.Equal(t, "0", e.Partition)
	require.Equal(t, "m", e.Member)
	require.Positive(t, e.Bytes)
	require.Positive(t, e.Duration)
}

func TestSinkLeavesNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	require.NoError(t, err)
	opened, err := (driver{}).Open(sinkSettings(c.ListenAddrs()))
	require.NoError(t, err)
	s, err := opened.OpenSink(t.Context(), sinkConfig(), limits{})
	require.NoError(t, err)
	a := newAnswered(t)
	recs := keyed("t", "k", 100)
	s.Append(t.Context(), recs, a.done)
	require.NoError(t, s.Close(t.Context()))
	opened.Close()
	c.Close()
	goleak.VerifyNone(t, before)
}

func TestPatternIsNoTopic(t *testing.T) {
	c := fakeCluster(t)
	opened, err := (driver{}).Open(sinkSettings(c.ListenAddrs()))
	require.NoError(t, err)
	defer opened.Close()
	config := sinkConfig()
	config.Streams = []string{"t", "^t"}
	_, err = opened.OpenSink(t.Context(), config, limits{})
	require.ErrorIs(t, err, stream.ErrInvalid)
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	r := keyed("^t", "k", 1)
	s.Append(t.Context(), r, a.done)
	require.ErrorIs(t, a.wait(r...)[0], stream.ErrInvalid)
}

// TestThrottleIsTold has a broker make the producer wait.
func TestThrottleIsTold(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	told := make(chan stream.Event, 10)
	config := sinkConfig()
	config.Observe = func(e stream.Event) {
		if e.Kind == stream.EventThrottled {
			told <- e
		}
	}
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), config, limits{})
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		answer := refusal(request, &kerr.Error{}, 0).(*kmsg.ProduceResponse)
		answer.ThrottleMillis = 30
		return answer, nil, true
	})
	a := newAnswered(t)
	recs := keyed("t", "k", 1)
	s.Append(t.Context(), recs, a.done)
	require.Equal(t, []error{nil}, a.wait(recs...))
	e := <-told
	require.Equal(t, 30*time.Millisecond, e.Duration)
	require.Equal(t, "m", e.Member)
}

// TestFailedBatchesAreNotToldAsProduced has brokers refuse a batch.
func TestFailedBatchesAreNotToldAsProduced(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	told := make(chan stream.Event, 10)
	config := sinkConfig()
	config.Observed = true
	config.Observe = func(e stream.Event) {
		if e.Kind == stream.EventProduced {
			told <- e
		}
	}
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), config, limits{})
	a := newAnswered(t)
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		return refusal(request, kerr.InvalidRecord, 0), nil, true
	})
	failed := keyed("t", "failed", 1)
	s.Append(t.Context(), failed, a.done)
	require.ErrorIs(t, a.wait(failed...)[0], stream.ErrInvalid)
	good := keyed("t", "good", 1)
	s.Append(t.Context(), good, a.done)
	require.Equal(t, []error{nil}, a.wait(good...))
	require.Equal(t, 1, (<-told).Records)
	require.NoError(t, s.Close(t.Context()))
	require.Empty(t, told)
}
