package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/reader"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// pumpPause is how long the pump waits before it asks again for what did not pass by itself.
const pumpPause = time.Second

// noteEvery is how often the settled time of a shard at its tip is kept. It is told to nobody but the next holder.
const noteEvery = time.Minute

// A goneError says that the service has not had the shard since then, and that a listing agrees.
type goneError struct{ since time.Time }

func (e *goneError) Error() string { return "the shard is gone" }

// begin starts the pump at the read position.
func (c *Claim) begin() {
	c.begun = true
	from := c.o.from
	if after := c.cursor.after; !after.IsZero() {
		sequence, _ := shard.Sequence(after)
		from = api.From{Kind: api.AtSequence, Sequence: sequence}
	}
	pumped := make(chan struct{})
	c.mu.Lock()
	alive := c.over == nil
	if alive {
		c.pumped = pumped
	}
	c.mu.Unlock()
	if alive {
		c.s.wg.Go(func() {
			defer close(pumped)
			c.pump(c.life, from)
		})
	}
}

// pump fetches ahead of the handler, as far as there is room, until the shard or the claim ends.
func (c *Claim) pump(ctx context.Context, from api.From) {
	r := c.s.deps.open(c.reading(from))
	defer func() { _ = r.Close() }() // nothing of it is of use any more
	first := true
	var missed time.Time
	for c.roomy(ctx) {
		page, err := r.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			first, missed = false, time.Time{}
			c.buffer.put(page)
			if page.End {
				return
			}
			c.note(ctx, page)
		case mutated("read error → latest"):
			_ = r.Close()
			r = c.s.deps.open(c.reading(api.From{Kind: api.Latest}))
		case first && from.Kind == api.AtSequence && unknownSequence(err):
			// Some services know a sequence number only while its record is there. What was read is left out as ever.
			_ = r.Close()
			first, from = false, api.From{Kind: api.Oldest}
			r = c.s.deps.open(c.reading(from))
		case errors.Is(err, stream.ErrNotFound):
			if missed.IsZero() {
				missed = time.Now()
			}
			if !c.lookFor(ctx, missed) {
				return
			}
		case passing(err):
			c.s.settings.Logger.Warn("a shard cannot be read now", "stream", c.o.track.name, "partition", c.o.shard, "error", err)
			rest(ctx, pumpPause)
		default:
			c.buffer.fail(err)
		}
	}
}

// roomy waits until there is room for another page; false when the claim is over.
func (c *Claim) roomy(ctx context.Context) bool {
	for !c.buffer.ready() {
		select {
		case <-c.buffer.room:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// reading is how the claim's reader reads.
func (c *Claim) reading(from api.From) reader.Config {
	s := c.s.settings
	return reader.Config{
		Service: c.s.deps.Service, Stream: c.o.track.name, Shard: c.o.shard, From: from,
		Limit: s.PollLimit, Every: s.PollEvery, Share: s.PollShare, Room: c.buffer.free,
		Consumer: c.o.track.consumer, Verify: c.tenure.verify, Observe: c.s.tell, Logger: s.Logger,
	}
}

// unknownSequence reports whether the service has no such sequence number, or no such shard.
func unknownSequence(err error) bool {
	return errors.Is(err, stream.ErrInvalid) || errors.Is(err, stream.ErrNotFound)
}

// lookFor finds out whether a shard that the service does not know is gone. False: it is, or that is an error for
// Fetch.
func (c *Claim) lookFor(ctx context.Context, missed time.Time) bool {
	rest(ctx, pumpPause)
	gone, err := c.o.track.gone(ctx, c.o.shard, missed)
	switch {
	case ctx.Err() != nil:
		return false
	case gone:
		c.buffer.fail(&goneError{since: missed})
		return false
	case err != nil && !passing(err):
		c.buffer.fail(err)
	}
	return true
}

// note keeps the settled time of a shard at its tip now and then.
func (c *Claim) note(ctx context.Context, p api.Page) {
	if len(p.Records) > 0 || p.Behind > 0 {
		return
	}
	now := time.Now()
	if now.Sub(time.UnixMilli(c.looked.Load())) < noteEvery {
		return
	}
	pos := c.progress.Pos()
	if pos == nil || *pos <= c.noted.Load() {
		return
	}
	c.looked.Store(now.UnixMilli())
	if err := c.write(ctx, func(ctx context.Context) error { return c.tenure.note(ctx, *pos) }); err == nil {
		c.noted.Store(*pos)
	}
}

// rest waits.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
