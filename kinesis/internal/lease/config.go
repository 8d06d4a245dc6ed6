package lease

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Config says how a Manager holds leases. Store, Owner and Failover must be set; every other field may be left out.
type Config struct {
	Store         Store
	Stream, Group string        // for errors, logs and events
	Owner         string        // the member's name: leaseOwner
	Failover      time.Duration // an owner silent for so long has lost its leases (KCL's failoverTimeMillis)
	TakeEvery     time.Duration // how often leases are looked for; default Failover / 4
	MaxSteal      int           // leases stolen in one round, at most; default: what balance needs, up to 64
	// GoOnly says that only this library uses the table: a lease is then asked for before it is taken from a live owner
	// (checkpointOwner), which KCL 2.x does not know. Otherwise it is taken at once, and its owner finds out.
	GoOnly bool
	Grace  time.Duration // how long an owner may take to hand over; default 30 s
	// Eligible reports whether r may be held: its gate is open. All is the whole table. Called by one goroutine, often; it
	// must not block. Rows that are ended are never taken and not asked about. Default: every row.
	Eligible func(r Row, all map[string]Row) bool
	Confirm  func(ctx context.Context, r Row) (bool, error) // a consistent check just before a take; optional
	Hold     func() bool                                    // true: nothing is to be taken now, somebody else assigns; optional
	Observe  func(stream.Event)                             // optional
	Logger   *slog.Logger                                   // optional
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if c.TakeEvery <= 0 {
		c.TakeEvery = c.Failover / 4
	}
	if c.MaxSteal <= 0 {
		c.MaxSteal = mostSteals
	}
	if c.Grace <= 0 {
		c.Grace = 30 * time.Second
	}
	if c.Eligible == nil {
		c.Eligible = func(Row, map[string]Row) bool { return true }
	}
	if c.Confirm == nil {
		c.Confirm = func(context.Context, Row) (bool, error) { return true, nil }
	}
	if c.Hold == nil {
		c.Hold = func() bool { return false }
	}
	if c.Observe == nil {
		c.Observe = func(stream.Event) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// mostSteals bounds a round. Each stolen lease is drained by its owner; more than this at once would stop too much.
const mostSteals = 64

// valid is how long an owner trusts a renewal, from when it was sent: shorter than Failover by a margin for clocks that
// run at different speeds and for handlers that take a moment to stop.
func (c Config) valid() time.Duration {
	margin := max(500*time.Millisecond, c.Failover/10)
	return c.Failover - min(margin, c.Failover/4)
}

// renewAfter is when a lease is renewed after its last write was sent, so that two more tries fit before it expires. In the
// middle it is a little more than KCL's third.
func (c Config) renewAfter(r *rand.Rand) time.Duration { return jitter(r, c.Failover*3/8) }

// tryFor bounds one call, so that another fits after one that hangs.
func (c Config) tryFor() time.Duration { return c.Failover / 4 }

// pause is how long to wait after try n of a call failed, from 0. It stays so short that a renewal is tried a dozen times
// and more before the lease expires.
func (c Config) pause(r *rand.Rand, n int) time.Duration {
	return jitter(r, c.Failover/128<<min(n, 2))
}

// jitter shortens d by up to an eighth.
func jitter(r *rand.Rand, d time.Duration) time.Duration {
	return d - time.Duration(r.Int64N(int64(d/8)+1))
}

// FirstCounter is where the counter of a row that is made now begins: unix milliseconds, so that a row that is deleted and
// made again never meets the condition of an old owner's write.
func FirstCounter(now time.Time) int64 { return now.UnixMilli() }
