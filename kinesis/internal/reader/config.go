package reader

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

// Limits of the service (API operation GetRecords).
const (
	mostRecords = 10_000
	mostBytes   = 10 << 20               // of an answer
	byteRate    = 2 << 20                // bytes a second of a shard, for all who poll it
	callGap     = 200 * time.Millisecond // 5 calls a second of a shard, for all who poll it
)

// A Config says what to read and how. Service, Stream, Shard and From must be set; everything else has a default.
type Config struct {
	Service api.Service
	Stream  string // a name or an ARN
	Shard   string
	From    api.From // records before it are never returned, even if the service sends them

	Limit int           // records of a GetRecords call at most; default and most 10,000
	Every time.Duration // between polls at the tip; default 1 s, at least 200 ms / Share
	Share float64       // of the shard's 5 calls a second that this reader may make, over 0 to 1; default 1

	// Room says before each poll how many bytes the caller has room for. The reader asks for as many records as will
	// probably fit, at least for one: the page may be larger. Default: 10 MiB, what an answer may have.
	Room func() int64

	Consumer *Consumer // enhanced fan-out: needed by Subscribe
	// Verify is asked before a subscription that somebody took is taken back: its error is Next's. Default: always nil.
	Verify func(ctx context.Context) error

	Observe func(stream.Event)                // EventThrottled, EventCapabilityChanged: of this shard; default: nobody
	Jitter  func(time.Duration) time.Duration // from half of what it is given up to all; default random
	Logger  *slog.Logger                      // default: discards
}

// filled is c with its defaults.
func (c Config) filled() Config {
	c.Limit = min(cmp.Or(c.Limit, mostRecords), mostRecords)
	c.Share = min(cmp.Or(c.Share, 1), 1)
	c.Every = max(cmp.Or(c.Every, time.Second), c.gap())
	if c.Room == nil {
		c.Room = func() int64 { return mostBytes }
	}
	if c.Verify == nil {
		c.Verify = func(context.Context) error { return nil }
	}
	if c.Observe == nil {
		c.Observe = func(stream.Event) {}
	}
	if c.Jitter == nil {
		c.Jitter = func(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) } //nolint:gosec // no secret
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// gap is the least time between two calls.
func (c Config) gap() time.Duration { return time.Duration(float64(callGap) / c.Share) }

// throttled tells that the service refuses for its rates, and how long nothing is asked.
func (c Config) throttled(wait time.Duration, err error) {
	c.Observe(stream.Event{Kind: stream.EventThrottled, Stream: c.Stream, Partition: c.Shard, Duration: wait, Err: err})
}
