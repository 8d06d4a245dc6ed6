package stream_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// chunkProfiles are the simulated services that can carry chunks.
var chunkProfiles = map[string]memory.Config{
	"Kafka":           {Profile: memory.Kafka},
	"KinesisWithTags": {Profile: memory.Kinesis, Tags: true, NoRateLimits: true},
}

// chunkedMemory opens a chunked simulator with streams of two partitions.
func chunkedMemory(t *testing.T, c memory.Config, streams ...string) stream.Backend {
	t.Helper()
	for _, name := range streams {
		c.Streams = append(c.Streams, stream.StreamConfig{Name: name, Partitions: 2})
	}
	inner, err := memory.Open(t.Context(), c)
	require.NoError(t, err)
	return stream.Chunked(inner, stream.Chunking{ChunkBytes: 1000})
}

// numbered is the n-th record of a key: of all sizes, up to five chunks.
func numbered(name, key string, n int) *stream.Record {
	v := binary.BigEndian.AppendUint32(nil, uint32(n))
	return &stream.Record{Stream: name, Key: []byte(key), Value: append(v, value(byte(n), n*577%5000)...)}
}

// handled is what handlers saw, redelivery left out, by key.
type handled struct {
	mu    sync.Mutex // guards what follows
	byKey map[string][]int
	all   int
}

func (h *handled) take(r *stream.Record) error {
	n := int(binary.BigEndian.Uint32(r.Value))
	if !bytes.Equal(r.Value, numbered("", "", n).Value) {
		return fmt.Errorf("record %d of key %s came back changed", n, r.Key)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all++
	if seen := len(h.byKey[string(r.Key)]); n >= seen {
		h.byKey[string(r.Key)] = append(h.byKey[string(r.Key)], n)
	}
	return nil
}

func (h *handled) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

// TestChunkedServiceSurvivesCrash runs producers and a group of two over each simulated service; one member dies in
// the middle. Nothing is lost, keys keep their order, values are exact, and at the end there is no lag.
func TestChunkedServiceSurvivesCrash(t *testing.T) {
	const keys, records = 6, 40
	for name, config := range chunkProfiles {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := chunkedMemory(t, config, "quakes")
				seen := &handled{byKey: map[string][]int{}}
				want := map[string][]int{}
				var work sync.WaitGroup
				for k := range keys {
					key := fmt.Sprintf("key-%d", k)
					for n := range records {
						want[key] = append(want[key], n)
					}
					p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{"quakes"}})
					require.NoError(t, err)
					work.Go(func() {
						for n := range records {
							p.SendAsync(t.Context(), numbered("quakes", key, n), func(_ stream.Ack, err error) {
								if err != nil {
									t.Error(err)
								}
							})
						}
						if err := p.Close(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				ctx, stop := context.WithCancel(t.Context())
				consumers := map[string]stream.Consumer{}
				for _, member := range []string{"first", "second"} {
					c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
						Group: "g", Member: member, Streams: []string{"quakes"},
						Observe: func(e stream.Event) {
							if e.Kind == stream.EventSkipped {
								t.Errorf("%v: %v", e.Kind, e.Err)
							}
						},
					})
					require.NoError(t, err)
					consumers[member] = c
					work.Go(func() {
						err := c.Run(ctx, stream.Each(func(_ context.Context, r *stream.Record) error {
							time.Sleep(time.Millisecond)
							return seen.take(r)
						}))
						if err != nil && !(member == "first" && errors.Is(err, stream.ErrClosed)) {
							t.Error(err)
						}
					})
				}
				for seen.count() < keys*records/3 {
					time.Sleep(10 * time.Millisecond)
				}
				require.NoError(t, b.(stream.Abandoner).Abandon("g", "first"))
				time.Sleep(5 * time.Minute)
				lag, err := consumers["second"].Lag(t.Context())
				require.NoError(t, err)
				require.Len(t, lag, 2)
				for _, l := range lag {
					require.Zero(t, l.Records.N, "%+v", l)
				}
				stop()
				work.Wait()
				require.Equal(t, want, seen.byKey)
				require.NoError(t, b.Close())
			})
		})
	}
}

// TestChunkedTransactionsAreExact reads large records and writes large records in transactions, some of which abort,
// with the checkpoint inside; what comes out is what went in, once each.
func TestChunkedTransactionsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records = 30
		b := chunkedMemory(t, memory.Config{Profile: memory.Kafka}, "in", "out")
		in, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{"in"}})
		require.NoError(t, err)
		for n := range records {
			require.NoError(t, in.Send(t.Context(), numbered("in", "k", n)))
		}
		require.NoError(t, in.Close(t.Context()))

		out, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{
			Streams: []string{"out"}, Require: stream.Requirements{Transactions: stream.Native},
		})
		require.NoError(t, err)
		tries := 0
		for range 3 { // the first two runs stop in the middle
			c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
				Group: "g", Streams: []string{"in"}, End: stream.Latest(),
			})
			require.NoError(t, err)
			_ = c.Run(t.Context(), func(ctx context.Context, p *stream.Partition) error {
				for r, err := range p.Records(ctx) {
					if err != nil {
						return err
					}
					err = out.Transact(ctx, func(tx stream.Tx) error {
						tries++
						copied := &stream.Record{Stream: "out", Key: r.Key, Value: r.Value}
						if err := tx.Send(ctx, copied); err != nil {
							return err
						}
						if tries == 7 || tries == 19 {
							return errors.New("stop here")
						}
						return tx.Checkpoint(p, r)
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, out.Close(t.Context()))
		seen := &handled{byKey: map[string][]int{}}
		c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Streams: []string{"out"}, End: stream.Latest()})
		require.NoError(t, err)
		require.NoError(t, c.Run(t.Context(), stream.Each(func(_ context.Context, r *stream.Record) error { return seen.take(r) })))
		require.Len(t, seen.byKey["k"], records)
		require.Equal(t, records, seen.all, "nothing twice")
		require.Equal(t, records+2, tries)
		require.NoError(t, b.Close())
	})
}

func TestChunkedRefusesServicesThatCannotCarryChunks(t *testing.T) {
	for _, profile := range []memory.Profile{memory.Strict, memory.Kinesis} {
		b := chunkedMemory(t, memory.Config{Profile: profile}, "quakes")
		_, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{"quakes"}})
		require.ErrorIs(t, err, stream.ErrUnsupported)
		require.ErrorContains(t, err, "chunks need headers")
		require.NoError(t, b.Close())
	}
}
