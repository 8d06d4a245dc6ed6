//go:build unix

package kafkago

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	fetchBenchPartitions = 12
	fetchBenchBatch      = 500
	fetchBenchBudget     = 4 << 20 // of a partition, as Settings.BufferBytes
)

// BenchmarkConsume compares kafka-go's Readers, one a partition as in a group, with the Fetcher and Records.Read into
// batches. An operation is a record. The broker is in this process and answers from memory; its share is the same on both
// sides.
func BenchmarkConsume(b *testing.B) {
	b.Run("readers", benchmarkReaders)
	b.Run("fetcher", benchmarkFetcher)
}

func benchmarkReaders(b *testing.B) {
	cluster := fetchBenchFake(b)
	ctx, cancel := context.WithCancel(b.Context())
	messages := make(chan int, 1<<10)
	var readers sync.WaitGroup
	for p := range fetchBenchPartitions {
		r := segmentio.NewReader(segmentio.ReaderConfig{
			Brokers: cluster.ListenAddrs(), Topic: "orders", Partition: p, QueueCapacity: 10_000, MinBytes: 1,
			MaxBytes: 10 << 20, MaxWait: 500 * time.Millisecond,
		})
		readers.Go(func() {
			defer func() { _ = r.Close() }()
			for ctx.Err() == nil {
				message, err := r.FetchMessage(ctx)
				if err != nil {
					return
				}
				select {
				case messages <- len(message.Value):
				case <-ctx.Done():
				}
			}
		})
	}
	defer readers.Wait()
	defer cancel()
	<-messages
	b.ReportAllocs()
	b.ResetTimer()
	before := fetchCPU(b)
	bytes := 0
	for range b.N {
		bytes += <-messages
	}
	b.StopTimer()
	b.ReportMetric(float64(fetchCPU(b)-before)/float64(b.N), "cpu-ns/op")
	b.SetBytes(int64(bytes / b.N))
}

func benchmarkFetcher(b *testing.B) {
	cluster := fetchBenchFake(b)
	c, err := driver{}.Open(fetchSettings(cluster.ListenAddrs()))
	require.NoError(b, err)
	defer c.Close()
	q := &fetchQueue{holds: make(map[engine.Partition]int), paused: make(map[engine.Partition]bool)}
	q.filled = sync.NewCond(&q.mu)
	q.fetcher, err = c.OpenFetcher(q, engine.FetchConfig{Member: "bench"})
	require.NoError(b, err)
	defer q.fetcher.Close()
	at := make(map[engine.Partition]engine.Offset)
	for p := range int32(fetchBenchPartitions) {
		at[engine.Partition{Topic: "orders", Number: p}] = engine.Offset{Epoch: -1}
	}
	q.fetcher.Add(at, 1)
	into := make([]stream.Record, fetchBenchBatch)
	q.take()
	b.ReportAllocs()
	b.ResetTimer()
	before := fetchCPU(b)
	bytes := 0
	for n := 0; n < b.N; {
		p, block := q.take()
		for first := 0; first < block.Records.Len(); first += fetchBenchBatch {
			batch := into[:min(fetchBenchBatch, block.Records.Len()-first)]
			block.Records.Read(first, batch)
			for i := range batch {
				n++
				bytes += len(batch[i].Value)
			}
		}
		q.done(p, block.Bytes)
	}
	b.StopTimer()
	b.ReportMetric(float64(fetchCPU(b)-before)/float64(b.N), "cpu-ns/op")
	b.SetBytes(int64(bytes / b.N))
}

func fetchBenchFake(b *testing.B) *kfake.Cluster {
	b.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(fetchBenchPartitions, "orders"),
		kfake.SyntheticFetch(kfake.SyntheticBatch{}))
	require.NoError(b, err)
	b.Cleanup(cluster.Close)
	return cluster
}

// A fetchQueue is a Receiver with one reader of all blocks, and a budget for each partition.
type fetchQueue struct {
	fetcher engine.Fetcher
	mu      sync.Mutex
	filled  *sync.Cond
	blocks  []fetchQueued
	holds   map[engine.Partition]int
	paused  map[engine.Partition]bool
}

type fetchQueued struct {
	p     engine.Partition
	block engine.Block
}

func (q *fetchQueue) Fetched(p engine.Partition, block engine.Block) {
	q.mu.Lock()
	q.blocks = append(q.blocks, fetchQueued{p, block})
	q.holds[p] += block.Bytes
	full := q.holds[p] > fetchBenchBudget && !q.paused[p]
	if full {
		q.paused[p] = true
	}
	q.mu.Unlock()
	q.filled.Signal()
	if full {
		q.fetcher.Pause(p)
	}
}

func (q *fetchQueue) Broken(engine.Partition, error) {}

func (q *fetchQueue) take() (engine.Partition, engine.Block) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.blocks) == 0 {
		q.filled.Wait()
	}
	first := q.blocks[0]
	q.blocks[0] = fetchQueued{}
	q.blocks = q.blocks[1:]
	return first.p, first.block
}

func (q *fetchQueue) done(p engine.Partition, bytes int) {
	q.mu.Lock()
	q.holds[p] -= bytes
	hungry := q.paused[p] && q.holds[p] <= fetchBenchBudget/2
	if hungry {
		q.paused[p] = false
	}
	q.mu.Unlock()
	if hungry {
		q.fetcher.Resume(p)
	}
}

// fetchCPU is what this process has used; unlike the clock it says something on a busy machine.
func fetchCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
