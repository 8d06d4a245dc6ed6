//go:build servers

package kafkago

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// TestFetchOnServers does on real brokers what kfake may do differently: what a fetcher meets in a log.
func TestFetchOnServers(t *testing.T) {
	for _, version := range []string{"4.4.0", "3.9.2"} {
		t.Run(version, func(t *testing.T) {
			b := newFetchBed(t, testenv.Run(t, testenv.Config{Version: version}).Bootstrap())
			t.Run("transactions", b.markers)
			t.Run("codecs", b.codecs)
			t.Run("out of range", b.outOfRange)
			t.Run("topic made anew", b.anew)
			t.Run("compaction", b.compaction)
		})
	}
}

// TestFetcherFollowsLeadersOnServers moves a partition from broker to broker, and then kills its leader. How long reading
// stands after a move is bounded by how old metadata is.
func TestFetcherFollowsLeadersOnServers(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{Nodes: 3})
	b := newFetchBed(t, cluster.Bootstrap())
	topic := b.topic(t, nil)
	p := b.producer(t)
	r, f := openFetchReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	f.Add(fromOffset(at, 0), 1)
	for n := range 5 {
		b.write(t, p, topic, 5)
		r.records(t, at, 6*n+5)
		b.lead(t, topic, int32(n%3))
		b.write(t, b.producer(t), topic, 1) // once replicas follow the new leader, which can take a second
		begun := time.Now()
		r.records(t, at, 6*n+6)
		stood := time.Since(begun)
		t.Logf("read on %v after the new leader had a record", stood.Round(time.Millisecond))
		require.Less(t, stood, 5*time.Second)
	}
	leader := b.leader(t, topic)
	require.NoError(t, cluster.Kill(int(leader)))
	require.Eventually(t, func() bool { return b.leader(t, topic) != leader }, 30*time.Second, 50*time.Millisecond)
	b.write(t, b.producer(t), topic, 1)
	begun := time.Now()
	all := r.records(t, at, 31)
	t.Logf("read on %v after another leader had a record", time.Since(begun).Round(time.Millisecond))
	for i := range all {
		require.EqualValues(t, i+1, engine.After(all[i].Position).At, "nothing is left out or repeated")
	}
}

// lead makes a broker the preferred leader, and waits until it leads.
func (b *fetchBed) lead(t *testing.T, topic string, broker int32) {
	t.Helper()
	brokers, err := b.admin.ListBrokers(t.Context())
	require.NoError(t, err)
	var replicas []int32
	for i := range brokers {
		replicas = append(replicas, brokers[(int(broker)+i)%len(brokers)].NodeID)
	}
	assignment := make(kadm.AlterPartitionAssignmentsReq)
	assignment.Assign(topic, 0, replicas)
	_, err = b.admin.AlterPartitionAssignments(t.Context(), assignment)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, _ = b.admin.ElectLeaders(t.Context(), kadm.ElectPreferredReplica, kadm.TopicsSet{topic: {0: {}}})
		return b.leader(t, topic) == replicas[0]
	}, 20*time.Second, 20*time.Millisecond)
}

func (b *fetchBed) leader(t *testing.T, topic string) int32 {
	t.Helper()
	topics, err := b.admin.ListTopics(t.Context(), topic)
	if err != nil || topics.Error() != nil {
		return -1
	}
	return topics[topic].Partitions[0].Leader
}

// A fetchBed is a cluster with topics for each test.
type fetchBed struct {
	settings engine.Settings
	admin    *kadm.Client
}

func newFetchBed(t *testing.T, bootstrap []string) *fetchBed {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap...), kgo.MetadataMinAge(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return &fetchBed{settings: fetchSettings(bootstrap), admin: kadm.NewClient(client)}
}

func (b *fetchBed) topic(t *testing.T, configs map[string]*string) string {
	t.Helper()
	name := fmt.Sprintf("t-%d", time.Now().UnixNano())
	b.create(t, name, configs)
	return name
}

func (b *fetchBed) create(t *testing.T, name string, configs map[string]*string) {
	t.Helper()
	_, err := b.admin.CreateTopic(t.Context(), 1, -1, configs, name)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		topics, err := b.admin.ListTopics(t.Context(), name)
		return err == nil && len(topics[name].Partitions) == 1 && topics.Error() == nil
	}, 10*time.Second, 10*time.Millisecond)
}

func (b *fetchBed) producer(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	p, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.settings.Brokers...), kgo.MetadataMinAge(20 * time.Millisecond), kgo.ProducerLinger(0),
	}, options...)...)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func (b *fetchBed) write(t *testing.T, p *kgo.Client, topic string, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, p.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr())
	}
}

