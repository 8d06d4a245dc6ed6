//go:build servers

package kafkago

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// TestSinkOnRealBrokers loses answers, moves leaders and kills brokers under load: no record fails, none stands twice,
// and those of a key are in order.
func TestSinkOnRealBrokers(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{Nodes: 3, Proxy: true})
	settings := sinkSettings(cluster.Bootstrap())
	settings.BatchBytes, settings.Compression = 20_000, []string{"lz4"}
	settings.ProduceTimeout, settings.RequestOverhead = 4*time.Second, 3*time.Second
	config := sinkConfig()
	config.DeliveryTimeout, config.BufferedRecords = time.Minute, 3000
	admin := openAdmin(t, cluster.Bootstrap())
	for i, harm := range []struct {
		name string
		do   func(t *testing.T, topic string)
	}{
		{"answers are lost", func(t *testing.T, _ string) { loseAnswers(t, cluster) }},
		{"leaders move", func(t *testing.T, topic string) { moveLeaders(t, cluster, topic) }},
		{"brokers are killed", func(t *testing.T, _ string) { killEach(t, cluster) }},
		{"a broker is paused", func(t *testing.T, topic string) { pauseOne(t, cluster, topic) }},
	} {
		t.Run(harm.name, func(t *testing.T) {
			topic := fmt.Sprint("harmed-", i)
			require.NoError(t, engine.Ensure(t.Context(), admin, stream.StreamConfig{Name: topic, Partitions: 6}))
			s := openTestSink(t, settings, config, limits{})
			load := newLoad(s, topic)
			harm.do(t, topic)
			load.end(t, cluster.Bootstrap())
		})
	}
}

// TestEpochsOnRealBrokers gives up batches that are stored without the answer, and sends others of as many records.
func TestEpochsOnRealBrokers(t *testing.T) {
	for _, version := range []string{testenv.DefaultVersion, testenv.VersionTV1} {
		t.Run(version, func(t *testing.T) {
			cluster := testenv.Run(t, testenv.Config{Version: version, Proxy: true})
			admin := openAdmin(t, cluster.Bootstrap())
			require.NoError(t, engine.Ensure(t.Context(), admin, stream.StreamConfig{Name: "t", Partitions: 1}))
			config := sinkConfig()
			config.DeliveryTimeout = 2 * time.Second
			s := openTestSink(t, sinkSettings(cluster.Bootstrap()), config, limits{})
			a := newAnswered(t)
			var all []string
			for round := range 3 {
				fault := cluster.Proxy(1).Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}})
				doubted, after := keyed("t", fmt.Sprint("doubted ", round), 2), keyed("t", fmt.Sprint("after ", round), 2)
				s.Append(t.Context(), doubted, a.done)
				for _, err := range a.wait(doubted...) {
					require.ErrorIs(t, err, stream.ErrUnknownOutcome)
				}
				fault.Remove()
				s.Append(t.Context(), after, a.done)
				require.Equal(t, []error{nil, nil}, a.wait(after...))
				all = append(append(all, sent(doubted)...), sent(after)...)
			}
			require.Equal(t, all, values(readTopic(t, cluster.Bootstrap(), "t", len(all))))
		})
	}
}

// A load appends records of some keys, numbered, until it is ended.
type load struct {
	sink  stream.Sink
	topic string
	stop  context.CancelFunc
	wg    sync.WaitGroup
	each  int // records of a key

	mu     sync.Mutex // guards what follows
	stored int
	errs   []error
}

const loadKeys = 20

func newLoad(s stream.Sink, topic string) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{sink: s, topic: topic, stop: stop}
	l.wg.Go(func() {
		for tick := time.NewTicker(5 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			recs := make([]*stream.Record, loadKeys)
			for k := range recs {
				recs[k] = &stream.Record{Stream: topic, Key: fmt.Appendf(nil, "key %d", k), Value: fmt.Append(nil, l.each)}
			}
			l.each++
			s.Append(context.Background(), recs, l.done)
		}
	})
	return l
}

func (l *load) done(_ stream.Ack, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errs = append(l.errs, err)
		return
	}
	l.stored++
}

func (l *load) end(t *testing.T, brokers []string) {
	t.Helper()
	l.stop()
	l.wg.Wait()
	require.NoError(t, l.sink.Flush(t.Context()))
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.errs)
	require.Equal(t, l.each*loadKeys, l.stored)
	next := map[string]int{}
	for _, r := range readTopic(t, brokers, l.topic, l.stored) {
		require.Equal(t, fmt.Sprint(next[string(r.Key)]), string(r.Value), "of %s", r.Key)
		next[string(r.Key)]++
	}
	for key, n := range next {
		require.Equal(t, l.each, n, key)
	}
	require.Len(t, next, loadKeys)
	t.Logf("%d records", l.stored)
}

// loseAnswers cuts connections when a broker answers a produce request, many times.
func loseAnswers(t *testing.T, cluster *testenv.Cluster) {
	for node := range 3 {
		fault := cluster.Proxy(node + 1).Set(tcpfault.Rule{
			Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}, Skip: 20, Times: 10,
		})
		defer fault.Remove()
		require.Eventually(t, func() bool { return fault.Hits() >= 10 }, 60*time.Second, 10*time.Millisecond)
	}
}

// moveLeaders elects others, several times.
func moveLeaders(t *testing.T, cluster *testenv.Cluster, topic string) {
	admin := kadm.NewClient(native(t, cluster.Bootstrap()))
	for round := range 4 {
		var order kadm.AlterPartitionAssignmentsReq
		first := int32(round%3 + 1)
		replicas := []int32{first, first%3 + 1, (first+1)%3 + 1}
		for partition := range int32(6) {
			order.Assign(topic, partition, replicas)
		}
		answers, err := admin.AlterPartitionAssignments(t.Context(), order)
		require.NoError(t, err)
		require.NoError(t, answers.Error())
		require.Eventually(t, func() bool {
			of := make(kadm.TopicsSet)
			for partition := range int32(6) {
				of.Add(topic, partition)
			}
			_, _ = admin.ElectLeaders(t.Context(), kadm.ElectPreferredReplica, of) // until what follows is so
			told, err := admin.ListTopics(t.Context(), topic)
			if err != nil {
				return false
			}
			for _, p := range told[topic].Partitions {
				if p.Leader != first {
					return false
				}
			}
			return true
		}, 30*time.Second, 50*time.Millisecond)
	}
}

// killEach kills the brokers by turns, and waits until each is back.
func killEach(t *testing.T, cluster *testenv.Cluster) {
	for node := range 3 {
		require.NoError(t, cluster.Kill(node+1))
		require.NoError(t, cluster.Restart(t.Context(), node+1))
	}
}

// pauseOne pauses a broker until others lead all partitions, and a little longer.
func pauseOne(t *testing.T, cluster *testenv.Cluster, topic string) {
	const node = 2
	require.NoError(t, cluster.Pause(node))
	admin := kadm.NewClient(native(t, []string{cluster.Bootstrap()[0], cluster.Bootstrap()[2]}))
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		told, err := admin.ListTopics(ctx, topic)
		if err != nil {
			return false
		}
		for _, p := range told[topic].Partitions {
			if p.Leader == node || p.Leader < 0 {
				return false
			}
		}
		return len(told[topic].Partitions) > 0
	}, 60*time.Second, 100*time.Millisecond)
	require.NoError(t, cluster.Resume(node))
}
