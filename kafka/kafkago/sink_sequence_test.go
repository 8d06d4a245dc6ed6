package kafkago

import (
	"context"
	"fmt"
	"net"
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

// deaf makes a settings' connections lose answers while it is set, and counts those that are open.
type deaf struct {
	on         atomic.Bool
	open, most atomic.Int32
}

func (d *deaf) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	now := d.open.Add(1)
	for most := d.most.Load(); now > most && !d.most.CompareAndSwap(most, now); most = d.most.Load() {
	}
	return &deafOpenConn{Conn: &deafConn{conn, d.on.Load}, closed: sync.OnceFunc(func() { d.open.Add(-1) })}, nil
}

type deafOpenConn struct {
	net.Conn
	closed func()
}

func (c *deafOpenConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// TestLostAnswersStoreOnce cuts connections after the broker has stored what came, again and again.
func TestLostAnswersStoreOnce(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	var answers atomic.Uint64
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes = 600
	settings.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return &deafConn{conn, func() bool { return answers.Add(1)%9 == 0 }}, err
	}
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 400)
	s.Append(t.Context(), recs, a.done)
	for _, err := range a.wait(recs...) {
		require.NoError(t, err)
	}
	require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", len(recs))))
}

// TestEqualBatchesAreAllStored sends one record at a time.
func TestEqualBatchesAreAllStored(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 10)
	for i := range recs {
		s.Append(t.Context(), recs[i:i+1], a.done)
		require.Equal(t, []error{nil}, a.wait(recs[i]))
	}
	require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", len(recs))))
}

// TestTriesAreIdentical has a broker store a batch and answer that it did not, in three ways.
func TestTriesAreIdentical(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.Compression = []string{"gzip"}
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	warm := keyed("t", "warm", 3)
	s.Append(t.Context(), warm, a.done)
	a.wait(warm...)
	var mu sync.Mutex
	var tries []string
	codes := []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.RequestTimedOut}
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		tries = append(tries, string(request.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records))
		if n := len(tries); n <= len(codes) {
			return refusal(request, codes[n-1], 0), nil, true
		}
		return nil, nil, false
	})
	recs := keyed("t", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 5)
	s.Append(t.Context(), recs, a.done)
	a.wait(recs...)
	require.Len(t, tries, 1+len(codes))
	for _, try := range tries {
		require.Equal(t, tries[0], try)
	}
}

// TestWhatFollowsAnUnknownOutcomeIsStored gives up a batch that is stored, without the answer. Were the next one, of as
// many records, sent under the same number, the broker would take it for that one.
func TestWhatFollowsAnUnknownOutcomeIsStored(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(2, "t"))
	var d deaf
	settings := sinkSettings(c.ListenAddrs())
	settings.Dial, settings.PlaceByRecord = d.dial, true
	config := sinkConfig()
	config.DeliveryTimeout = 2 * time.Second
	s := openTestSink(t, settings, config, limits{})
	a := newAnswered(t)
	put := func(partition, key string) *stream.Record {
		r := keyed("t", key, 1)[0]
		r.Partition = partition
		s.Append(t.Context(), []*stream.Record{r}, a.done)
		return r
	}
	other := put("1", "other")
	require.Equal(t, []error{nil, nil}, a.wait(put("0", "before"), other))
	d.on.Store(true)
	doubted := put("0", "doubted")
	require.ErrorIs(t, a.wait(doubted)[0], stream.ErrUnknownOutcome)
	d.on.Store(false)
	require.Equal(t, []error{nil}, a.wait(put("0", "after")))
	require.Equal(t, []error{nil}, a.wait(put("1", "other after")))
	var stored []string
	for _, r := range readTopic(t, c.ListenAddrs(), "t", 5) {
		if r.Partition == 0 {
			stored = append(stored, string(r.Key))
		}
	}
	require.Equal(t, []string{"before", "doubted", "after"}, stored)
}

