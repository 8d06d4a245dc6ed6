package kafkago

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// fakeCluster is a fake cluster that lasts as long as the test.
func fakeCluster(t testing.TB, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// sinkSettings are settings with short times for a cluster.
func sinkSettings(addresses []string) engine.Settings {
	return engine.Settings{
		Brokers: addresses, ClientID: "test", Logger: slog.New(slog.DiscardHandler),
		Acks: engine.AcksAll, Idempotent: true, BatchBytes: 1_048_588, Compression: []string{"none"}, InFlight: 5,
		ProduceTimeout: time.Second, RequestOverhead: time.Second, TxTimeout: time.Minute,
		FetchMinBytes: 1, FetchMaxBytes: 50 << 20, FetchMaxWait: 100 * time.Millisecond, PartitionBytes: 1 << 20,
		BufferBytes: 4 << 20, DecompressBytes: 64 << 20, Assignment: engine.Eager, Session: 45 * time.Second,
		Heartbeat: time.Second, Rebalance: time.Minute,
		MetadataMinAge: 50 * time.Millisecond, MetadataMaxAge: time.Minute, ReadBytes: 100 << 20,
	}
}

// openAdmin opens a client of a cluster until the test is over.
func openAdmin(t testing.TB, addresses []string, changes ...func(*engine.Settings)) *client {
	t.Helper()
	s := sinkSettings(addresses)
	for _, change := range changes {
		change(&s)
	}
	c, err := driver{}.Open(s)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c.(*client)
}

// native opens a bare client of franz-go, the other side of a test, until the test is over.
func native(t testing.TB, addresses []string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addresses...), kgo.MetadataMinAge(50 * time.Millisecond)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// joined makes a member of a group, by franz-go, that has been assigned all partitions of a topic.
func joined(t testing.TB, addresses []string, group, topic string) engine.Membership {
	t.Helper()
	assigned := make(chan struct{}, 1)
	cl := native(t, addresses, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) {
			if len(ps) > 0 {
				select {
				case assigned <- struct{}{}:
				default:
				}
			}
		}))
	select {
	case <-assigned:
	case <-time.After(20 * time.Second):
		require.Fail(t, "no partition was assigned")
	}
	member, generation := cl.GroupMetadata()
	return engine.Membership{Group: group, Member: member, Generation: generation}
}

// produce writes records with these times, in milliseconds.
func produce(t testing.TB, cl *kgo.Client, topic string, partition int32, times ...int64) {
	t.Helper()
	for _, at := range times {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte("v"), Timestamp: time.UnixMilli(at)}
		require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
	}
}

// at is the committed offset n, with what else a commit stores.
func at(n int64, metadata string) engine.Committed {
	return engine.Committed{Offset: engine.Offset{At: n, Epoch: -1}, Metadata: metadata}
}

// watch counts requests, and lets answer decide about each by its number; nil passes all.
func watch(fake *kfake.Cluster, key kmsg.Key, answer func(n int32, r kmsg.Request) (kmsg.Response, error, bool)) *atomic.Int32 {
	seen := new(atomic.Int32)
	fake.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		n := seen.Add(1)
		if answer == nil {
			return nil, nil, false
		}
		return answer(n, r)
	})
	return seen
}
