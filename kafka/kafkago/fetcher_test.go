package kafkago

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestFetcherReadsEveryRecordFromTheOffset(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(3, "orders"))
	for p := range int32(3) {
		store(t, cluster, "orders", p, 100)
	}
	r, f := newFetchReader(t, cluster, nil)
	f.Add(map[engine.Partition]engine.Offset{
		{Topic: "orders", Number: 0}: {At: 0, Epoch: -1},
		{Topic: "orders", Number: 1}: {At: 40, Epoch: 0},
		{Topic: "orders", Number: 2}: {At: 99, Epoch: -1},
	}, 7)
	for p, first := range map[int32]int{0: 0, 1: 40, 2: 99} {
		at := engine.Partition{Topic: "orders", Number: p}
		got := r.records(t, at, 100-first)
		for i, record := range got {
			require.Equal(t, fmt.Sprint(first+i), string(record.Value))
			require.Equal(t, "orders", record.Stream)
			require.Equal(t, fmt.Sprint(p), record.Partition)
			require.Equal(t, engine.Position(int64(first+i), 0), record.Position)
			require.WithinDuration(t, time.Now(), record.Time, time.Minute)
		}
		last := r.last(at)
		require.Equal(t, engine.Offset{At: 100, Epoch: 0}, last.Next)
		require.Equal(t, int64(100), last.Stable)
		require.Zero(t, last.Oldest)
		require.Equal(t, int64(7), last.Added)
	}
}

func TestFetcherKeepsNilAndEmptyAndHeadersAndFarTimes(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	far := time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	storeRecords(t, cluster,
		&kgo.Record{Topic: "orders"},
		&kgo.Record{Topic: "orders", Key: []byte{}, Value: []byte{}},
		&kgo.Record{Topic: "orders", Headers: []kgo.RecordHeader{
			{Key: "a"}, {Key: "a", Value: []byte{}}, {Key: "b", Value: []byte("2")},
		}},
		&kgo.Record{Topic: "orders", Headers: []kgo.RecordHeader{{Key: "c"}}, Timestamp: time.UnixMilli(1)},
	)
	r, f := newFetchReader(t, cluster, nil)
	at := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(at, 0), 1)
	got := r.records(t, at, 4)
	require.Nil(t, got[0].Key)
	require.Nil(t, got[0].Value)
	require.Nil(t, got[0].Headers)
	require.Equal(t, []byte{}, got[1].Key)
	require.Equal(t, []byte{}, got[1].Value)
	require.Equal(t, []stream.Header{{Key: "a"}, {Key: "a", Value: []byte{}}, {Key: "b", Value: []byte("2")}}, got[2].Headers)
	require.Equal(t, []stream.Header{{Key: "c"}}, got[3].Headers)
	require.Equal(t, 1, cap(got[3].Headers), "appending must not reach the next record's headers")
	require.True(t, time.UnixMilli(1).Equal(got[3].Time))
	require.Equal(t, far.UnixMilli(), recordTime(far.UnixMilli()).UnixMilli())
	require.Zero(t, recordTime(-1))
}

func TestFetcherPassesMarkersAndHidesAbortedRecords(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	storeTransaction(t, cluster, "orders", kgo.TryAbort, 3)
	storeTransaction(t, cluster, "orders", kgo.TryCommit, 2)
	storeTransaction(t, cluster, "orders", kgo.TryAbort, 1)
	at := engine.Partition{Topic: "orders"}
	t.Run("committed", func(t *testing.T) {
		r, f := newFetchReader(t, cluster, nil)
		f.Add(fromOffset(at, 0), 1)
		got := r.records(t, at, 2)
		require.Equal(t, engine.Position(4, 0), got[0].Position)
		r.await(t, at, 9) // 3 and a marker, 2 and a marker, 1 and a marker
		require.Len(t, r.records(t, at, 2), 2)
	})
	t.Run("uncommitted", func(t *testing.T) {
		r, f := newFetchReader(t, cluster, func(s *engine.Settings) { s.Uncommitted = true })
		f.Add(fromOffset(at, 0), 1)
		r.await(t, at, 9)
		require.Len(t, r.records(t, at, 6), 6)
	})
}

