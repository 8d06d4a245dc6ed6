package kafkago

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const produceKey = int16(kmsg.Produce)

func TestLostAckStoresOnce(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 3})
	a := newAnswered(t)
	recs := keyed("t", "k", 2)
	s.Append(t.Context(), recs, a.done)
	require.Equal(t, []error{nil, nil}, a.wait(recs...))
	require.Equal(t, 3, fault.Hits())
	require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", 2)))
}

func TestLostAckWithoutIdempotenceIsTold(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.Idempotent, settings.InFlight = false, 1
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 2)
	s.Append(t.Context(), recs[:1], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[0]))
	require.False(t, a.ack(recs[0]).Duplicate)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 1})
	s.Append(t.Context(), recs[1:], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[1]))
	require.True(t, a.ack(recs[1]).Duplicate)
	require.Len(t, readTopic(t, c.ListenAddrs(), "t", 3), 3)
}

func TestDeliveryTimeoutInFlightIsUnknown(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	config := sinkConfig()
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), config, limits{})
	warm := keyed("t", "warm", 1)
	a := newAnswered(t)
	s.Append(t.Context(), warm, a.done)
	require.Equal(t, []error{nil}, a.wait(warm...))

	config.DeliveryTimeout = 500 * time.Millisecond
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes = 600
	s = openTestSink(t, settings, config, limits{})
	var requests atomic.Int32
	release := stallCounting(c, &requests)
	defer release()
	first, began := keyed("t", "first", 1), time.Now()
	s.Append(t.Context(), first, a.done)
	require.Eventually(t, func() bool { return requests.Load() > 0 }, 5*time.Second, time.Millisecond)
	second := keyed("t", "second", 100) // what is more than the first batch can hold was not sent
	s.Append(t.Context(), second, a.done)
	for _, err := range a.wait(first...) {
		require.ErrorIs(t, err, stream.ErrUnknownOutcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	errs := a.wait(second...)
	for _, err := range errs { // behind the first, and so failed with it
		require.Error(t, err)
	}
	require.NotErrorIs(t, errs[len(errs)-1], stream.ErrUnknownOutcome)
	require.ErrorIs(t, errs[len(errs)-1], context.DeadlineExceeded)
	require.Less(t, time.Since(began), 2*time.Second)
}

// stallCounting is stall, and counts the requests that were held up.
func stallCounting(c *kfake.Cluster, n *atomic.Int32) (release func()) {
	free := make(chan struct{})
	c.ControlKey(produceKey, func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		n.Add(1)
		c.SleepControl(func() { <-free })
		return nil, nil, false
	})
	var once atomic.Bool
	return func() {
		if once.CompareAndSwap(false, true) {
			close(free)
		}
	}
}

func TestOldRecordTimesDoNotTimeOut(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 2)
	recs[0].Time, recs[1].Time = time.UnixMilli(1), time.Now().AddDate(100, 0, 0)
	s.Append(t.Context(), recs, a.done)
	require.Equal(t, []error{nil, nil}, a.wait(recs...))
}

func TestUnknownTopicIsNotFoundSoon(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.MetadataMinAge = 250 * time.Millisecond
	config := sinkConfig()
	config.DeliveryTimeout = time.Minute
	s := openTestSink(t, settings, config, limits{})
	a := newAnswered(t)
	lost, good := keyed("nowhere", "k", 3), keyed("t", "k", 3)
	began := time.Now()
	s.Append(t.Context(), append(lost, good...), a.done)
	for _, err := range a.wait(lost...) {
		require.ErrorIs(t, err, stream.ErrNotFound)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	}
	require.Less(t, time.Since(began), 5*time.Second)
	require.Equal(t, []error{nil, nil, nil}, a.wait(good...))
}

func TestNobodyThereIsNotStored(t *testing.T) {
	c := fakeCluster(t)
	addresses := c.ListenAddrs()
	c.Close()
	config := sinkConfig()
	config.DeliveryTimeout = 300 * time.Millisecond
	s := openTestSink(t, sinkSettings(addresses), config, limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 3)
	s.Append(t.Context(), recs, a.done)
	for _, err := range a.wait(recs...) {
		require.Error(t, err)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	}
}

