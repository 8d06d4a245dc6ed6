//go:build servers

package kinesis_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A feed stores records of many keys all the time, several of a key at once so that they are aggregated.
type feed struct {
	i        *interop
	producer stream.Producer
	counts   map[string]int
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu         sync.Mutex // guards what follows
	failed     error
	aggregated int
}

const (
	feedKeys  = 200
	feedBurst = 4 // records of one key at once
	feedEvery = 20 * time.Millisecond
)

// feed begins to store.
func (i *interop) feed(t *testing.T) *feed {
	p, err := stream.NewProducer(t.Context(), openConfig(t, i.config(t)), stream.ProducerConfig{DeliveryTimeout: javaPatience})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	f := &feed{i: i, producer: p, counts: map[string]int{}, stop: cancel}
	f.running.Go(func() { f.run(ctx) })
	t.Cleanup(func() {
		cancel()
		f.running.Wait()
		_ = p.Close(context.Background()) // what matters was flushed
	})
	return f
}

func (f *feed) run(ctx context.Context) {
	next := time.NewTicker(feedEvery)
	defer next.Stop()
	for n := 0; ; n++ {
		select {
		case <-next.C:
			f.burst(ctx, fmt.Sprintf("key-%d", n%feedKeys))
		case <-ctx.Done():
			return
		}
	}
}

func (f *feed) burst(ctx context.Context, key string) {
	for range feedBurst {
		rec := &stream.Record{Stream: f.i.stream, Key: []byte(key), Value: fmt.Appendf(nil, "%s/%d", key, f.counts[key])}
		if f.counts[key]%5 == 0 {
			rec.Headers = []stream.Header{{Key: "h", Value: []byte{0, 0xff}}}
		}
		f.counts[key]++
		f.producer.SendAsync(context.WithoutCancel(ctx), rec, f.answered)
	}
}

func (f *feed) answered(a stream.Ack, err error) {
	if err == nil && a.Duplicate {
		err = fmt.Errorf("stored twice, perhaps: %v", a.Position)
	}
	_, sub := shard.Sequence(a.Position)
	if err == nil {
		f.i.store(a.Partition, stored{a.Position, string(a.Record.Key), string(a.Record.Value)})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == nil {
		f.failed = err
	}
	if sub > 0 {
		f.aggregated++
	}
}

// end stops and requires that all was stored. It returns how many records were.
func (f *feed) end(t *testing.T) int {
	t.Helper()
	f.stop()
	f.running.Wait()
	require.NoError(t, f.producer.Flush(t.Context()))
	f.mu.Lock()
	defer f.mu.Unlock()
	require.NoError(t, f.failed)
	require.NotZero(t, f.aggregated, "nothing is aggregated")
	n := 0
	for _, count := range f.counts {
		n += count
	}
	return n
}
