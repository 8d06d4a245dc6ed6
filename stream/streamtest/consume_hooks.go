package streamtest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// hooks is a backend over a backend whose claims a test can lose, and whose calls it can watch, fail and hold up. The
// functions are set before the consumer runs; one that is nil passes the call on.
type hooks struct {
	stream.Backend
	open       func(*stream.SourceConfig)
	seek       func(c *hookedClaim, ctx context.Context, after stream.Position) error
	fetch      func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error)
	checkpoint func(c *hookedClaim, ctx context.Context, to stream.Checkpoint) error
	release    func(c *hookedClaim, ctx context.Context, finished bool) error
	leave      func(ctx context.Context) // before Source.Close

	mu     sync.Mutex // guards what follows
	claims []*hookedClaim
	calls  []string
}

// hooked puts hooks on the rule's backend.
func (t *T) hooked() *hooks { return &hooks{Backend: t.Backend} }

// note writes a call down.
func (h *hooks) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf(format, args...))
}

// noted gives the calls that were written down, in their order.
func (h *hooks) noted() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// lose takes a partition from whoever was granted it last, as far as the runtime can see.
func (h *hooks) lose(partition string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range slices.Backward(h.claims) {
		if c.hold.Partition == partition {
			c.take()
			return
		}
	}
}

// OpenSource opens a source with hooks.
func (h *hooks) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	if h.open != nil {
		h.open(&c)
	}
	s, err := h.Backend.OpenSource(ctx, c)
	if err != nil {
		return nil, err
	}
	return &hookedSource{s, h}, nil
}

// Lag keeps the backend a LagReader, as far as it is one.
func (h *hooks) Lag(ctx context.Context, c stream.SourceConfig, at func(stream, partition string) (stream.Position, error)) (
	[]stream.Lag, error) {
	reader, ok := h.Backend.(stream.LagReader)
	if !ok {
		return nil, stream.ErrUnsupported
	}
	return reader.Lag(ctx, c, at)
}

type hookedSource struct {
	stream.Source
	h *hooks
}

func (s *hookedSource) Next(ctx context.Context) (stream.Claim, error) {
	claim, err := s.Source.Next(ctx)
	if err != nil {
		return nil, err
	}
	c := &hookedClaim{Claim: claim, h: s.h, hold: claim.Hold(), lost: make(chan struct{}), released: make(chan struct{})}
	inner := c.hold.Lost
	c.hold.Lost = c.lost
	c.watch.Go(func() {
		select {
		case <-inner:
			c.take()
		case <-c.released:
		}
	})
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.claims = append(s.h.claims, c)
	return c, nil
}

func (s *hookedSource) Close(ctx context.Context) error {
	if s.h.leave != nil {
		s.h.leave(ctx)
	}
	s.h.note("close")
	return s.Source.Close(ctx)
}

type hookedClaim struct {
	stream.Claim
	h        *hooks
	hold     stream.Hold
	once     sync.Once
	lost     chan struct{}  // Hold.Lost
	released chan struct{}  // closed by Release
	watch    sync.WaitGroup // passes the inner loss on
}

// take loses the claim. The runtime ends a Fetch that is under way.
func (c *hookedClaim) take() { c.once.Do(func() { close(c.lost) }) }

func (c *hookedClaim) isLost() bool {
	select {
	case <-c.lost:
		return true
	default:
		return false
	}
}

func (c *hookedClaim) Hold() stream.Hold { return c.hold }

func (c *hookedClaim) Seek(ctx context.Context, after stream.Position) error {
	c.h.note("seek %s", c.hold.Partition)
	if c.h.seek != nil {
		return c.h.seek(c, ctx, after)
	}
	return c.Claim.Seek(ctx, after)
}

func (c *hookedClaim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	if c.isLost() {
		return 0, stream.ErrLost
	}
	if c.h.fetch != nil {
		return c.h.fetch(c, ctx, into)
	}
	return c.Claim.Fetch(ctx, into)
}

func (c *hookedClaim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	if c.isLost() {
		return stream.ErrLost
	}
	if c.h.checkpoint != nil {
		return c.h.checkpoint(c, ctx, to)
	}
	return c.Claim.Checkpoint(ctx, to)
}

// Release gives the partition back; a claim that only the hooks have lost is still held underneath.
func (c *hookedClaim) Release(ctx context.Context, finished bool) error {
	close(c.released)
	c.watch.Wait()
	c.h.note("release %s", c.hold.Partition)
	if c.h.release != nil {
		return c.h.release(c, ctx, finished)
	}
	return c.Claim.Release(ctx, finished && !c.isLost())
}
