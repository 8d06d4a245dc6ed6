package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

// other is memory as a backend that can do less.
type other struct {
	inner    stream.Backend
	external atomic.Int32 // how many sources were opened whose checkpoints live elsewhere
	skip     string       // the event that no reader ever gets
}

func newOther(t *testing.T) *other {
	t.Helper()
	inner, err := streamport.Open(t.Context(), defaultURL)
	require.NoError(t, err)
	return &other{inner: inner}
}

// Capabilities leaves no room for state.
func (o *other) Capabilities(ctx context.Context, name string) (stream.Capabilities, error) {
	have, err := o.inner.Capabilities(ctx, name)
	have.MaxStateBytes = stream.Limit{Value: -1, Source: stream.Declared, Reason: "there is no room beside a position"}
	return have, err
}

func (o *other) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	return o.inner.OpenSink(ctx, c)
}

func (o *other) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	if c.External {
		o.external.Add(1)
	}
	s, err := o.inner.OpenSource(ctx, c)
	return &otherSource{Source: s, skip: o.skip}, err
}

func (o *other) EnsureStream(ctx context.Context, s stream.StreamConfig) error {
	return stream.EnsureStream(ctx, o.inner, s)
}

func (o *other) Lag(
	ctx context.Context, c stream.SourceConfig, at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	return o.inner.(stream.LagReader).Lag(ctx, c, at)
}

func (o *other) Close() error { return o.inner.Close() }

type otherSource struct {
	stream.Source
	skip string
}

func (s *otherSource) Next(ctx context.Context) (stream.Claim, error) {
	c, err := s.Source.Next(ctx)
	if err != nil {
		return nil, err
	}
	return &otherClaim{Claim: c, skip: s.skip}, nil
}

type otherClaim struct {
	stream.Claim
	skip string
}

// Fetch reads one record at a time and swallows the one to skip.
func (c *otherClaim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	for {
		n, err := c.Claim.Fetch(ctx, into[:1])
		if err != nil || c.skip == "" || !bytes.Contains(into[0].Value, []byte(`"id":"`+c.skip+`"`)) {
			return n, err
		}
	}
}

// demonstrate plays the story on a backend and returns what the program would print.
func demonstrate(t *testing.T, b stream.Backend) report {
	t.Helper()
	o, err := parseOptions(nil, &bytes.Buffer{})
	require.NoError(t, err)
	events, err := quakes()
	require.NoError(t, err)
	r, err := play(t.Context(), b, o, events, nil)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	return r
}

// This backend has no room for state and cannot make a member crash.
func TestCountsAreRightOnABackendThatCanDoLess(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		b := newOther(t)
		r := demonstrate(t, b)
		require.EqualValues(t, 2, b.external.Load(), "members whose checkpoints live in a directory")
		require.Equal(t, 1707, r.counts.all().Count)
		require.Equal(t, account{produced: 1707, handled: 1707, redelivered: r.account.redelivered}, r.account)
		require.NotZero(t, r.account.redelivered, "the member that stops must not save what it has done")
	})
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "quickstart-*"))
	require.NoError(t, err)
	require.Empty(t, left, "the directory is temporary")
}

func TestLossIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, err := quakes()
		require.NoError(t, err)
		b := newOther(t)
		b.skip = events[100].ID
		r := demonstrate(t, b)
		require.Equal(t, 1, r.account.lost)
		require.Equal(t, 1706, r.account.handled)
		require.Equal(t, 1706, r.counts.all().Count)
	})
}

// A backend that cannot make streams serves one that somebody has made.
func TestStreamIsFoundOrRefused(t *testing.T) {
	ctx := t.Context()
	inner, err := streamport.Open(ctx, "memory:?streams=four:4,five:5")
	require.NoError(t, err)
	defer inner.Close()
	b := struct{ stream.Backend }{inner}
	_, err = openStream(ctx, b, "four")
	require.NoError(t, err)
	_, err = openStream(ctx, b, "five")
	require.ErrorContains(t, err, "stream five has 5 partitions, not 4")
	_, err = openStream(ctx, b, "missing")
	require.ErrorIs(t, err, stream.ErrNotFound)
	require.ErrorIs(t, err, stream.ErrUnsupported, "that it could not be made is the other half of the reason")
}