func TestFetcherTellsWhatIsOutOfRangeAndStands(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(2, "orders"))
	store(t, cluster, "orders", 0, 50)
	store(t, cluster, "orders", 1, 50)
	require.NoError(t, cluster.DeleteRecords("orders", 0, 20))
	fetches := observed(cluster, kmsg.Fetch)
	r, f := newFetchReader(t, cluster, nil)
	early, late := engine.Partition{Topic: "orders"}, engine.Partition{Topic: "orders", Number: 1}
	f.Add(fromOffset(early, 10), 1)
	require.ErrorIs(t, r.broken(t, early), stream.ErrExpired)
	f.Add(fromOffset(late, 60), 2)
	require.ErrorIs(t, r.broken(t, late), stream.ErrExpired)
	require.Empty(t, r.records(t, early, 0))
	require.Empty(t, r.records(t, late, 0))
	require.Less(t, fetches.Hits(), 20, "a partition that is out of range must not be asked for again and again")

	f.Add(fromOffset(early, 20), 3)
	got := r.records(t, early, 30)
	require.Equal(t, "20", string(got[0].Value))
	require.Equal(t, int64(3), r.last(early).Added)
}

func TestFetcherStandsWhereTheTopicWasMadeAnew(t *testing.T) {
	t.Parallel()
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	store(t, cluster, "orders", 0, 5)
	const withIDs = 10 // of Metadata
	identified, missed := make(chan struct{}, 1), make(chan struct{})
	watch(cluster, kmsg.Metadata, func(_ int32, r kmsg.Request) (kmsg.Response, error, bool) {
		if r.GetVersion() == withIDs {
			offer(identified, missed)
		}
		return nil, nil, false
	})
	watch(cluster, kmsg.Fetch, func(int32, kmsg.Request) (kmsg.Response, error, bool) {
		offer(missed)
		return nil, nil, false
	})
	r, f := newFetchReader(t, cluster, nil)
	at := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(at, 0), 1)
	r.records(t, at, 5)
	<-identified
	require.NoError(t, cluster.DeleteTopic("orders"))
	<-missed // unlike a broker, the fake does not end a fetch that waits
	require.NoError(t, cluster.CreateTopic("orders", 1, nil))
	store(t, cluster, "orders", 0, 9)
	require.ErrorIs(t, r.broken(t, at), stream.ErrNotFound)
	require.Len(t, r.records(t, at, 5), 5, "nothing of the new topic is read at the old topic's offset")
	f.Add(fromOffset(at, 0), 2)
	require.Equal(t, "0", string(r.records(t, at, 14)[5].Value))
}

// offer lets those go on that wait.
func offer(to ...chan struct{}) {
	for _, one := range to {
		select {
		case one <- struct{}{}:
		default:
		}
	}
}

func TestFetcherTellsADeletedTopic(t *testing.T) {
	t.Parallel()
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	store(t, cluster, "orders", 0, 5)
	r, f := newFetchReader(t, cluster, nil)
	at := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(at, 0), 1)
	r.records(t, at, 5)
	require.NoError(t, cluster.DeleteTopic("orders"))
	require.ErrorIs(t, r.broken(t, at), stream.ErrNotFound)

	missing := engine.Partition{Topic: "nowhere"}
	f.Add(fromOffset(missing, 0), 2)
	require.ErrorIs(t, r.broken(t, missing), stream.ErrNotFound)
}

