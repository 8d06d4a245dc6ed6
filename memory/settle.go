package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// How Settle looks: often at first, then less so, and not for ever.
const (
	settleFirst = time.Millisecond
	settleMost  = 50 * time.Millisecond
	settleLimit = time.Minute
)

// Settle waits until nothing is in flight: every record that a producer has sent is stored, and every group with
// members has checkpointed everything (a reading without checkpoints in the backend: has read everything and waits
// for more). When ctx ends before, or after a minute if ctx has no deadline, the error tells what is stuck: the
// partition, the member and how many records. In a testing/synctest bubble the wait is virtual.
func (b *Backend) Settle(ctx context.Context) error {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, settleLimit)
		defer cancel()
	}
	calm := false // twice in a row: what a handler is just sending has arrived by then
	for wait := settleFirst; ; wait = min(2*wait, settleMost) {
		stuck := b.stuck()
		switch {
		case stuck == nil && calm:
			return nil
		case stuck == stream.ErrClosed:
			return fault("settle", "", "", stuck)
		}
		calm = stuck == nil
		nap(ctx, wait)
		if err := ctx.Err(); err != nil {
			if stuck == nil {
				stuck = b.stuck()
			}
			if stuck == nil {
				return nil
			}
			return fault("settle", "", "", fmt.Errorf("%w: %w", err, stuck))
		}
	}
}
