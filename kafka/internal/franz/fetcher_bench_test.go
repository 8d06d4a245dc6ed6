//go:build unix

package franz_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
	"github.com/streamport-go/streamport/stream"
)

const (
	benchPartitions = 12
	benchBatch      = 500
	benchBudget     = 4 << 20 // of a partition, as Settings.BufferBytes
)

// BenchmarkConsume compares polling the bare client with the Fetcher and Records.Read into batches. An operation is a
// record. The broker is in this process and answers from memory; its share is the same on both sides.
func BenchmarkConsume(b *testing.B) {
	b.Run("bare", benchmarkBare)
	b.Run("fetcher", benchmarkFetcher)
}

func benchmarkBare(b *testing.B) {
	cluster := benchFake(b)
	s := fetchSettings(cluster.ListenAddrs())
	offsets := make(map[int32]kgo.Offset)
	for p := range int32(benchPartitions) {
		offsets[p] = kgo.NewOffset().At(0)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.DisableClientMetrics(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"orders": offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(s.FetchMaxBytes),
		kgo.FetchMaxPartitionBytes(s.PartitionBytes), kgo.FetchMaxWait(s.FetchMaxWait))
	require.NoError(b, err)
	defer client.Close()
	client.PollFetches(b.Context())
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime(b)
	bytes := 0
	for n := 0; n < b.N; {
		client.PollFetches(b.Context()).EachRecord(func(r *kgo.Record) {
			n++
			bytes += len(r.Value)
		})
	}
	b.StopTimer()
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
	b.SetBytes(int64(bytes / b.N))
}

func benchmarkFetcher(b *testing.B) {
	cluster := benchFake(b)
	c, err := franz.Driver{}.Open(fetchSettings(cluster.ListenAddrs()))
	require.NoError(b, err)
	defer c.Close()
	q := &queue{holds: make(map[engine.Partition]int), paused: make(map[engine.Partition]bool)}
	q.filled = sync.NewCond(&q.mu)
	q.fetcher, err = c.OpenFetcher(q, engine.FetchConfig{Member: "bench"})
	require.NoError(b, err)
	defer q.fetcher.Close()
	at := make(map[engine.Partition]engine.Offset)
	for p := range int32(benchPartitions) {
		at[engine.Partition{Topic: "orders", Number: p}] = engine.Offset{Epoch: -1}
	}
	q.fetcher.Add(at, 1)
	into := make([]stream.Record, benchBatch)
	q.take()
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime(b)
	bytes := 0
	for n := 0; n < b.N; {
		p, block := q.take()
		for first := 0; first < block.Records.Len(); first += benchBatch {
			batch := into[:min(benchBatch, block.Records.Len()-first)]
			block.Records.Read(first, batch)
			for i := range batch {
				n++
				bytes += len(batch[i].Value)
			}
		}
		q.done(p, block.Bytes)
	}
	b.StopTimer()
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
	b.SetBytes(int64(bytes / b.N))
}

func benchFake(b *testing.B) *kfake.Cluster {
	b.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(benchPartitions, "orders"),
		kfake.SyntheticFetch(kfake.SyntheticBatch{}))
	require.NoError(b, err)
	b.Cleanup(cluster.Close)
	return cluster
}

// A queue is a Receiver with one reader of all blocks, and a budget for each partition.
type queue struct {
	fetcher engine.Fetcher
	mu      sync.Mutex
	filled  *sync.Cond
	blocks  []queued
	holds   map[engine.Partition]int
	paused  map[engine.Partition]bool
}

type queued struct {
	p     engine.Partition
	block engine.Block
}

func (q *queue) Fetched(p engine.Partition, block engine.Block) {
	q.mu.Lock()
	q.blocks = append(q.blocks, queued{p, block})
	q.holds[p] += block.Bytes
	full := q.holds[p] > benchBudget && !q.paused[p]
	if full {
		q.paused[p] = true
	}
	q.mu.Unlock()
	q.filled.Signal()
	if full {
		q.fetcher.Pause(p)
	}
}

func (q *queue) Broken(engine.Partition, error) {}

func (q *queue) take() (engine.Partition, engine.Block) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.blocks) == 0 {
		q.filled.Wait()
	}
	first := q.blocks[0]
	q.blocks[0] = queued{}
	q.blocks = q.blocks[1:]
	return first.p, first.block
}

func (q *queue) done(p engine.Partition, bytes int) {
	q.mu.Lock()
	q.holds[p] -= bytes
	hungry := q.paused[p] && q.holds[p] <= benchBudget/2
	if hungry {
		q.paused[p] = false
	}
	q.mu.Unlock()
	if hungry {
		q.fetcher.Resume(p)
	}
}

// processorTime is what this process has used; unlike the clock it says something on a busy machine.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