func TestFetcherBeginsAnewWhereItIsAddedAgain(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	store(t, cluster, "orders", 0, 200)
	at := engine.Partition{Topic: "orders"}
	r, f := newFetchReader(t, cluster, nil)
	for number := range int64(50) {
		f.Add(fromOffset(at, number), number)
		if number%3 == 0 {
			f.Remove(at)
			f.Add(fromOffset(at, number), number+1000)
		}
	}
	r.awaitNumber(t, at, 49, 200)
	for number, got := range r.byNumber(at) {
		for i, record := range got {
			require.Equal(t, engine.Position(number%1000+int64(i), 0), record.Position, "of Add %d", number)
		}
	}
}

func TestFetcherPausesAndGoesOnWithoutAGap(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(2, "orders"))
	slow, quick := engine.Partition{Topic: "orders"}, engine.Partition{Topic: "orders", Number: 1}
	r, f := newFetchReader(t, cluster, func(s *engine.Settings) { s.PartitionBytes = 1 << 10 })
	r.onFetched = func(p engine.Partition) {
		if p == slow {
			f.Pause(p)
		}
	}
	storeSmall(t, cluster, "orders", 2000)
	f.Add(map[engine.Partition]engine.Offset{slow: {Epoch: -1}, quick: {Epoch: -1}}, 1)
	r.blocks(t, slow, 1)
	store(t, cluster, "orders", 1, 500)
	r.records(t, quick, 500)
	stood := r.last(slow).Next.At
	require.Less(t, stood, int64(2000), "a paused partition is read on")
	for n := 1; r.last(slow).Next.At < 2000; n++ {
		before := r.count(slow)
		f.Resume(slow)
		r.blocks(t, slow, before+1)
		require.Less(t, n, 2000)
	}
	for i, record := range r.records(t, slow, 2000) {
		require.Equal(t, fmt.Sprint(i), string(record.Value))
	}
}

func TestFetcherPassesHolesOfCompaction(t *testing.T) {
	cluster := fetchFake(t, kfake.NumBrokers(1))
	require.NoError(t, cluster.CreateTopic("orders", 1, map[string]string{
		"cleanup.policy": "compact", "segment.bytes": "200", "min.cleanable.dirty.ratio": "0.01",
	}))
	storeRecords(t, cluster, &kgo.Record{Topic: "orders", Key: []byte("first"), Value: []byte("first")})
	for range 19 {
		storeRecords(t, cluster, &kgo.Record{Topic: "orders", Key: []byte("k"), Value: make([]byte, 100)})
	}
	cluster.Compact()
	at := engine.Partition{Topic: "orders"}
	r, f := newFetchReader(t, cluster, nil)
	f.Add(fromOffset(at, 0), 1)
	r.await(t, at, 20)
	got := r.records(t, at, 1)
	require.Less(t, len(got), 20, "nothing was compacted")
	require.Equal(t, engine.Position(19, 0), got[len(got)-1].Position)
}

func TestFetcherTellsCorruption(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	r, f := newFetchReader(t, cluster, func(s *engine.Settings) { s.DecompressBytes = 1 << 10 })
	producer := storer(t, cluster, kgo.ProducerBatchCompression(kgo.GzipCompression()))
	require.NoError(t, producer.ProduceSync(t.Context(),
		&kgo.Record{Topic: "orders", Value: make([]byte, 64<<10)}).FirstErr())
	at := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(at, 0), 1)
	require.ErrorIs(t, r.broken(t, at), stream.ErrCorrupt)
	require.Empty(t, r.records(t, at, 0))
}

func TestFetcherFollowsTheLeader(t *testing.T) {
	cluster := fetchFake(t, kfake.NumBrokers(3), kfake.SeedTopics(1, "orders"))
	at := engine.Partition{Topic: "orders"}
	r, f := newFetchReader(t, cluster, nil)
	f.Add(fromOffset(at, 0), 1)
	for n := range 9 {
		store(t, cluster, "orders", 0, 10)
		require.NoError(t, cluster.MoveTopicPartition("orders", 0, int32(n%3)))
		r.records(t, at, 10*(n+1))
	}
	for i, record := range r.records(t, at, 90) {
		require.Equal(t, fmt.Sprint(i%10), string(record.Value))
	}
}

