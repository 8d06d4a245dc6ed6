package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/probe"
	"github.com/streamport-go/streamport/stream"
)

// Checkpoint saves position and state, if the shard is still held. One below the saved checkpoint writes nothing.
func (c *Claim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.storable(to); err != nil {
		return c.fault("checkpoint", err)
	}
	c.mu.Lock()
	below := to.Position.Compare(c.saved) < 0
	c.mu.Unlock()
	if below {
		return nil
	}
	err := c.write(ctx, func(ctx context.Context) error {
		c.progress.Settle(to.Position)
		pos := c.progress.Pos()
		err := c.tenure.save(ctx, to, pos)
		if err == nil {
			c.keep(to.Position, pos)
		}
		return err
	})
	return c.fault("checkpoint", err)
}

// storable refuses what cannot be saved.
func (c *Claim) storable(to stream.Checkpoint) error {
	if err := c.state(); err != nil {
		return err
	}
	if c.s.config.Group == "" || c.s.config.External || c.s.settings.LeaseTable == "" {
		return fmt.Errorf("%w: this reading keeps no checkpoints in a lease table", stream.ErrUnsupported)
	}
	if n := len(to.State); n > probe.StateBytes {
		return fmt.Errorf("%w: a state of %d bytes, at most %d are kept", stream.ErrTooLarge, n, probe.StateBytes)
	}
	if _, _, term := to.Position.Parts(); term != 0 || to.Position.IsZero() {
		return fmt.Errorf("%w: position %v is not of this partition", stream.ErrInvalid, to.Position)
	}
	return nil
}

// keep notes what is saved.
func (c *Claim) keep(at stream.Position, pos *int64) {
	c.mu.Lock()
	c.saved = at
	c.mu.Unlock()
	if pos != nil {
		c.noted.Store(*pos)
	}
}

// write runs one write of the claim at a time. Its context ends with the claim.
func (c *Claim) write(ctx context.Context, do func(context.Context) error) error {
	select {
	case c.writing <- struct{}{}:
	case <-c.done:
		return c.state()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.writing }()
	if err := c.state(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) })()
	err := do(ctx)
	over := c.state()
	switch {
	case err == nil:
		return nil
	case over != nil && errors.Is(err, stream.ErrUnknownOutcome):
		return fmt.Errorf("%w: %w", over, err)
	case over != nil:
		return over
	case errors.Is(err, lease.ErrConflict) && !errors.Is(err, stream.ErrLost):
		return fmt.Errorf("%w: %w", stream.ErrLost, err)
	}
	return err
}

// idle waits until no write of a claim that is over is under way, or ctx ends.
func (c *Claim) idle(ctx context.Context) {
	select {
	case c.writing <- struct{}{}:
		<-c.writing
	case <-ctx.Done():
	}
}
