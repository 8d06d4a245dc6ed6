package stream_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// Readings that cannot be. The numbers are the rows of the catalogue of bad input.
func TestReadingsThatCannotBe(t *testing.T) {
	for name, c := range map[string]stream.ConsumerConfig{
		"row 1: no stream":                         {},
		"row 1: empty stream name":                 {Streams: []string{""}},
		"row 1: the same stream twice":             {Streams: []string{"s", "s"}},
		"row 4: negative grace":                    {Streams: []string{"s"}, Grace: -1},
		"row 4: negative interval":                 {Streams: []string{"s"}, CheckpointEvery: -1},
		"row 5: partitions in a group":             {Streams: []string{"s"}, Group: "g", Partitions: []string{"0"}},
		"row 5: partitions of two streams":         {Streams: []string{"s", "t"}, Partitions: []string{"0"}},
		"row 29: after a position, all partitions": {Streams: []string{"s"}, Start: stream.After(stream.Position{})},
		"row 29: since the zero time":              {Streams: []string{"s"}, Start: stream.Since(time.Time{})},
		"row 30: unknown policy":                   {Streams: []string{"s"}, Expired: "latests"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stream.NewConsumer(t.Context(), open("s", "t"), c)
			require.ErrorIs(t, err, stream.ErrInvalid)
		})
	}
	t.Run("row 10: nil context, nil handler, nil backend", func(t *testing.T) {
		var none context.Context
		_, err := stream.NewConsumer(none, nil, stream.ConsumerConfig{Streams: []string{"s"}})
		require.ErrorContains(t, err, "context")
		require.ErrorContains(t, err, "backend")
		c, err := stream.NewConsumer(t.Context(), open("s"), stream.ConsumerConfig{Streams: []string{"s"}})
		require.NoError(t, err)
		require.ErrorIs(t, c.Run(t.Context(), nil), stream.ErrInvalid)
	})
	t.Run("row 29: a position in the future", func(t *testing.T) {
		b := open("s")
		fill(b, "s", "a=1")
		future := stream.MakePosition([3]uint64{0, 0, math.MaxInt64}, 0, 0)
		c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
			Streams: []string{"s"}, Partitions: []string{"0"}, Start: stream.After(future), End: stream.Latest(),
		})
		require.NoError(t, err)
		err = c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error { return nil }))
		require.Error(t, err, "not the end of the stream in silence")
	})
	t.Run("row 29: a partition that does not exist", func(t *testing.T) {
		c, err := stream.NewConsumer(t.Context(), open("s"), stream.ConsumerConfig{Streams: []string{"s"}, Partitions: []string{"77"}})
		require.NoError(t, err)
		err = c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error { return nil }))
		require.ErrorIs(t, err, stream.ErrNotFound)
	})
}

// Handlers that misbehave: none crashes the process, none hangs it, and the record is not checkpointed.
func TestHandlersThatMisbehave(t *testing.T) {
	poison := errors.New("poison")
	var unset map[string]int
	for name, test := range map[string]struct {
		f    func(context.Context, *stream.Record) error
		want string
	}{
		"row 34: fails every time":         {func(context.Context, *stream.Record) error { return poison }, "after 5 tries: poison"},
		"row 35: panics":                   {func(context.Context, *stream.Record) error { panic("at the disco") }, "at the disco"},
		"row 35: writes to a nil map":      {func(context.Context, *stream.Record) error { unset["a"] = 1; return nil }, "nil map"},
		"row 35: leaves by runtime.Goexit": {func(context.Context, *stream.Record) error { runtime.Goexit(); return nil }, "Goexit"},
	} {
		for kind, handler := range map[string]stream.Handler{"Each": stream.Each(test.f), "ByKey": stream.ByKey(4, test.f)} {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := open("s")
					fill(b, "s", "a=1", "a=2")
					c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
					require.NoError(t, err)
					err = c.Run(t.Context(), handler)
					require.ErrorContains(t, err, test.want)
					require.ErrorContains(t, err, "s/0")
					require.True(t, b.Checkpoint("g", "s", "0").Position.IsZero())
					require.NoError(t, b.Close())
				})
			})
		}
	}
}

// A handler that uses what it runs inside of, against the rules or not, hangs nothing.
func TestHandlersThatReachBack(t *testing.T) {
	for name, reach := range map[string]func(t *testing.T, b *memory.Backend, c stream.Consumer, p *stream.Partition, rec *stream.Record){
		"row 38: a second Run": func(t *testing.T, _ *memory.Backend, c stream.Consumer, _ *stream.Partition, _ *stream.Record) {
			require.ErrorIs(t, c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error { return nil })), stream.ErrInvalid)
		},
		"row 36: a second loop inside the loop": func(t *testing.T, _ *memory.Backend, _ stream.Consumer, p *stream.Partition, _ *stream.Record) {
			for _, err := range p.Records(t.Context()) {
				require.ErrorIs(t, err, stream.ErrInvalid)
			}
		},
		"row 32: a record that was never delivered": func(t *testing.T, _ *memory.Backend, _ stream.Consumer, p *stream.Partition, rec *stream.Record) {
			forged := &stream.Record{Stream: rec.Stream, Partition: rec.Partition, Position: rec.Position}
			require.ErrorIs(t, p.Checkpoint(t.Context(), forged), stream.ErrInvalid)
		},
		"row 32: a record of another partition": func(t *testing.T, _ *memory.Backend, _ stream.Consumer, p *stream.Partition, rec *stream.Record) {
			other := *rec
			other.Partition = "1"
			require.ErrorIs(t, p.Checkpoint(t.Context(), &other), stream.ErrInvalid)
		},
		"row 32: the same record twice": func(t *testing.T, _ *memory.Backend, _ stream.Consumer, p *stream.Partition, rec *stream.Record) {
			require.NoError(t, p.Checkpoint(t.Context(), rec))
			require.NoError(t, p.Checkpoint(t.Context(), rec))
		},
		"row 36: close of the backend": func(t *testing.T, b *memory.Backend, _ stream.Consumer, _ *stream.Partition, _ *stream.Record) {
			require.NoError(t, b.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := open("s")
				fill(b, "s", "a=1")
				c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
				require.NoError(t, err)
				ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
				defer stop()
				reached := false
				_ = c.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
					for rec, err := range p.Records(ctx) {
						if err != nil {
							return err
						}
						reach(t, b, c, p, rec)
						reached = true
						return p.Checkpoint(ctx, rec)
					}
					return nil
				})
				require.True(t, reached)
				require.NoError(t, b.Close())
			})
		})
	}
}

// row 33: what comes after the handler has returned is refused, and changes nothing.
func TestCheckpointAfterTheHandler(t *testing.T) {
	b := open("s")
	fill(b, "s", "a=1", "a=2")
	c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
	require.NoError(t, err)
	var kept *stream.Partition
	var first, second *stream.Record
	require.NoError(t, c.Run(t.Context(), func(ctx context.Context, p *stream.Partition) error {
		kept = p
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			if first == nil {
				first = rec
				continue
			}
			second = rec
			return p.Checkpoint(ctx, first)
		}
		return nil
	}))
	require.ErrorIs(t, kept.Checkpoint(t.Context(), second), stream.ErrLost)
	kept.Done(second)
	require.Equal(t, first.Position, b.Checkpoint("g", "s", "0").Position)
}