// TestFailureTakesWhatWaitsBehind refuses a batch behind which others wait: none of them may be stored.
func TestFailureTakesWhatWaitsBehind(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes = 600
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	var requests atomic.Int32
	release := refuseNext(c, kerr.InvalidRecord, &requests)
	first := keyed("t", "first", 1)
	s.Append(t.Context(), first, a.done)
	require.Eventually(t, func() bool { return requests.Load() > 0 }, 5*time.Second, time.Millisecond)
	waiting := keyed("t", "waiting", 100)
	s.Append(t.Context(), waiting, a.done)
	release()
	for _, err := range a.wait(append(first, waiting...)...) {
		require.ErrorIs(t, err, stream.ErrInvalid)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	}
	a.mu.Lock()
	require.Equal(t, append(first, waiting...), a.order)
	a.mu.Unlock()
	after := keyed("t", "after", 2)
	s.Append(t.Context(), after, a.done)
	require.Equal(t, []error{nil, nil}, a.wait(after...))
	require.Equal(t, sent(after), values(readTopic(t, c.ListenAddrs(), "t", 2)))
}

// TestWhatIsAppendedMeanwhileFailsToo appends behind records before all of them were answered, and after that.
func TestWhatIsAppendedMeanwhileFailsToo(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	var requests atomic.Int32
	release := refuseNext(c, kerr.InvalidRecord, &requests)
	recs, early, late := keyed("t", "k", 2), keyed("t", "early", 1), keyed("t", "late", 1)
	s.Append(t.Context(), recs, func(ack stream.Ack, err error) {
		if ack.Record == recs[0] {
			s.Append(t.Context(), early, func(ack stream.Ack, err error) {
				s.Append(t.Context(), late, a.done)
				a.done(ack, err)
			})
		}
		a.done(ack, err)
	})
	release()
	for _, err := range a.wait(append(recs, early...)...) {
		require.ErrorIs(t, err, stream.ErrInvalid)
	}
	require.NoError(t, s.Flush(t.Context()))
	require.Equal(t, []error{nil}, a.wait(late...))
	require.Equal(t, sent(late), values(readTopic(t, c.ListenAddrs(), "t", 1)))
}

// TestOneBatchOfAPartitionIsUnderWay holds up a broker: it gets one batch of each partition, in as many requests as it
// may have, over as many connections.
func TestOneBatchOfAPartitionIsUnderWay(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(12, "t"))
	var d deaf
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes, settings.PlaceByRecord, settings.InFlight, settings.Dial = 600, true, 3, d.dial
	settings.ProduceTimeout = 10 * time.Second
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	var mu sync.Mutex
	underWay, most, widest := map[int32]int{}, 0, 0
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		partitions := request.(*kmsg.ProduceRequest).Topics[0].Partitions
		mu.Lock()
		widest = max(widest, len(partitions))
		for _, p := range partitions {
			underWay[p.Partition]++
			most = max(most, underWay[p.Partition])
		}
		mu.Unlock()
		c.SleepControl(func() { time.Sleep(20 * time.Millisecond) }) // a slow broker
		mu.Lock()
		defer mu.Unlock()
		for _, p := range partitions {
			underWay[p.Partition]--
		}
		return nil, nil, false
	})
	var all []*stream.Record
	for partition := range 12 {
		recs := keyed("t", "k", 60)
		for _, r := range recs {
			r.Partition = fmt.Sprint(partition)
		}
		s.Append(t.Context(), recs, a.done)
		all = append(all, recs...)
	}
	for _, err := range a.wait(all...) {
		require.NoError(t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, 1, most)
	require.Greater(t, widest, 1)
	// kafka-go answers a request before its connection counts as free, so that the next request may open another.
	require.LessOrEqual(t, d.most.Load(), int32(2*3+2), "requests', and those of metadata and of questions")
}

func TestSequenceWraps(t *testing.T) {
	require.Equal(t, int32(7), after(5, 2))
	require.Equal(t, int32(1<<31-1), after(1<<31-2, 1))
	require.Equal(t, int32(0), after(1<<31-1, 1))
	require.Equal(t, int32(2), after(1<<31-2, 4))
}

// TestAnswersAboutNumbers has a broker answer a batch that it has not stored.
func TestAnswersAboutNumbers(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping} {
		t.Run(code.Message, func(t *testing.T) {
			c := fakeCluster(t, kfake.SeedTopics(1, "t"))
			s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
			a := newAnswered(t)
			recs := keyed("t", "k", 3)
			s.Append(t.Context(), recs[:1], a.done)
			require.Equal(t, []error{nil}, a.wait(recs[0]))
			c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
				return refusal(request, code, 0), nil, true
			})
			s.Append(t.Context(), recs[1:], a.done)
			require.Equal(t, []error{nil, nil}, a.wait(recs[1:]...))
			require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", 3)))
		})
	}
}