func TestRefusalIsNotStoredAndWhatFollowsFails(t *testing.T) {
	for _, refused := range []struct {
		code *kerr.Error
		want error
	}{
		{kerr.MessageTooLarge, stream.ErrTooLarge}, {kerr.TopicAuthorizationFailed, stream.ErrUnauthorized},
		{kerr.InvalidRecord, stream.ErrInvalid}, {kerr.InvalidTimestamp, stream.ErrInvalid},
	} {
		t.Run(refused.code.Message, func(t *testing.T) {
			c := fakeCluster(t, kfake.SeedTopics(1, "t"))
			s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
			a := newAnswered(t)
			for range 2 { // the second time it is a failure of its own, though franz-go's error is the same
				var requests atomic.Int32
				release := refuseNext(c, refused.code, &requests)
				recs := keyed("t", "k", 3)
				s.Append(t.Context(), recs, a.done)
				release()
				for _, err := range a.wait(recs...) {
					require.ErrorIs(t, err, refused.want)
					require.NotContains(t, err.Error(), "k/0")
				}
				require.NotErrorIs(t, a.wait(recs[0])[0], stream.ErrUnknownOutcome)
			}
			after := keyed("t", "after", 3)
			s.Append(t.Context(), after, a.done)
			require.Equal(t, []error{nil, nil, nil}, a.wait(after...))
			require.Equal(t, sent(after), values(readTopic(t, c.ListenAddrs(), "t", 3)))
		})
	}
}

