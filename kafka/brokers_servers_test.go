//go:build servers

package kafka_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// TestOnRealBrokers runs what real brokers decide: one cluster for each version of the transaction protocol, shared by
// tests that have their own topics, groups and connections.
func TestOnRealBrokers(t *testing.T) {
	t.Parallel()
	for _, version := range []string{testenv.DefaultVersion, testenv.VersionTV1} {
		t.Run(version, func(t *testing.T) {
			b := startBrokers(t, testenv.Config{Version: version, Properties: map[string]string{
				"group.consumer.heartbeat.interval.ms": "200",
				"group.consumer.session.timeout.ms":    "3000",
			}})
			t.Run("findings", b.findings)
			t.Run("traps", b.traps)
			t.Run("bad input", b.badInput)
		})
	}
}

// brokers are a real cluster, and a client of it that is none of ours: the oracle.
type brokers struct {
	*testenv.Cluster
	library library // that is tested
	native  *kgo.Client
	admin   *kadm.Client
}

func startBrokers(t *testing.T, c testenv.Config) *brokers {
	t.Helper()
	b := &brokers{Cluster: testenv.Run(t, c)}
	b.native = b.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	b.admin = kadm.NewClient(b.native)
	return b
}

// by is the same cluster, used through another library.
func (b *brokers) by(l library) *brokers {
	other := *b
	other.library = l
	return &other
}

// open opens a backend that is closed with the test.
func (b *brokers) open(t *testing.T, c kafka.Config) *kafka.Backend {
	t.Helper()
	return b.library.strict(t, c)
}

// client is a client that is none of ours.
func (b *brokers) client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.Bootstrap()...), kgo.MetadataMinAge(50 * time.Millisecond), kgo.ProducerLinger(0),
	}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// tests runs tests beside each other: most of what they do is waiting.
func (b *brokers) tests(t *testing.T, all map[string]func(*testing.T)) {
	for name, test := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// topic makes a topic of its own for a test.
func (b *brokers) topic(t *testing.T, partitions int32, configs ...string) string {
	t.Helper()
	name := fmt.Sprintf("t-%d", time.Now().UnixNano())
	b.create(t, name, partitions, configs...)
	return name
}

// create makes a topic whose configuration is given as name, value, and so on, and waits until every broker leads it.
func (b *brokers) create(t *testing.T, name string, partitions int32, configs ...string) {
	t.Helper()
	values := map[string]*string{}
	for i := 0; i+1 < len(configs); i += 2 {
		values[configs[i]] = &configs[i+1]
	}
	require.Eventually(t, func() bool { // a topic under deletion exists still
		_, err := b.admin.CreateTopic(t.Context(), partitions, -1, values, name)
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	our := open(t, kafka.Config{Brokers: b.Bootstrap()})
	require.NoError(t, stream.EnsureStream(bounded(t), our, stream.StreamConfig{Name: name}))
}

// fill appends the values "0" to "n-1" to a partition.
func (b *brokers) fill(t *testing.T, topic string, partition int32, n int) {
	t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Key: []byte("k"), Value: fmt.Append(nil, i)}
	}
	require.NoError(t, b.native.ProduceSync(bounded(t), records...).FirstErr())
}

// log reads a partition from its beginning to its end, read-committed.
func (b *brokers) log(t *testing.T, topic string, partition int32) []*kgo.Record {
	t.Helper()
	ctx := bounded(t)
	ends, err := b.admin.ListCommittedOffsets(ctx, topic)
	require.NoError(t, err)
	end, ok := ends.Lookup(topic, partition)
	require.True(t, ok)
	require.NoError(t, end.Err)
	reader := b.client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	defer reader.Close()
	var all []*kgo.Record
	for next := int64(0); next < end.Offset; {
		fetches := reader.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() && r.Offset < end.Offset {
				all = append(all, r)
			}
		})
	}
	return all
}

func values(records []*kgo.Record) []string {
	all := make([]string, len(records))
	for i, r := range records {
		all[i] = string(r.Value)
	}
	return all
}

// trim deletes the records before an offset, as retention does.
func (b *brokers) trim(t *testing.T, topic string, partition int32, before int64) {
	t.Helper()
	offsets := make(kadm.Offsets)
	offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: before})
	answers, err := b.admin.DeleteRecords(bounded(t), offsets)
	require.NoError(t, err)
	require.NoError(t, answers.Error())
}

// save stores an offset of partition 0 for a group that has no member.
func (b *brokers) save(t *testing.T, group, topic string, at int64, metadata string) {
	t.Helper()
	offsets := make(kadm.Offsets)
	offsets.Add(kadm.Offset{Topic: topic, At: at, LeaderEpoch: -1, Metadata: metadata})
	require.NoError(t, b.admin.CommitAllOffsets(bounded(t), group, offsets))
}

// saved is a group's offset in a partition, -1 without one.
func (b *brokers) saved(t *testing.T, group, topic string, partition int32) int64 {
	t.Helper()
	offsets, err := b.admin.FetchOffsets(bounded(t), group)
	require.NoError(t, err)
	at, ok := offsets.Lookup(topic, partition)
	if !ok {
		return -1
	}
	require.NoError(t, at.Err)
	return at.At
}

// path is a way to the brokers that a test can cut: a proxy before each of them, for one backend.
func (b *brokers) path(t *testing.T) *path {
	t.Helper()
	p := &path{to: map[string]*tcpfault.Proxy{}}
	for _, address := range b.Bootstrap() {
		proxy, err := tcpfault.Listen(address)
		require.NoError(t, err)
		t.Cleanup(proxy.Close)
		p.to[address] = proxy
	}
	return p
}

// config is quick to notice what happens, by way of p; nil is straight.
func (b *brokers) config(p *path) kafka.Config {
	c := kafka.Config{
		Brokers: b.Bootstrap(), Session: 2 * time.Second, Heartbeat: 200 * time.Millisecond, Rebalance: 10 * time.Second,
		MetadataMinAge: 50 * time.Millisecond, MetadataMaxAge: time.Second,
	}
	if p != nil {
		c.Dial = p.dial
	}
	return c
}

type path struct{ to map[string]*tcpfault.Proxy }

func (p *path) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if proxy := p.to[address]; proxy != nil {
		address = proxy.Addr()
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// set puts a rule in force on every proxy.
func (p *path) set(r tcpfault.Rule) faults {
	var all faults
	for _, proxy := range p.to {
		all = append(all, proxy.Set(r))
	}
	return all
}

type faults []*tcpfault.Fault

func (all faults) remove() {
	for _, f := range all {
		f.Remove()
	}
}

func (all faults) hits() (n int64) {
	for _, f := range all {
		n += f.Hits()
	}
	return n
}

// producer opens a producer that is closed with the test.
func producer(t *testing.T, b stream.Backend, c stream.ProducerConfig) stream.Producer {
	t.Helper()
	p, err := stream.NewProducer(bounded(t), b, c)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = p.Close(ctx) // a failure of the test's own making may stick
	})
	return p
}

func consumer(t *testing.T, b stream.Backend, c stream.ConsumerConfig) stream.Consumer {
	t.Helper()
	made, err := stream.NewConsumer(bounded(t), b, c)
	require.NoError(t, err)
	return made
}
