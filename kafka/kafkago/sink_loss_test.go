package kafkago

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
			flying := put("0", "flying", 1)
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

			var stored []string
			for _, r := range readTopic(t, c.ListenAddrs(), "t", 12) {
				if r.Partition == 0 {
					stored = append(stored, string(r.Value))
				}
			}
			require.Equal(t, append(sent(before), sent(after)...), stored)
			require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
		})
	}
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
	require.Equal(t, append(sent(before), sent(after)...), values(readTopic(t, c.ListenAddrs(), "t", 6)))
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
		c.SleepControl(func() { <-free })
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