func TestKnownDuplicateIsStored(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		return refusal(request, kerr.DuplicateSequenceNumber, 0), nil, true
	})
	recs := keyed("t", "k", 1)
	s.Append(t.Context(), recs, a.done)
	require.Equal(t, []error{nil}, a.wait(recs...))
	require.Equal(t, stream.Position{}, a.ack(recs[0]).Position)
	require.False(t, a.ack(recs[0]).Duplicate)
}

func TestProducerNumberIsRefused(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	c.ControlKey(int16(kmsg.InitProducerID), func(request kmsg.Request) (kmsg.Response, error, bool) {
		answer := request.ResponseKind().(*kmsg.InitProducerIDResponse)
		answer.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return answer, nil, true
	})
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 2)
	s.Append(t.Context(), recs[:1], a.done)
	err := a.wait(recs[0])[0]
	require.ErrorIs(t, err, stream.ErrUnauthorized)
	require.ErrorContains(t, err, "IDEMPOTENT_WRITE")
	require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	require.Eventually(t, func() bool { // it is asked for again
		next := keyed("t", "k", 1)
		s.Append(t.Context(), next, a.done)
		return a.wait(next...)[0] == nil
	}, 5*time.Second, 10*time.Millisecond)
}

// TestEpochsRunOut begins near the last epoch of a producer.
func TestEpochsRunOut(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	asked := watch(c, kmsg.InitProducerID, func(n int32, request kmsg.Request) (kmsg.Response, error, bool) {
		if n > 1 {
			return nil, nil, false
		}
		answer := request.ResponseKind().(*kmsg.InitProducerIDResponse)
		answer.ProducerID, answer.ProducerEpoch = 77, 1<<15-1
		return answer, nil, true
	})
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 2)
	s.Append(t.Context(), recs[:1], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[0]))
	c.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		return refusal(request, kerr.InvalidProducerEpoch, 0), nil, true
	})
	s.Append(t.Context(), recs[1:], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[1]))
	require.Equal(t, int32(2), asked.Load())
	require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", 2)))
}

func TestSinkRefusesTransactions(t *testing.T) {
	c := fakeCluster(t)
	opened, err := driver{}.Open(sinkSettings(c.ListenAddrs()))
	require.NoError(t, err)
	defer opened.Close()
	config := sinkConfig()
	config.Transactions = true
	_, err = opened.OpenSink(t.Context(), config, limits{})
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.ErrorContains(t, err, "franz-go")
}

func TestSinkRefusesWhatItCannotWrite(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	config := sinkConfig()
	config.Streams = []string{"t", "a/b"}
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), config, limits{})
	a := newAnswered(t)
	for r, want := range map[*stream.Record]error{
		{Stream: "u"}:   stream.ErrUnsupported,
		{Stream: "a/b"}: stream.ErrInvalid,
		{Stream: "t", Time: time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC)}: stream.ErrInvalid,
	} {
		s.Append(t.Context(), []*stream.Record{r}, a.done)
		require.ErrorIs(t, a.wait(r)[0], want)
	}
	s.Append(t.Context(), []*stream.Record{nil}, a.done)
	require.ErrorIs(t, a.wait(nil)[0], stream.ErrInvalid)
}

// TestBrokersThatCannotStoreAreWaitedFor has a partition without enough replicas, and then one without a leader.
func TestBrokersThatCannotStoreAreWaitedFor(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	for _, code := range []*kerr.Error{
		kerr.NotEnoughReplicas, kerr.LeaderNotAvailable, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError,
	} {
		fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: code, Count: 2})
		recs := keyed("t", code.Message, 2)
		s.Append(t.Context(), recs, a.done)
		require.Equal(t, []error{nil, nil}, a.wait(recs...))
		require.Equal(t, 2, fault.Hits())
	}
	require.Len(t, readTopic(t, c.ListenAddrs(), "t", 8), 8)
}