// writeOnceKnown writes a record, by producers that are new until one of them is not told that there is no such topic: brokers
// hear of a topic one after the other.
func (b *fetchBed) writeOnceKnown(t *testing.T, topic string, i int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return b.producer(t).ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr() == nil
	}, 10*time.Second, 20*time.Millisecond)
}

func (b *fetchBed) markers(t *testing.T) {
	topic := b.topic(t, nil)
	p := b.producer(t, kgo.TransactionalID(topic))
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		require.NoError(t, p.BeginTransaction())
		b.write(t, p, topic, 3)
		require.NoError(t, p.EndTransaction(t.Context(), end))
	}
	r, f := openFetchReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	f.Add(fromOffset(at, 0), 1)
	r.await(t, at, 12)
	got := r.records(t, at, 3)
	require.Len(t, got, 3)
	require.Equal(t, engine.Position(4, 0), got[0].Position)
	require.EqualValues(t, 12, r.last(at).Stable)
}

func (b *fetchBed) codecs(t *testing.T) {
	topic := b.topic(t, nil)
	n := 0
	for _, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		p := b.producer(t, kgo.ProducerBatchCompression(codec))
		var records []*kgo.Record
		for range 200 {
			records = append(records, &kgo.Record{
				Topic: topic, Key: []byte{}, Value: fmt.Append(nil, n), Headers: []kgo.RecordHeader{{Key: "h"}},
			})
			n++
		}
		require.NoError(t, p.ProduceSync(t.Context(), records...).FirstErr())
	}
	r, f := openFetchReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	f.Add(fromOffset(at, 0), 1)
	for i, record := range r.records(t, at, n) {
		require.Equal(t, fmt.Sprint(i), string(record.Value))
		require.Equal(t, []byte{}, record.Key)
		require.Equal(t, []stream.Header{{Key: "h"}}, record.Headers)
	}
}

func (b *fetchBed) outOfRange(t *testing.T) {
	topic := b.topic(t, nil)
	b.write(t, b.producer(t), topic, 20)
	offsets := make(kadm.Offsets)
	offsets.Add(kadm.Offset{Topic: topic, At: 10})
	_, err := b.admin.DeleteRecords(t.Context(), offsets)
	require.NoError(t, err)
	r, f := openFetchReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	for _, outside := range []int64{5, 21} {
		f.Add(fromOffset(at, outside), 1)
		require.ErrorIs(t, r.broken(t, at), stream.ErrExpired)
	}
	f.Add(map[engine.Partition]engine.Offset{at: {At: 10, Epoch: 0}}, 2)
	require.Equal(t, "10", string(r.records(t, at, 10)[0].Value))
	require.EqualValues(t, 10, r.last(at).Oldest)
}

func (b *fetchBed) anew(t *testing.T) {
	topic := b.topic(t, nil)
	b.write(t, b.producer(t), topic, 1)
	r, f := openFetchReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	f.Add(fromOffset(at, 0), 1)
	r.records(t, at, 1)
	_, err := b.admin.DeleteTopics(t.Context(), topic)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err = b.admin.CreateTopic(ctx, 1, 1, nil, topic); err == nil {
			break
		}
	}
	require.NoError(t, err)
	for i := range 3 {
		b.writeOnceKnown(t, topic, i)
	}
	require.ErrorIs(t, r.broken(t, at), stream.ErrNotFound)
	require.Len(t, r.records(t, at, 1), 1)
	f.Add(fromOffset(at, 0), 2)
	require.Equal(t, "0", string(r.records(t, at, 4)[1].Value))
}

// compaction waits until the cleaner has left holes, and empty batches of the idempotent producer.
func (b *fetchBed) compaction(t *testing.T) {
	topic := b.topic(t, map[string]*string{
		"cleanup.policy": kadm.StringPtr("compact"), "segment.ms": kadm.StringPtr("300"),
		"max.compaction.lag.ms": kadm.StringPtr("300"), "min.cleanable.dirty.ratio": kadm.StringPtr("0.01"),
	})
	at := engine.Partition{Topic: topic}
	deadline := time.Now().Add(60 * time.Second)
	for n := int64(0); ; n++ {
		require.True(t, time.Now().Before(deadline), "nothing was compacted")
		require.NoError(t, b.producer(t).ProduceSync(t.Context(),
			&kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v")}).FirstErr())
		r, f := openFetchReader(t, b.settings)
		f.Add(fromOffset(at, 0), 1)
		r.await(t, at, n+1)
		f.Close()
		if got := int64(len(r.records(t, at, 1))); n > 5 && got < n-3 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}
