package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// An offset that a broker calls out of range may be in range for another: a follower is behind, or the answer is old. It is
// asked again so often, after pauses that double.
const (
	mostDoubts = 5
	firstDoubt = 50 * time.Millisecond
	edgesPause = 200 * time.Millisecond // before the edges are asked for again when no broker told them
)

// mend finds out why the partition stands still, and does what SourceConfig.Expired says when the log no longer has what
// is to be read. It never jumps without an error or EventGap.
func (c *Claim) mend(ctx context.Context, broken error) error {
	if err := c.s.sameTopic(ctx, c.p.Topic); errors.Is(err, stream.ErrNotFound) {
		c.begun, c.suspect = false, true
		return c.fault("fetch", err)
	}
	var cut *Truncated
	truncated := errors.As(broken, &cut)
	if !truncated && !errors.Is(broken, stream.ErrExpired) {
		c.begun, c.suspect = false, true // the next Fetch tries again
		return c.fault("fetch", broken)
	}
	oldest, end, err := c.edges(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && isFinal(err):
		return c.fault("fetch", err)
	case err != nil: // as long as fetching itself would wait for a leader
		c.again(ctx, edgesPause)
		return nil
	case truncated:
	case c.read.At < oldest.At:
	case c.doubts < mostDoubts:
		return c.tryAgain(ctx)
	case c.read.At > end.At:
		cut = &Truncated{Asked: c.read, End: end}
	default:
		c.begun, c.doubts = false, 0
		return c.fault("fetch", broken)
	}
	return c.leap(cut, oldest, end)
}

// edges are the log's start and its end.
func (c *Claim) edges(ctx context.Context) (oldest, end Offset, err error) {
	one := []int32{c.p.Number}
	first, err := offsetsAt(ctx, c.s.client, c.p.Topic, one, Edge{Kind: EdgeOldest})
	if err != nil {
		return oldest, end, err
	}
	last, err := offsetsAt(ctx, c.s.client, c.p.Topic, one, Edge{Kind: EdgeEnd})
	return first[c.p.Number], last[c.p.Number], err
}

// tryAgain reads on at the same offset after a pause.
func (c *Claim) tryAgain(ctx context.Context) error {
	if c.again(ctx, firstDoubt<<c.doubts) {
		c.doubts++
	}
	return nil
}

// again reads on at the same offset after a pause, unless the claim ends or is asked back meanwhile.
func (c *Claim) again(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		c.begun = false
		return true
	case <-c.done:
	case <-c.asked:
	case <-ctx.Done():
	}
	return false
}

// leap goes on elsewhere if the policy says so, or says what is lost. Cut is nil if retention took it.
func (c *Claim) leap(cut *Truncated, oldest, end Offset) error {
	gap := &stream.Error{Op: "fetch", Stream: c.p.Topic, Partition: c.p.String(), Err: stream.ErrExpired, Asked: positionAfter(c.read)}
	if oldest.At < end.At {
		gap.Oldest = Position(oldest.At, -1)
	}
	to := oldest
	if cut != nil {
		gap.Err = fmt.Errorf("%w: %w", stream.ErrExpired, cut)
		if cut.End.At >= oldest.At {
			to = cut.End // what follows was written after the log was cut
		}
	}
	switch c.s.config.Expired {
	case stream.ExpiredOldest:
	case stream.ExpiredLatest:
		to = end
	default:
		return gap
	}
	c.read, c.begun, c.doubts = to, false, 0
	c.saved.Store(min(c.saved.Load(), to.At)) // behind a cut the old checkpoint says nothing
	if mutated("expiry is not told") {
		return nil
	}
	c.s.tell(stream.Event{
		Kind: stream.EventGap, Stream: c.p.Topic, Partition: c.p.String(), Position: gap.Asked, Oldest: gap.Oldest, Err: gap,
	})
	return nil
}
