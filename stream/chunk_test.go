package stream_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

func TestChunkedRaisesMaxRecordBytes(t *testing.T) {
	limit := func(l *chunkLog, c stream.Chunking) stream.Limit {
		got, err := stream.Chunked(l, c).Capabilities(t.Context(), "quakes")
		require.NoError(t, err)
		got.MaxRecordBytes, l.caps.MaxRecordBytes = l.caps.MaxRecordBytes, got.MaxRecordBytes
		require.NotEqual(t, stream.Capabilities{}, got)
		raised := l.caps.MaxRecordBytes
		l.caps.MaxRecordBytes = got.MaxRecordBytes
		require.Equal(t, l.caps, got, "nothing else changes")
		return raised
	}
	l := newChunkLog(1)
	got := limit(l, stream.Chunking{})
	require.EqualValues(t, 16<<20, got.Value)
	require.Contains(t, got.Reason, "stored in chunks")
	require.EqualValues(t, 5000, limit(l, stream.Chunking{MaxRecordBytes: 5000}).Value)
	require.Equal(t, l.caps.MaxRecordBytes, limit(l, stream.Chunking{MaxRecordBytes: 1000}), "never lowered")
	l.caps.Headers.Support = stream.None
	require.Equal(t, l.caps.MaxRecordBytes, limit(l, stream.Chunking{}), "no chunks, no raise")
	l = newChunkLog(1)
	l.caps.MaxRecordBytes = stream.Limit{Source: stream.Declared}
	require.Equal(t, l.caps.MaxRecordBytes, limit(l, stream.Chunking{}), "no limit stays none")
	l.caps.MaxRecordBytes = stream.Limit{}
	require.EqualValues(t, 16<<20, limit(l, stream.Chunking{}).Value, "an unknown limit is taken to be a small one")
	_, err := stream.Chunked(l, stream.Chunking{}).Capabilities(t.Context(), "other")
	require.ErrorIs(t, err, stream.ErrNotFound)
}

func TestChunkedNeedsOfTheStream(t *testing.T) {
	cases := []struct {
		name   string
		lack   func(*stream.Capabilities)
		reason string
	}{
		{"Headers", func(c *stream.Capabilities) { c.Headers = stream.Flag{Support: stream.None, Reason: "tags are off"} }, "tags are off"},
		{"HeadersUnknown", func(c *stream.Capabilities) { c.Headers.Support = stream.Unknown }, "headers"},
		{"KeyOrder", func(c *stream.Capabilities) { c.KeyOrder.Support = stream.None }, "key order"},
		{"NoCompaction", func(c *stream.Capabilities) { c.Compaction.Support = stream.Native }, "compact"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := newChunkLog(1)
			c.lack(&l.caps)
			b := stream.Chunked(l, stream.Chunking{})
			_, err := b.OpenSink(t.Context(), stream.SinkConfig{Streams: []string{"quakes"}})
			require.ErrorIs(t, err, stream.ErrUnsupported)
			require.ErrorContains(t, err, c.reason)
			s, err := b.OpenSink(t.Context(), stream.SinkConfig{})
			require.NoError(t, err)
			_, err = send(t, s, large("a", 'A', 2))
			require.ErrorIs(t, err, stream.ErrUnsupported)
			require.Empty(t, l.stored(0))
			fits := small("a", "a")
			_, err = send(t, s, &fits)
			require.NoError(t, err)
		})
	}
}

func TestChunkedRefusesLargeRecordWithoutKeyWhereSmallOnesAreRefused(t *testing.T) {
	l := newChunkLog(1)
	l.caps.NilKeys.Support = stream.None
	_, err := send(t, l.sink(t, stream.Chunking{}), &stream.Record{Stream: "quakes", Value: value('v', 5000)})
	require.ErrorIs(t, err, stream.ErrUnsupported)
}

func TestChunkedRefusesExternalCheckpoints(t *testing.T) {
	_, err := stream.Chunked(newChunkLog(1), stream.Chunking{}).OpenSource(t.Context(), stream.SourceConfig{External: true})
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.ErrorContains(t, err, "Checkpointer")
}

func TestChunkedRefusesBadChunking(t *testing.T) {
	for _, c := range []stream.Chunking{
		{ChunkBytes: -1}, {MaxRecordBytes: -1}, {MaxPending: -1}, {MaxHeldBytes: -1}, {MaxAge: -1},
		{ChunkBytes: 63}, {ChunkBytes: 1000, MaxRecordBytes: 999}, {MaxRecordBytes: 1000, MaxHeldBytes: 999},
	} {
		b := stream.Chunked(newChunkLog(1), c)
		_, err := b.Capabilities(t.Context(), "quakes")
		require.ErrorIs(t, err, stream.ErrInvalid, "%+v", c)
		_, err = b.OpenSink(t.Context(), stream.SinkConfig{Streams: []string{"quakes"}})
		require.ErrorIs(t, err, stream.ErrInvalid, "%+v", c)
		_, err = b.OpenSource(t.Context(), stream.SourceConfig{})
		require.ErrorIs(t, err, stream.ErrInvalid, "%+v", c)
	}
}

func TestChunkedPassesOptionalInterfaces(t *testing.T) {
	poor := stream.Chunked(newChunkLog(1), stream.Chunking{})
	_, err := poor.(stream.LagReader).Lag(t.Context(), stream.SourceConfig{}, nil)
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.ErrorIs(t, poor.(stream.Abandoner).Abandon("g", "m"), stream.ErrUnsupported)
	require.ErrorIs(t, stream.EnsureStream(t.Context(), poor, stream.StreamConfig{Name: "quakes"}), stream.ErrUnsupported)

	able := stream.Chunked(ableLog{newChunkLog(1)}, stream.Chunking{})
	lag, err := able.(stream.LagReader).Lag(t.Context(), stream.SourceConfig{}, nil)
	require.NoError(t, err)
	require.Equal(t, []stream.Lag{{Stream: "quakes"}}, lag)
	require.ErrorIs(t, able.(stream.Abandoner).Abandon("g", "m"), stream.ErrNotFound)
	require.NoError(t, stream.EnsureStream(t.Context(), able, stream.StreamConfig{Name: "quakes"}))
}

type ableLog struct{ *chunkLog }

func (ableLog) Lag(context.Context, stream.SourceConfig, func(string, string) (stream.Position, error)) ([]stream.Lag, error) {
	return []stream.Lag{{Stream: "quakes"}}, nil
}
func (ableLog) EnsureStream(context.Context, stream.StreamConfig) error { return nil }
func (ableLog) Abandon(string, string) error                            { return stream.ErrNotFound }
