package consumer

import (
	"fmt"
	"math"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A cursor turns the pages of a shard into records: it takes aggregates apart, and leaves out what the reader has had,
// and what arrived before the group began. It is used by one goroutine at a time.
type cursor struct {
	opener      aggregate.Opener
	dropForeign bool            // an aggregate with a record of another shard is left out whole, as KCL does
	wanted      time.Time       // what arrived before is not wanted; zero: all is
	bound       bound           // where the reading ends
	skip        bool            // nothing is wanted up to the tip
	after       stream.Position // read up to here; zero: nothing yet
	foreign     int             // records of other shards that were met, and aggregates left out for them

	page    api.Page
	loaded  bool // page is there
	at      int  // of page.Records: the one that is open, or the next to be opened
	opened  bool
	corrupt error // of the record that is open; nothing gets past it
}

// load takes the next page. The one before must be read.
func (c *cursor) load(p api.Page) { c.page, c.loaded, c.at, c.opened = p, true, 0, false }

// last is the position of the last record that the reader will be handed of a page; false: of none.
func (c *cursor) last(p api.Page) (stream.Position, bool) {
	probe := aggregate.Opener{Range: c.opener.Range}
	for i := len(p.Records) - 1; i >= 0; i-- {
		r := p.Records[i]
		if c.unwanted(r) || probe.Open(r) != nil || c.dropForeign && probe.AnyForeign() || probe.Len() == 0 {
			continue
		}
		at, ok := shard.Position(r.Sequence, uint32(probe.Len()-1))
		return at, ok && at.Compare(c.after) > 0
	}
	return stream.Position{}, false
}

// unload forgets the page.
func (c *cursor) unload() { c.page, c.loaded, c.at = api.Page{}, false, 0 }

// next makes the next record of the page; false when there is none, or when the bound is reached. A record that does
// not decode is an error that stays.
func (c *cursor) next(into *stream.Record) (bool, error) {
	for {
		if c.corrupt != nil {
			return false, c.corrupt
		}
		if !c.opened {
			if c.at >= len(c.page.Records) || c.bound.reached {
				return false, nil
			}
			if err := c.open(c.page.Records[c.at]); err != nil {
				return false, err
			}
			continue
		}
		ok, err := c.step(into)
		if ok || err != nil {
			return ok, err
		}
	}
}

// open begins with a Kinesis record, or moves over it.
func (c *cursor) open(r api.Record) error {
	p, ok := shard.Position(r.Sequence, 0)
	if !ok {
		c.corrupt = c.opener.Open(r)
		return c.corrupt
	}
	major, _, _ := p.Parts()
	last := stream.MakePosition(major, math.MaxUint32, 0)
	switch {
	case c.bound.before(p, r.Arrival): // the first that is not read any more
		c.bound.reached = true
		return nil
	case c.unwanted(r), c.passed(p, last):
		c.at++
		return nil
	}
	c.opener.OpenAt(r, p)
	if c.dropForeign && c.opener.AnyForeign() {
		c.foreign++
		c.at++
		return nil
	}
	if had, sub, _ := c.after.Parts(); had == major && !c.after.IsZero() {
		c.opener.Skip(int(sub) + 1)
	}
	c.opened = true
	return nil
}

// unwanted reports whether the record does not concern the reader.
func (c *cursor) unwanted(r api.Record) bool {
	return c.skip || !c.wanted.IsZero() && r.Arrival.Before(c.wanted) && !mutated("threshold ignored")
}

// passed reports whether the reader has had all of a Kinesis record: its position is p, and last is past its last part.
func (c *cursor) passed(p, last stream.Position) bool {
	if mutated("mid-aggregate checkpoint forgets the index") {
		return p.Compare(c.after) <= 0
	}
	return last.Compare(c.after) <= 0 || c.after.Compare(p) > 0 && !sameSequence(p, c.after)
}

func sameSequence(p, q stream.Position) bool {
	a, _, _ := p.Parts()
	b, _, _ := q.Parts()
	return a == b
}

// step makes the next record of the Kinesis record that is open; false when there is none.
func (c *cursor) step(into *stream.Record) (bool, error) {
	foreign, more, err := c.opener.Next(into)
	if err != nil {
		c.corrupt = fmt.Errorf("the record at %v: %w", into.Position, err)
		return false, c.corrupt
	}
	if !more {
		c.at, c.opened = c.at+1, false
		return false, nil
	}
	if foreign {
		c.foreign++
	}
	if c.bound.past(into.Position) {
		c.bound.reached = true
		c.opened = false
		return false, nil
	}
	c.after = into.Position
	c.bound.at(c.after)
	return true, nil
}

// read reports whether there is a page, and all of it is read.
func (c *cursor) read() bool {
	return c.loaded && !c.opened && c.at >= len(c.page.Records) && c.corrupt == nil
}
