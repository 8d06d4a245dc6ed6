package kafkago

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/stream"
)

// BenchmarkSinkAgainstWriter produces to a broker that throws everything away, by kafka-go's Writer and by the sink in
// turn, and reports the ratios of rates and of CPU times from medians. The fake broker's time is in both;
// STREAMPORT_BROKERS names real ones, with a topic t of 12 partitions.
func BenchmarkSinkAgainstWriter(b *testing.B) {
	var brokers []string
	if named := os.Getenv("STREAMPORT_BROKERS"); named != "" {
		brokers = strings.Split(named, ",")
	} else {
		brokers = fakeCluster(b, kfake.SeedTopics(12, "t"), kfake.BlackholeProduce()).ListenAddrs()
	}
	settings := sinkSettings(brokers)
	settings.Linger = 5 * time.Millisecond
	config := sinkConfig()
	config.DeliveryTimeout, config.BufferedRecords = 30*time.Second, 50_000
	s := openTestSink(b, settings, config, limits{})
	transport := &segmentio.Transport{MetadataTopics: []string{"t"}}
	defer transport.CloseIdleConnections()
	writer := &segmentio.Writer{
		Addr: segmentio.TCP(brokers...), Topic: "t", Balancer: segmentio.Murmur2Balancer{}, BatchSize: 10_000,
		BatchBytes: 1_000_012, BatchTimeout: 5 * time.Millisecond, RequiredAcks: segmentio.RequireAll, Transport: transport,
	}
	defer func() { require.NoError(b, writer.Close()) }()
	const n = 400_000
	value, keys := make([]byte, 100), make([][]byte, 1000)
	for i := range keys {
		keys[i] = []byte(strconv.Itoa(i))
	}
	ours, theirs := make([]*stream.Record, n), make([]segmentio.Message, 1000)
	for i := range ours {
		ours[i] = &stream.Record{Stream: "t", Key: keys[i%1000], Value: value}
	}
	for i := range theirs {
		theirs[i] = segmentio.Message{Key: keys[i], Value: value}
	}
	ctx := context.Background()
	appended := func(step int) func() {
		return func() {
			var wg sync.WaitGroup
			wg.Add(n)
			done := func(_ stream.Ack, err error) {
				if err != nil {
					panic(err)
				}
				wg.Done()
			}
			for i := 0; i < n; i += step {
				s.Append(ctx, ours[i:i+step], done)
			}
			wg.Wait()
		}
	}
	sides := map[string]func(){
		"writer": func() {
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					for range n / 32 / len(theirs) {
						require.NoError(b, writer.WriteMessages(ctx, theirs...))
					}
				})
			}
			wg.Wait()
		},
		"singly": appended(1), "hundreds": appended(100),
	}
	wall, cpu := map[string][]float64{}, map[string][]float64{}
	for b.Loop() {
		for _, side := range []string{"writer", "singly", "hundreds"} {
			runtime.GC()
			began, used := time.Now(), usage()
			sides[side]()
			records := float64(n)
			if side == "writer" {
				records = float64(n / 32 / len(theirs) * 32 * len(theirs))
			}
			wall[side] = append(wall[side], float64(time.Since(began))/records)
			cpu[side] = append(cpu[side], float64(usage()-used)/records)
		}
	}
	for _, side := range []string{"singly", "hundreds"} {
		b.ReportMetric(median(wall["writer"])/median(wall[side]), side+"-rate/writer")
		b.ReportMetric(median(cpu[side])/median(cpu["writer"]), side+"-cpu/writer")
		fmt.Fprintln(os.Stderr, side, "ns a record:", median(wall[side]), "cpu:", median(cpu[side]))
	}
	fmt.Fprintln(os.Stderr, "writer ns a record:", median(wall["writer"]), "cpu:", median(cpu["writer"]))
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