func TestFetcherStartsManyPartitionsInOneCall(t *testing.T) {
	const partitions = 500
	cluster := fetchFake(t, kfake.NumBrokers(1), kfake.SeedTopics(partitions, "orders"))
	metadata := observed(cluster, kmsg.Metadata)
	r, f := newFetchReader(t, cluster, nil)
	for p := range int32(partitions) {
		f.Add(fromOffset(engine.Partition{Topic: "orders", Number: p}, 0), 1)
	}
	store(t, cluster, "orders", partitions-1, 1)
	r.records(t, engine.Partition{Topic: "orders", Number: partitions - 1}, 1)
	require.Less(t, metadata.Hits(), 30)
	for p := range int32(partitions) {
		f.Remove(engine.Partition{Topic: "orders", Number: p})
	}
}

// A fetchReader is a Receiver that keeps what it gets.
type fetchReader struct {
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced whenever something came
	got       map[engine.Partition][]engine.Block
	read      map[engine.Partition]map[int64][]stream.Record
	failed    map[engine.Partition][]error
	onFetched func(engine.Partition)
}

func newFetchReader(t *testing.T, cluster *kfake.Cluster, change func(*engine.Settings)) (*fetchReader, engine.Fetcher) {
	t.Helper()
	settings := fetchSettings(cluster.ListenAddrs())
	if change != nil {
		change(&settings)
	}
	return openFetchReader(t, settings)
}

func openFetchReader(t *testing.T, settings engine.Settings) (*fetchReader, engine.Fetcher) {
	t.Helper()
	r := &fetchReader{
		changed: make(chan struct{}),
		got:     make(map[engine.Partition][]engine.Block),
		read:    make(map[engine.Partition]map[int64][]stream.Record),
		failed:  make(map[engine.Partition][]error),
	}
	c, err := driver{}.Open(settings)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	f, err := c.OpenFetcher(r, engine.FetchConfig{Member: "reader"})
	require.NoError(t, err)
	t.Cleanup(f.Close)
	return r, f
}

func (r *fetchReader) Fetched(p engine.Partition, b engine.Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[p] = append(r.got[p], b)
	if b.Records != nil {
		into := make([]stream.Record, b.Records.Len())
		b.Records.Read(0, into)
		if r.read[p] == nil {
			r.read[p] = make(map[int64][]stream.Record)
		}
		r.read[p][b.Added] = append(r.read[p][b.Added], into...)
	}
	if r.onFetched != nil { // before anybody can answer to the block
		r.onFetched(p)
	}
	r.signal()
}

func (r *fetchReader) Broken(p engine.Partition, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[p] = append(r.failed[p], err)
	r.signal()
}

func (r *fetchReader) signal() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// until waits for what happens under the lock to be enough.
func (r *fetchReader) until(t *testing.T, what string, enough func() bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		done, changed := enough(), r.changed
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("%s did not happen; failures: %v", what, r.failed)
		}
	}
}

func (r *fetchReader) all(p engine.Partition) []stream.Record {
	var all []stream.Record
	for number := range int64(2000) {
		all = append(all, r.read[p][number]...)
	}
	return all
}

func (r *fetchReader) records(t *testing.T, p engine.Partition, n int) []stream.Record {
	t.Helper()
	var got []stream.Record
	r.until(t, fmt.Sprintf("%d records of %v", n, p), func() bool {
		got = r.all(p)
		return len(got) >= n
	})
	return got
}

func (r *fetchReader) await(t *testing.T, p engine.Partition, next int64) {
	t.Helper()
	r.until(t, fmt.Sprintf("offset %d", next), func() bool {
		n := len(r.got[p])
		return n > 0 && r.got[p][n-1].Next.At == next
	})
}

