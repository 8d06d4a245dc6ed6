package franz

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/stream"
)

// BenchmarkSinkAgainstBare produces to a broker that throws everything away, by bare franz-go and by the sink in turn, and
// reports the ratios of rates and of CPU times from medians.
func BenchmarkSinkAgainstBare(b *testing.B) {
	c := fakeCluster(b, kfake.SeedTopics(12, "t"), kfake.BlackholeProduce())
	settings := sinkSettings(c.ListenAddrs())
	config := sinkConfig()
	config.DeliveryTimeout = 30 * time.Second
	s := openTestSink(b, settings, config, limits{})
	options, err := common(settings, "bare")
	require.NoError(b, err)
	shape, err := producing(settings, limits{})
	require.NoError(b, err)
	bare, err := kgo.NewClient(append(append(options, shape...), kgo.MaxBufferedRecords(config.BufferedRecords),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	require.NoError(b, err)
	defer bare.Close()
	const n = 200_000
	value, keys := make([]byte, 100), make([][]byte, 1000)
	for i := range keys {
		keys[i] = []byte(strconv.Itoa(i))
	}
	ours := make([]*stream.Record, n)
	for i := range ours {
		ours[i] = &stream.Record{Stream: "t", Key: keys[i%1000], Value: value}
	}
	ctx := context.Background()
	sides := map[string]func(){
		"bare": func() {
			var wg sync.WaitGroup
			wg.Add(n)
			done := func(*kgo.Record, error) { wg.Done() }
			for i := range n {
				bare.Produce(ctx, &kgo.Record{Topic: "t", Key: keys[i%1000], Value: value}, done)
			}
			wg.Wait()
		},
		"singly": func() {
			var wg sync.WaitGroup
			wg.Add(n)
			done := func(stream.Ack, error) { wg.Done() }
			for i := range n {
				s.Append(ctx, ours[i:i+1], done)
			}
			wg.Wait()
		},
		"hundreds": func() {
			var wg sync.WaitGroup
			wg.Add(n)
			done := func(stream.Ack, error) { wg.Done() }
			for i := 0; i < n; i += 100 {
				s.Append(ctx, ours[i:i+100], done)
			}
			wg.Wait()
		},
	}
	wall, cpu := map[string][]float64{}, map[string][]float64{}
	for b.Loop() {
		for _, side := range []string{"bare", "singly", "hundreds"} {
			runtime.GC()
			began, used := time.Now(), usage()
			sides[side]()
			wall[side] = append(wall[side], float64(time.Since(began)))
			cpu[side] = append(cpu[side], float64(usage()-used))
		}
	}
	for _, side := range []string{"singly", "hundreds"} {
		b.ReportMetric(median(wall["bare"])/median(wall[side]), side+"-rate/bare")
		b.ReportMetric(median(cpu[side])/median(cpu["bare"]), side+"-cpu/bare")
	}
	fmt.Fprintln(os.Stderr, "ns a record, bare:", median(wall["bare"])/n, "cpu:", median(cpu["bare"])/n)
}

func usage() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
