package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// load takes a page, unless it shows that retention was faster.
func (c *Claim) load(p api.Page) error {
	if mutated("early shard end") && p.End {
		c.complete.Store(true)
		return nil
	}
	if p.Next = ""; !p.End && len(p.Records) == 0 {
		p.Next = "more" // only then was the shard open for certain: the end may come after the last records
	}
	last, ok := c.cursor.last(p)
	if ok {
		c.last = last
	}
	if gap, accept := c.gap(p); gap != nil {
		if err := c.leap(gap, accept); err != nil {
			return err
		}
	}
	c.cursor.load(p)
	return nil
}

// leave does what is to be done when all of a page is read.
func (c *Claim) leave() {
	p := c.cursor.page
	c.cursor.unload()
	atTip := p.Behind == 0 && !p.End
	if c.leaping != nil && (atTip || p.End) {
		c.cursor.skip = false
		c.tellGap(c.leaping)
		c.leaping = nil
	}
	if atTip {
		c.cursor.bound.tip(p)
	}
	if p.End {
		c.children = p.Children
		if !c.vanished {
			c.ended = time.Now()
		}
		c.complete.Store(true)
	}
}

// flag tells of records that belong to other shards: once, and whenever there are twice as many.
func (c *Claim) flag() {
	if c.cursor.foreign == 0 || c.cursor.foreign < 2*c.flagged {
		return
	}
	c.flagged = c.cursor.foreign
	c.s.settings.Logger.Warn("an aggregate has records whose keys belong to another shard",
		"stream", c.o.track.name, "partition", c.o.shard, "position", c.cursor.after.String(), "count", c.flagged,
		"dropped", c.s.settings.DropForeign)
}

// gap is what retention may have taken before a page, or nil, and what is to be done to go on behind it.
func (c *Claim) gap(p api.Page) (*stream.Error, func()) {
	oldest := stream.Position{}
	if len(p.Records) > 0 {
		oldest, _ = shard.Position(p.Records[0].Sequence, 0)
	}
	if c.missing {
		return c.afterSeek(p, oldest)
	}
	loss, lost := c.progress.Read(p, c.last)
	if !lost {
		return nil, nil
	}
	what := fmt.Sprintf("what arrived after %s and not after %s may be lost", stamp(loss.From), stamp(loss.To))
	return c.expired(oldest, what), func() { c.absorb(p) }
}

// afterSeek is gap until the record of the position that was sought is met: nobody here knows when that arrived. What
// follows it is there if it is itself; if it is not, nobody can say.
func (c *Claim) afterSeek(p api.Page, oldest stream.Position) (*stream.Error, func()) {
	met := len(p.Records) > 0
	gone := met && oldest.Compare(c.cursor.after) > 0 && !sameSequence(oldest, c.cursor.after) || !met && (p.End || p.Behind == 0)
	c.missing = !met && !gone
	if gone {
		return c.expired(oldest, "the record of the checkpoint is gone"), func() { c.absorb(p) }
	}
	c.absorb(p)
	return nil, nil
}

// absorb notes a page, and takes what may be lost before it for told.
func (c *Claim) absorb(p api.Page) {
	if loss, lost := c.progress.Read(p, c.last); lost {
		c.progress.Accept(loss)
		_, _ = c.progress.Read(p, c.last) // nothing is lost any more
	}
}

func (c *Claim) expired(oldest stream.Position, what string) *stream.Error {
	return &stream.Error{
		Op: "fetch", Stream: c.o.track.name, Partition: c.o.shard, Err: fmt.Errorf("%w: %s", stream.ErrExpired, what),
		Asked: c.cursor.after, Oldest: oldest,
	}
}

// leap goes on where SourceConfig.Expired says, or says what is lost. It never jumps without an error or an event.
func (c *Claim) leap(gap *stream.Error, accept func()) error {
	switch c.s.config.Expired {
	case stream.ExpiredOldest:
		c.tellGap(gap)
		accept()
	case stream.ExpiredLatest:
		c.cursor.skip, c.leaping = true, gap
		accept()
	default:
		c.stuck = gap
		return gap
	}
	return nil
}

func (c *Claim) tellGap(gap *stream.Error) {
	c.s.tell(stream.Event{
		Kind: stream.EventGap, Stream: c.o.track.name, Partition: c.o.shard, Position: gap.Asked, Oldest: gap.Oldest, Err: gap,
	})
}

// mend does what can be done when the pump could not go on.
func (c *Claim) mend(broken error) error {
	gone, ok := errors.AsType[*goneError](broken)
	if !ok {
		return broken
	}
	c.vanished, c.ended = true, gone.since
	return c.load(api.Page{End: true})
}