func TestCloseFailsWhatIsLeft(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	settings := sinkSettings(c.ListenAddrs())
	config := sinkConfig()
	config.BufferedRecords = 6
	s := openTestSink(t, settings, config, limits{})
	a := newAnswered(t)
	warm := keyed("t", "warm", 1)
	s.Append(t.Context(), warm, a.done)
	a.wait(warm...)
	var requests atomic.Int32
	release := stallCounting(c, &requests)
	defer release()
	flying, queued, waiting := keyed("t", "flying", 1), keyed("t", "queued", 5), keyed("t", "waiting", 2)
	s.Append(t.Context(), flying, a.done)
	require.Eventually(t, func() bool { return requests.Load() > 0 }, 5*time.Second, time.Millisecond)
	s.Append(t.Context(), queued, a.done)
	waits := make(chan struct{})
	go func() {
		defer close(waits)
		s.Append(t.Context(), waiting, a.done)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.Close(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, a.count(flying[0]))
	require.ErrorIs(t, a.wait(flying...)[0], stream.ErrUnknownOutcome)
	for _, r := range queued {
		require.Equal(t, 1, a.count(r))
	}
	<-waits
	for _, err := range a.wait(waiting...) {
		require.ErrorIs(t, err, stream.ErrClosed)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	}
	require.Equal(t, err, s.Close(t.Context()))
	require.ErrorIs(t, s.Flush(t.Context()), stream.ErrClosed)
}

func TestLowerAcks(t *testing.T) {
	for _, acks := range []engine.Acks{engine.AcksAll, engine.AcksLeader, engine.AcksNone} {
		t.Run(string(acks), func(t *testing.T) {
			c := fakeCluster(t, kfake.SeedTopics(1, "t"))
			settings := sinkSettings(c.ListenAddrs())
			settings.Acks, settings.Idempotent, settings.InFlight = acks, false, 1
			s := openTestSink(t, settings, sinkConfig(), limits{})
			a := newAnswered(t)
			recs := keyed("t", "k", 50)
			s.Append(t.Context(), recs, a.done)
			require.NoError(t, s.Flush(t.Context()))
			for i, r := range recs {
				require.Equal(t, 1, a.count(r))
				require.Equal(t, acks == engine.AcksNone, a.ack(r).Position == stream.Position{}, "record %d", i)
			}
			require.Equal(t, sent(recs), values(readTopic(t, c.ListenAddrs(), "t", len(recs))))
		})
	}
}

// TestVerdictsAreTrue harms brokers at random and compares what callers were told with what is stored. With several
// partitions the fake can store a batch twice, as it compares a producer's epoch over all partitions and Kafka does by
// partition: there the failure of one partition turns a repeated batch of another into a new one.
func TestVerdictsAreTrue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(seed, 1))
			partitions := 1 + 3*int32(seed%2)
			c := fakeCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(partitions, "t"))
			settings := sinkSettings(c.ListenAddrs())
			settings.BatchBytes = 600 // several batches in flight
			settings.ProduceTimeout, settings.RequestOverhead = 100*time.Millisecond, 100*time.Millisecond
			var answers atomic.Uint64
			settings.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return &deafConn{conn, func() bool { return mixed(seed, answers.Add(1))%16 == 0 }}, err
			}
			config := sinkConfig()
			config.DeliveryTimeout = 5 * time.Second // the Transport looks where leaders are once a second
			s := openTestSink(t, settings, config, limits{})
			a := newAnswered(t)
			all := keyed("t", "warm", 1) // from here on the sink knows where partitions are
			s.Append(t.Context(), all, a.done)
			a.wait(all...)
			errs := []*kerr.Error{
				kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotLeaderForPartition, kerr.InvalidRecord,
				kerr.NotEnoughReplicas, kerr.TopicAuthorizationFailed,
			}
			var requests atomic.Uint64
			c.ControlKey(produceKey, func(kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				if mixed(seed, requests.Add(1))%8 == 0 {
					return nil, errors.New("cut"), true
				}
				return nil, nil, false
			})
			for round := range 30 {
				if dice.IntN(4) == 0 {
					c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: errs[dice.IntN(len(errs))], Count: 1 + dice.IntN(3)})
				}
				if dice.IntN(5) == 0 {
					c.ShufflePartitionLeaders()
				}
				for key := range 4 {
					recs := keyed("t", fmt.Sprintf("%d/%d", round, key), 1+dice.IntN(40))
					for _, r := range recs {
						r.Key = []byte{byte(key)}
					}
					all = append(all, recs...)
					s.Append(t.Context(), recs, a.done)
				}
				time.Sleep(time.Duration(dice.IntN(60)) * time.Millisecond)
			}
			results := a.wait(all...)
			stored := map[string]int{}
			for _, r := range readTopic(t, c.ListenAddrs(), "t", stands(t, c, "t", partitions)) {
				stored[string(r.Value)]++
			}
			unknown, good := 0, 0
			for i, err := range results {
				n := stored[string(all[i].Value)]
				require.True(t, n <= 1 || partitions > 1, "%s stands twice: %v", all[i].Value, err)
				switch {
				case err == nil:
					good++
					require.NotZero(t, n, "%s was acknowledged", all[i].Value)
				case errors.Is(err, stream.ErrUnknownOutcome):
					unknown++
				default:
					require.Zero(t, n, "%s: %v", all[i].Value, err)
				}
			}
			require.NotZero(t, good)
			t.Logf("%d records: %d good, %d unknown, %d not stored", len(all), good, unknown, len(all)-good-unknown)
		})
	}
}

// stands is how many records the fake has of a topic.
func stands(t *testing.T, c *kfake.Cluster, topic string, partitions int32) (n int) {
	t.Helper()
	native, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	defer native.Close()
	ends, err := kadm.NewClient(native).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	for partition := range partitions {
		end, ok := ends.Lookup(topic, partition)
		require.True(t, ok)
		require.NoError(t, end.Err)
		n += int(end.Offset)
	}
	return n
}

// mixed is the n-th of a seed's numbers.
func mixed(seed, n uint64) uint64 { return rand.New(rand.NewPCG(seed, n)).Uint64() }

// A deafConn loses answers, and the connection with them.
type deafConn struct {
	net.Conn
	lose func() bool
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.lose() {
		return 0, errors.Join(errors.New("lost"), c.Close())
	}
	return n, err
}
