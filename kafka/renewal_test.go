package kafka_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// goesOnFor sends a numbered record every 20 ms for a while, a hundred at least, and reads them in a group and without
// one: each comes once and in order, and the partition is held all the time.
func goesOnFor(t *testing.T, b *kafka.Backend, topic, key string, long time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long+time.Minute)
	defer cancel()
	all := []*follower{{key: key}, {key: key}}
	ran := make(chan error, len(all))
	for i, f := range all {
		consumer, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: []string{key, ""}[i], Streams: []string{topic}})
		require.NoError(t, err)
		go func() { ran <- consumer.Run(ctx, f.handle) }()
	}
	producer, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{topic}})
	require.NoError(t, err)
	var sent []string
	for begun := time.Now(); time.Since(begun) < long || len(sent) < 100; time.Sleep(20 * time.Millisecond) {
		sent = append(sent, strconv.Itoa(len(sent)))
		require.NoError(t, producer.Send(ctx, &stream.Record{Stream: topic, Key: []byte(key), Value: []byte(sent[len(sent)-1])}))
	}
	require.NoError(t, producer.Close(ctx))
	for _, f := range all {
		require.Eventually(t, func() bool { return len(f.seen()) >= len(sent) || len(ran) > 0 }, 20*time.Second, 20*time.Millisecond)
	}
	cancel()
	for _, f := range all {
		require.NoError(t, <-ran)
		require.Equal(t, sent, f.seen())
		require.EqualValues(t, 1, f.grants.Load(), "a session that ends costs no partition")
	}
}

// A follower reads the records that have its key.
type follower struct {
	key    string
	grants atomic.Int64 // of its partition

	mu     sync.Mutex // guards what follows
	values []string
}

func (f *follower) handle(ctx context.Context, p *stream.Partition) error {
	f.grants.Add(1)
	for rec, err := range p.Records(ctx) {
		if err != nil {
			return err
		}
		if string(rec.Key) == f.key {
			f.mu.Lock()
			f.values = append(f.values, string(rec.Value))
			f.mu.Unlock()
		}
	}
	return nil
}

func (f *follower) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.values)
}
