package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A rebalance makes brokers refuse a checkpoint of a partition that stays: it is tried again so often under the membership
// of then, after pauses that double.
const (
	mostCommits = 6
	firstCommit = 50 * time.Millisecond

	unknownMember Code = 25
)

// Of reports whether the claim was granted through this client.
func (c *Claim) Of(client Client) bool { return c.s.client == client }

// Guarded runs a write for the partition while it is held, with the membership of that moment. One write of a claim runs
// at a time. Its context ends when the partition is lost or released, and giving the partition away waits for it. ErrLost
// if the partition is no longer held, or the member is not in its group: brokers take a write without a generation even
// from nobody. A write that tells that the group has forgotten the member lets the member look.
func (c *Claim) Guarded(ctx context.Context, write func(context.Context, Membership) error) error {
	c.touch()
	if c.s.member == nil {
		return fmt.Errorf("%w: a reading without a group keeps no checkpoints", stream.ErrUnsupported)
	}
	err := c.guard.do(ctx, func(ctx context.Context) error {
		m := c.s.member.Membership()
		if m.Generation < 0 {
			return fmt.Errorf("%w: the member is not in its group", stream.ErrLost)
		}
		if c.as != "" && m.Member != c.as { // it was forgotten and is another member now, which brokers would believe
			return fmt.Errorf("%w: the group had forgotten the member", stream.ErrLost)
		}
		return write(ctx, m)
	})
	if code, _ := CodeOf(err); code == unknownMember {
		if m, ok := c.s.member.(Doubter); ok {
			m.Doubt()
		}
	}
	return err
}

// Committed is a checkpoint as the group stores it: a position of this partition, and a state that is not too large.
func (c *Claim) Committed(to stream.Checkpoint) (Committed, error) {
	if err := c.state(); err != nil {
		return Committed{}, err
	}
	if c.s.member == nil || c.s.config.External {
		return Committed{}, fmt.Errorf("%w: this reading keeps no checkpoints in Kafka", stream.ErrUnsupported)
	}
	if most := c.s.sources.stateBytes(); int64(len(to.State)) > most {
		return Committed{}, fmt.Errorf("%w: a state of %d bytes, at most %d are kept", stream.ErrTooLarge, len(to.State), most)
	}
	at, err := offsetAfter(to.Position)
	switch {
	case mutated("checkpoint is one too far"):
		at.At++
	case mutated("checkpoint is one too near"):
		at.At--
	}
	return Committed{Offset: at, Metadata: encodeState(to.State)}, err
}

// Saved notes that a checkpoint is stored, by whatever way.
func (c *Claim) Saved(to Committed) { c.saved.Store(to.Offset.At) }

// Checkpoint saves position and state, if the partition is still held. One below the saved checkpoint writes nothing.
func (c *Claim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.touch()
	defer c.touch()
	next, err := c.Committed(to)
	if err != nil {
		return c.fault("checkpoint", err)
	}
	if next.Offset.At < c.saved.Load() {
		return nil
	}
	err, unknown := c.commit(ctx, next)
	if over := c.state(); err != nil && over != nil {
		err = over
	}
	if unknown && !errors.Is(err, stream.ErrUnknownOutcome) {
		err = fmt.Errorf("%w: %w", err, stream.ErrUnknownOutcome)
	}
	return c.fault("checkpoint", err)
}

// commit writes, and writes again while a rebalance stands in the way. Unknown says that a write which failed may have
// been applied: a later refusal does not undo it.
func (c *Claim) commit(ctx context.Context, to Committed) (failure error, unknown bool) {
	pause := firstCommit
	for try := 1; ; try++ {
		err := c.commitOnce(ctx, to)
		unknown = err != nil && (unknown || errors.Is(err, stream.ErrUnknownOutcome))
		if !worthRetrying(err) || c.state() != nil || try == mostCommits {
			return err, unknown
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-c.guard.closed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return context.Cause(ctx), unknown
		}
		pause *= 2
	}
}

// worthRetrying reports whether the next membership may be welcome where this one was refused, or the answer was lost: to
// write the same offset twice does no harm. A member that the group has forgotten loses its partitions.
func worthRetrying(err error) bool {
	code, _ := CodeOf(err)
	return code != unknownMember && (errors.Is(err, stream.ErrLost) || errors.Is(err, stream.ErrUnknownOutcome))
}

func (c *Claim) commitOnce(ctx context.Context, to Committed) error {
	return c.Guarded(ctx, func(ctx context.Context, m Membership) error {
		answers, err := c.s.client.Commit(ctx, m, c.p.Topic, map[int32]Committed{c.p.Number: to})
		if err == nil {
			err = answers[c.p.Number]
		}
		if err == nil {
			c.Saved(to)
		}
		return err
	})
}
