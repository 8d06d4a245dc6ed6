package consumer

import (
	"context"
	"errors"
	"time"
)

// giveBack ends what the claim runs and lets go of the shard. First: it was still held. Finished: all is settled up to
// where it was delivered, which was the end.
func (c *Claim) giveBack(ctx context.Context, first, finished bool) error {
	c.quiet(ctx)
	ended, through := finished && c.complete.Load(), finished && c.bounded.Load()
	var err error
	switch {
	case !first:
		err = c.tenure.free(ctx)
	case ended:
		err = c.tenure.finish(ctx, ending{progress: c.progress, children: c.children, at: c.ended, vanished: c.vanished})
	default:
		c.lastNote(ctx, through)
		err = c.tenure.free(ctx)
	}
	c.s.released(c, ended && err == nil, through)
	if errors.Is(err, errListed) {
		return nil
	}
	return err
}

// quiet waits until nothing of the claim is under way any more, or ctx ends.
func (c *Claim) quiet(ctx context.Context) {
	c.idle(ctx)
	c.mu.Lock()
	pumped := c.pumped
	c.mu.Unlock()
	if pumped == nil {
		return
	}
	select {
	case <-pumped:
	case <-ctx.Done():
	}
}

// lastNote keeps the settled time if it has moved much, or if others wait for it: through says that the reading's end
// was reached. A failure only makes it older.
func (c *Claim) lastNote(ctx context.Context, through bool) {
	pos := c.progress.Pos()
	if pos == nil {
		return
	}
	moved := *pos - c.noted.Load()
	if moved > 0 && (through || moved > noteEvery.Milliseconds()) {
		_ = c.tenure.note(ctx, *pos)
	}
}

// settleTime bounds what is written when a shard that was never granted is given back.
const settleTime = 10 * time.Second
