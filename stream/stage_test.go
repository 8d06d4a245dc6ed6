package stream_test

import (
	"context"
	"io"
	"sync"
	"testing"

	"github.com/streamport-go/streamport/stream"
)

// stage is a Backend whose claims a test makes by hand, so that it decides what happens at which moment.
type stage struct {
	claims chan *stageClaim // granted one by one; closed: every partition is at its end
}

func newStage() *stage { return &stage{claims: make(chan *stageClaim, 1)} }

func (s *stage) Capabilities(context.Context, string) (stream.Capabilities, error) {
	return stream.Capabilities{}, nil
}
func (s *stage) OpenSink(context.Context, stream.SinkConfig) (stream.Sink, error) {
	return nil, stream.ErrUnsupported
}
func (s *stage) OpenSource(context.Context, stream.SourceConfig) (stream.Source, error) {
	return stageSource{s}, nil
}
func (s *stage) Close() error { return nil }

// stageSource is the Source; its Close differs from the Backend's.
type stageSource struct{ *stage }

func (s stageSource) Close(context.Context) error { return nil }

func (s stageSource) Next(ctx context.Context) (stream.Claim, error) {
	select {
	case c, open := <-s.claims:
		if !open {
			return nil, io.EOF
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stageClaim is a claim on partition 0 of the stream quakes.
type stageClaim struct {
	parents     []stream.Parent
	fetch       func(ctx context.Context, into []stream.Record) (int, error) // nil: blocks
	checkpoint  func(ctx context.Context, c stream.Checkpoint) error         // nil: is kept
	release     func(ctx context.Context, finished bool) error               // nil: does nothing
	asked, lost chan struct{}
	released    chan struct{} // closed by Release

	mu    sync.Mutex // guards what follows
	saved []stream.Checkpoint
}

func newStageClaim() *stageClaim {
	return &stageClaim{asked: make(chan struct{}), lost: make(chan struct{}), released: make(chan struct{})}
}

func (c *stageClaim) Hold() stream.Hold {
	return stream.Hold{Stream: "quakes", Partition: "0", Replaces: c.parents, Asked: c.asked, Lost: c.lost}
}

func (c *stageClaim) Seek(context.Context, stream.Position) error { return nil }

func (c *stageClaim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	if c.fetch != nil {
		return c.fetch(ctx, into)
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.asked:
		return 0, io.EOF
	}
}

func (c *stageClaim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	if c.checkpoint != nil {
		return c.checkpoint(ctx, to)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saved = append(c.saved, to)
	return nil
}

func (c *stageClaim) Release(ctx context.Context, finished bool) error {
	defer close(c.released)
	if c.release != nil {
		return c.release(ctx, finished)
	}
	return nil
}

// records makes Fetch give n records, numbered from 1, and then what then says.
func (c *stageClaim) records(n int, then error) {
	next := 0
	c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
		k := 0
		for ; k < len(into) && next < n; k++ {
			next++
			into[k] = stream.Record{Stream: "quakes", Partition: "0", Key: []byte{byte(next)}, Position: at(uint64(next))}
		}
		if k > 0 {
			return k, nil
		}
		if then != nil {
			return 0, then
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-c.asked:
			return 0, io.EOF
		}
	}
}

// run consumes the stage until the test, or the run, ends; what it returns comes from the channel.
func (s *stage) run(t *testing.T, ctx context.Context, c stream.ConsumerConfig, h stream.Handler) <-chan error {
	t.Helper()
	c.Streams = []string{"quakes"}
	consumer, err := stream.NewConsumer(ctx, s, c)
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- consumer.Run(ctx, h) }()
	return result
}
