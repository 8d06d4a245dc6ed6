package memory_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// bubble runs f in a bubble with an open backend that has the one stream "s".
func bubble(t *testing.T, c memory.Config, f func(t *testing.T, b *memory.Backend)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if c.Streams == nil {
			c.Streams = []stream.StreamConfig{{Name: "s", Partitions: 2}}
		}
		b, err := memory.Open(t.Context(), c)
		require.NoError(t, err)
		defer func() { require.NoError(t, b.Close()) }()
		f(t, b)
	})
}

func kafka() memory.Config   { return memory.Config{Profile: memory.Kafka} }
func kinesis() memory.Config { return memory.Config{Profile: memory.Kinesis} }

// one is a configuration with one partition.
func one(c memory.Config) memory.Config {
	c.Streams = []stream.StreamConfig{{Name: "s", Partitions: 1}}
	return c
}

func sinkConfig() stream.SinkConfig {
	return stream.SinkConfig{
		Member: "p", Sessions: 2, DeliveryTimeout: time.Minute, BufferedRecords: 10_000, BufferedBytes: 64 << 20,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

func openSink(t *testing.T, b *memory.Backend) stream.Sink {
	t.Helper()
	s, err := b.OpenSink(t.Context(), sinkConfig())
	require.NoError(t, err)
	return s
}

// answer is what done was called with.
type answer struct {
	ack stream.Ack
	err error
}

// send appends records, flushes and returns the answers in the order of the records.
func send(t *testing.T, s stream.Sink, recs ...*stream.Record) []answer {
	t.Helper()
	var mu sync.Mutex
	got := map[*stream.Record]answer{}
	s.Append(context.Background(), recs, func(a stream.Ack, err error) {
		mu.Lock()
		defer mu.Unlock()
		got[a.Record] = answer{a, err}
	})
	require.NoError(t, s.Flush(context.Background()))
	require.Len(t, got, len(recs))
	var answers []answer
	for _, r := range recs {
		answers = append(answers, got[r])
	}
	return answers
}

// sendAll appends records that must all be stored.
func sendAll(t *testing.T, b *memory.Backend, recs ...*stream.Record) []stream.Ack {
	t.Helper()
	s := openSink(t, b)
	var acks []stream.Ack
	for _, a := range send(t, s, recs...) {
		require.NoError(t, a.err)
		acks = append(acks, a.ack)
	}
	require.NoError(t, s.Close(context.Background()))
	return acks
}

func rec(key, value string) *stream.Record {
	return &stream.Record{Stream: "s", Key: []byte(key), Value: []byte(value)}
}

func sourceConfig(group, member string) stream.SourceConfig {
	return stream.SourceConfig{
		Group: group, Member: member, Streams: []string{"s"}, Grace: 5 * time.Second, Expired: stream.ExpiredFail,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

func openSource(t *testing.T, b *memory.Backend, c stream.SourceConfig) stream.Source {
	t.Helper()
	s, err := b.OpenSource(t.Context(), c)
	require.NoError(t, err)
	return s
}

func next(t *testing.T, s stream.Source) stream.Claim {
	t.Helper()
	c, err := s.Next(t.Context())
	require.NoError(t, err)
	return c
}

// none checks that no partition is granted for a long time.
func none(t *testing.T, s stream.Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	_, err := s.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// read fetches until so many records have come.
func read(t *testing.T, c stream.Claim, n int) []stream.Record {
	t.Helper()
	var all []stream.Record
	into := make([]stream.Record, 64)
	for len(all) < n {
		k, err := c.Fetch(t.Context(), into[:min(len(into), n-len(all))])
		require.NoError(t, err)
		require.Positive(t, k)
		all = append(all, into[:k]...)
	}
	return all
}

// drain fetches to the end.
func drain(t *testing.T, c stream.Claim) []stream.Record {
	t.Helper()
	var all []stream.Record
	into := make([]stream.Record, 64)
	for {
		k, err := c.Fetch(t.Context(), into)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, into[:k]...)
	}
}

func values(recs []stream.Record) []string {
	var all []string
	for _, r := range recs {
		all = append(all, string(r.Value))
	}
	return all
}

// closed reports whether a channel is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
