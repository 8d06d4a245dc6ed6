package lineage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// A Config is what Open needs. All fields but Jitter are set.
type Config struct {
	Service    api.Service
	Store      lease.Store
	Stream     string        // a name or an ARN
	Start      stream.Start  // of a group that has no rows yet
	ListingLag time.Duration // how long a listing may not know of a shard, or still tell one that is gone
	SyncEvery  time.Duration // between two passes of Run
	Report     func(Loss)    // what nobody will read; may be called from any goroutine, and twice for one loss
	Logger     *slog.Logger
	Jitter     func() float64 // at least 0 and below 1: spreads the passes of members; nil: random
}

// A Syncer keeps a group's rows in step with the shards of its stream. Every member has one; none leads. Methods may be
// called from many goroutines.
type Syncer struct {
	c    Config
	wake chan struct{}

	mu     sync.Mutex // guards what follows
	view   view       // what the last pass saw
	doubts map[string]time.Time
	due    time.Time // when a doubt can be settled; zero: none
}

// Open finds the group's threshold, or is what chooses it, and brings the rows in step once. Many members may do so at the
// same time. It fails with ErrReborn if the rows are of another stream of the same name, with stream.ErrUnsupported for a
// Start that is a position.
func Open(ctx context.Context, c Config) (*Syncer, error) {
	if kind, _, _ := c.Start.Parts(); kind == stream.StartAfter {
		return nil, fmt.Errorf("%w: a group that shares its shards by leases cannot start after a position", stream.ErrUnsupported)
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	s := &Syncer{c: c, wake: make(chan struct{}, 1), doubts: map[string]time.Time{}}
	if err := s.Pass(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Threshold is when the group begins: no record that arrived before it is wanted. It is in milliseconds since 1970; 0: the
// oldest record.
func (s *Syncer) Threshold() int64 { return s.last().threshold }

// ErrReborn says that the group's rows are of a deleted stream of the same name. It Is stream.ErrInvalid.
var ErrReborn = fmt.Errorf("%w: the rows are of another stream of that name", stream.ErrInvalid)

// mostPasses bounds how many passes Run makes in the time of Config.SyncEvery, however often it is woken.
const mostPasses = 20

// Run makes a pass every Config.SyncEvery, give or take a fifth, and whenever it is woken or a doubt can be settled, until
// ctx ends. A pass that failed is made again. It returns early only with ErrReborn.
func (s *Syncer) Run(ctx context.Context) error {
	for {
		timer := time.NewTimer(s.pause())
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
		select {
		case <-s.wake: // whatever woke Run before this pass is answered by it
		default:
		}
		err := s.Pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
		case errors.Is(err, ErrReborn):
			return err
		default:
			s.c.Logger.LogAttrs(ctx, slog.LevelWarn, "the shards were not listed",
				slog.String("stream", s.c.Stream), slog.Any("error", err))
		}
		if sleep(ctx, s.c.SyncEvery/mostPasses) != nil {
			return nil
		}
	}
}

// Wake makes Run pass now: somebody saw a shard that has no row, or an end.
func (s *Syncer) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pause is how long Run waits.
func (s *Syncer) pause() time.Duration {
	const spread = 0.2
	d := time.Duration(float64(s.c.SyncEvery) * (1 - spread + 2*spread*s.c.Jitter()))
	s.mu.Lock()
	due := s.due
	s.mu.Unlock()
	if due.IsZero() {
		return d
	}
	return min(d, max(time.Until(due), 0))
}
