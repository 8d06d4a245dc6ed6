package reader

import (
	"context"
	"log/slog"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
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

	Consumer *Consumer                       // enhanced fan-out: needed by Subscribe
	Verify   func(ctx context.Context) error // asked before a subscription that somebody took is taken back; default: always nil

	Observe func(stream.Event)                // EventThrottled and EventCapabilityChanged, with Stream and Partition; default: nobody
	Jitter  func(time.Duration) time.Duration // from half of what it is given up to all; default random
	Logger  *slog.Logger                      // default: discards
}
