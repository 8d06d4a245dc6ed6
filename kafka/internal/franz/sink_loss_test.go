package franz

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/stream"
)

// TestLossFailsWhatWaits has a broker forget a producer. A batch is under way then, and others wait behind it.
func TestLossFailsWhatWaits(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID} {
		t.Run(code.Message, func(t *testing.T) {
			c := fakeCluster(t, kfake.SeedTopics(2, "t"))
			settings := sinkSettings(c.ListenAddrs())
			settings.PlaceByRecord, settings.BatchBytes = true, 600
			var log shared
			config := sinkConfig()
			config.Logger = slog.New(slog.NewTextHandler(&log, nil))
			s := openTestSink(t, settings, config, limits{})
			a := newAnswered(t)
			put := func(partition, key string, n int) []*stream.Record {
				recs := keyed("t", key, n)
				for _, r := range recs {
					r.Partition = partition
				}
				s.Append(t.Context(), recs, a.done)
				return recs
			}
			before, other := put("0", "before", 3), put("1", "other", 3)
			require.Equal(t, make([]error, 3), a.wait(before...))
			require.Equal(t, make([]error, 3), a.wait(other...))

			var requests atomic.Int32
			release := refuseNext(c, code, &requests)
			flying := put("0", "flying", 2)
			require.Eventually(t, func() bool { return requests.Load() > 0 }, 5*time.Second, time.Millisecond)
			waiting, unharmed := put("0", "waiting", 300), put("1", "unharmed", 3)
			release()
			for _, err := range a.wait(flying...) {
				require.ErrorIs(t, err, errLoss)
				require.ErrorIs(t, err, stream.ErrUnknownOutcome)
			}
			errs := a.wait(waiting...)
			for _, err := range errs {
				require.Error(t, err)
			}
			require.NotErrorIs(t, errs[len(errs)-1], stream.ErrUnknownOutcome) // behind all that is in flight
			require.Equal(t, make([]error, 3), a.wait(unharmed...))
			after := put("0", "after", 3)
			require.Equal(t, make([]error, 3), a.wait(after...))

			require.Equal(t, append(sent(before), sent(after)...), storedIn(0, readAll(t, c.ListenAddrs(), "t", 12)))
			told := func() int { return strings.Count(log.String(), "level=ERROR") }
			require.Eventually(t, func() bool { return told() > 0 }, 5*time.Second, time.Millisecond)
			require.Equal(t, 1, told())
		})
	}
}

// TestLossWhileStaging: a loss is told of while a later batch of the partition is being put into a request, and the
// callback is late.
func TestLossWhileStaging(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t", "u"))
	settings, config := sinkSettings(c.ListenAddrs()), sinkConfig()
	settings.PlaceByRecord, settings.BatchBytes = true, 600
	log := held{config.Logger.Handler(), make(chan struct{})}
	config.Logger = slog.New(log)
	s := openTestSink(t, settings, config, limits{})
	a := newAnswered(t)
	before := append(large("t", "before", 1), large("u", "other", 1)...)
	s.Append(t.Context(), before, a.done)
	require.Equal(t, make([]error, 2), a.wait(before...))

	staging := newStaging(t, s)
	var requests atomic.Int32
	release := refuseNext(c, kerr.OutOfOrderSequenceNumber, &requests)
	t.Cleanup(release)
	staging.watch(func() { staging.asked.Add(1) })
	flying := large("t", "flying", 1)
	s.Append(t.Context(), flying, a.done)
	require.Eventually(t, func() bool { return requests.Load() > 0 }, 5*time.Second, time.Millisecond)
	waiting, unharmed := large("t", "waiting", 4), large("u", "unharmed", 4)
	staging.arrange(t, waiting, unharmed, a.done)
	asked := staging.asked.Load()
	release()
	require.Eventually(t, func() bool { // the refusal is handled, or about to be
		return staging.asked.Load() > asked || a.count(flying[0]) > 0
	}, 5*time.Second, time.Millisecond)
	staging.resume()
	close(log.free)

	require.ErrorIs(t, a.wait(flying...)[0], errLoss)
	for _, err := range a.wait(waiting...) {
		require.ErrorIs(t, err, errLoss)
	}
	require.Equal(t, make([]error, 4), a.wait(unharmed...))
	after := large("t", "after", 3)
	s.Append(t.Context(), after, a.done)
	require.Equal(t, make([]error, 3), a.wait(after...))
	require.Equal(t, append(sent(before[:1]), sent(after)...), values(readAll(t, c.ListenAddrs(), "t", 4)))
}

// storedIn are the values of one partition.
func storedIn(partition int32, recs []*kgo.Record) (values []string) {
	for _, r := range recs {
		if r.Partition == partition {
			values = append(values, string(r.Value))
		}
	}
	return values
}

// TestTrimIsNoLoss: a producer that is forgotten since all that it stored was deleted goes on.
func TestTrimIsNoLoss(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	before := keyed("t", "before", 3)
	s.Append(t.Context(), before, a.done)
	require.Equal(t, make([]error, 3), a.wait(before...))
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		return refusal(request, kerr.UnknownProducerID, 100), nil, true
	})
	after := keyed("t", "after", 3)
	s.Append(t.Context(), after, a.done)
	require.Equal(t, make([]error, 3), a.wait(after...))
	require.Equal(t, append(sent(before), sent(after)...), values(readAll(t, c.ListenAddrs(), "t", 6)))
}

// refuseNext refuses the next produce request when it is released; those behind it go through.
func refuseNext(c *kfake.Cluster, code *kerr.Error, requests *atomic.Int32) (release func()) {
	free := make(chan struct{})
	var done atomic.Bool
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if done.Load() {
			return nil, nil, false
		}
		requests.Add(1)
		<-free // other requests wait too
		if done.Swap(true) {
			return nil, nil, false
		}
		return refusal(request, code, 0), nil, true
	})
	return sync.OnceFunc(func() { close(free) })
}

// refusal answers a produce request with one code for all of its partitions.
func refusal(request kmsg.Request, code *kerr.Error, logStart int64) kmsg.Response {
	asked := request.(*kmsg.ProduceRequest)
	response := asked.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range asked.Topics {
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, partition := range topic.Partitions {
			one := kmsg.NewProduceResponseTopicPartition()
			one.Partition, one.ErrorCode, one.LogStartOffset = partition.Partition, code.Code, logStart
			answer.Partitions = append(answer.Partitions, one)
		}
		response.Topics = append(response.Topics, answer)
	}
	return response
}

// shared is a buffer for a log.
type shared struct {
	mu    sync.Mutex // guards what follows
	bytes bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes.String()
}