func (r *fetchReader) awaitNumber(t *testing.T, p engine.Partition, number, next int64) {
	t.Helper()
	r.until(t, fmt.Sprintf("offset %d of Add %d", next, number), func() bool {
		n := len(r.got[p])
		return n > 0 && r.got[p][n-1].Next.At == next && r.got[p][n-1].Added == number
	})
}

func (r *fetchReader) blocks(t *testing.T, p engine.Partition, n int) {
	t.Helper()
	r.until(t, fmt.Sprintf("%d blocks", n), func() bool { return len(r.got[p]) >= n })
}

func (r *fetchReader) broken(t *testing.T, p engine.Partition) error {
	t.Helper()
	var err error
	r.until(t, "failure", func() bool {
		if len(r.failed[p]) > 0 {
			err, r.failed[p] = r.failed[p][0], r.failed[p][1:]
			return true
		}
		return false
	})
	return err
}

func (r *fetchReader) last(p engine.Partition) engine.Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got[p][len(r.got[p])-1]
}

func (r *fetchReader) count(p engine.Partition) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got[p])
}

func (r *fetchReader) byNumber(p engine.Partition) map[int64][]stream.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read[p]
}

func fromOffset(p engine.Partition, at int64) map[engine.Partition]engine.Offset {
	return map[engine.Partition]engine.Offset{p: {At: at, Epoch: -1}}
}

func fetchFake(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return cluster
}

func observed(cluster *kfake.Cluster, keys ...kmsg.Key) *kfake.FaultHandle {
	return cluster.Fault(kfake.Fault{Keys: keys, Observe: true, Count: -1})
}

func storer(t *testing.T, cluster *kfake.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	p, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(10 * time.Millisecond), kgo.DisableClientMetrics(),
	}, options...)...)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// produce appends n records whose values count from 0.
func store(t *testing.T, cluster *kfake.Cluster, topic string, partition int32, n int) {
	t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Append(nil, i)}
	}
	storeRecords(t, cluster, records...)
}

// produceSmall is produce in batches of about 1 KiB, which a fetch never splits.
func storeSmall(t *testing.T, cluster *kfake.Cluster, topic string, n int) {
	t.Helper()
	p := storer(t, cluster, kgo.ProducerBatchMaxBytes(1<<10))
	for i := range n {
		p.Produce(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}, func(_ *kgo.Record, err error) {
			require.NoError(t, err)
		})
	}
	require.NoError(t, p.Flush(t.Context()))
}

func storeRecords(t *testing.T, cluster *kfake.Cluster, records ...*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, storer(t, cluster).ProduceSync(ctx, records...).FirstErr())
}

func storeTransaction(t *testing.T, cluster *kfake.Cluster, topic string, end kgo.TransactionEndTry, n int) {
	t.Helper()
	p := storer(t, cluster, kgo.TransactionalID("tx"))
	require.NoError(t, p.BeginTransaction())
	for i := range n {
		require.NoError(t, p.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr())
	}
	require.NoError(t, p.EndTransaction(t.Context(), end))
}

// fetchSettings are the defaults of a kafka.Config, but for the times, which tests wait for.
func fetchSettings(brokers []string) engine.Settings {
	return engine.Settings{
		Brokers: brokers, ClientID: "test",
		FetchMinBytes: 1, FetchMaxBytes: 50 << 20, FetchMaxWait: 200 * time.Millisecond, PartitionBytes: 1 << 20,
		DecompressBytes: 64 << 20, Assignment: engine.Eager,
		Session: 6 * time.Second, Heartbeat: 100 * time.Millisecond, Rebalance: 10 * time.Second,
		RequestOverhead: 3 * time.Second, MetadataMinAge: 20 * time.Millisecond, MetadataMaxAge: 300 * time.Millisecond,
		ReadBytes: 100 << 20,
	}
}
