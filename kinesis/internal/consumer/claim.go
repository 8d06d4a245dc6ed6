package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A Claim is one member's hold on one shard. It is made when the shard is this member's, granted by Source.Next, and
// over when it is released or lost.
type Claim struct {
	s       *Source
	o       opening
	tenure  tenure
	hold    stream.Hold
	lost    chan struct{}
	done    chan struct{}   // closed when the claim is over
	life    context.Context // ends with the claim
	end     context.CancelCauseFunc
	pumped  chan struct{} // closed when the pump has ended; nil: there is none
	writing chan struct{} // holds a token while a write is under way
	granted bool          // Next returned it; the source's lock guards it

	buffer   *buffer
	progress progress
	noted    atomic.Int64 // the settled time that is kept
	looked   atomic.Int64 // when that was looked at last, in Unix milliseconds

	// Only Fetch uses what follows, and before it Seek.
	cursor   cursor
	begun    bool
	sought   bool
	last     stream.Position // of the last record that will be handed out
	stuck    error           // of retention: what every Fetch returns
	leaping  *stream.Error   // what is to be told when the tip is reached
	missing  bool            // the record of the position that was sought is looked for
	vanished bool            // the shard is no more: its end was not read
	flagged  int             // foreign records that were told of

	complete atomic.Bool   // all of the shard was delivered
	bounded  atomic.Bool   // the reading's end was reached
	children []shard.Child // set before complete
	ended    time.Time     // when the end was met; set before complete

	mu       sync.Mutex // guards what follows
	over     error      // why the claim can no longer be used: ErrLost or ErrClosed
	isLost   bool
	released bool
	saved    stream.Position
}

func newClaim(s *Source, o opening, t tenure) *Claim {
	c := &Claim{
		s: s, o: o, tenure: t, lost: make(chan struct{}), done: make(chan struct{}), writing: make(chan struct{}, 1),
		buffer: newBuffer(s.settings.BufferBytes), progress: o.progress, saved: o.saved.Position,
	}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.hold = stream.Hold{
		Stream: o.track.name, Partition: o.shard, Saved: o.saved, Replaces: o.replaces, Asked: t.Asked(), Lost: c.lost,
	}
	if c.hold.Asked == nil {
		c.hold.Asked = make(chan struct{})
	}
	if o.area != nil {
		area := *o.area
		c.hold.Owns = func(key []byte) bool { return area.Contains(shard.HashKey(string(key))) }
	}
	if pos := o.progress.Pos(); pos != nil {
		c.noted.Store(*pos)
	}
	c.cursor = cursor{
		opener: aggregate.Opener{Stream: o.track.name, Shard: o.shard, Range: shard.Whole()},
		wanted: o.wanted, bound: o.track.bound, dropForeign: s.settings.DropForeign,
	}
	if o.area != nil && !o.track.auto() {
		c.cursor.opener.Range = *o.area
	}
	c.startAt(o.saved.Position)
	return c
}

// watch follows the tenure until the claim is over.
func (c *Claim) watch() {
	asked := c.tenure.Asked()
	for {
		select {
		case <-c.tenure.Lost():
			c.lose(stream.ErrLost)
			c.s.withdraw(c)
			return
		case <-asked:
			asked = nil
			c.s.withdraw(c)
		case <-c.done:
			return
		}
	}
}

// Hold describes the claim.
func (c *Claim) Hold() stream.Hold { return c.hold }

// Seek replaces the position at which reading begins. Whether the shard still has it is seen by Fetch.
func (c *Claim) Seek(ctx context.Context, after stream.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.state(); err != nil {
		return c.fault("seek", err)
	}
	if _, _, term := after.Parts(); term != 0 {
		return c.fault("seek", fmt.Errorf("%w: position %v is not of this partition", stream.ErrInvalid, after))
	}
	if c.begun || c.sought {
		return c.fault("seek", fmt.Errorf("%w: Seek comes once, before Fetch", stream.ErrInvalid))
	}
	c.sought = true
	if mutated("stale prefetch after seek/regrant") {
		return nil
	}
	c.progress.Settle(after)
	c.missing = !after.IsZero()
	c.startAt(after)
	return nil
}

// startAt sets the position after which reading begins. It may be the reading's end already.
func (c *Claim) startAt(after stream.Position) {
	c.cursor.after, c.last = after, after
	c.cursor.bound.at(after)
	c.bounded.Store(c.cursor.bound.reached)
}

// Fetch reads the next records, and waits for one.
func (c *Claim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	if len(into) == 0 {
		return 0, c.fault("fetch", fmt.Errorf("%w: no room for a record", stream.ErrInvalid))
	}
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := c.step(ctx, into)
		if n > 0 || err != nil {
			return n, c.fault("fetch", err)
		}
	}
}

// step does the next thing that Fetch has to do; 0 and nil: look again.
func (c *Claim) step(ctx context.Context, into []stream.Record) (int, error) {
	if err := c.state(); err != nil {
		return 0, err
	}
	if err := c.tenure.verify(ctx); err != nil { // after a pause of the process nobody may have noticed yet
		c.lose(stream.ErrLost)
		return 0, err
	}
	if isDone(c.hold.Asked) || c.atEnd() {
		return 0, io.EOF
	}
	if c.stuck != nil {
		return 0, c.stuck
	}
	if !c.begun {
		c.begin()
	}
	if n, err := c.take(into); n > 0 || err != nil {
		return n, err
	}
	if c.atEnd() {
		return 0, io.EOF
	}
	page, ok, broken := c.buffer.next()
	switch {
	case ok:
		return 0, c.load(page)
	case broken != nil:
		return 0, c.mend(broken)
	}
	select {
	case <-c.buffer.more:
	case <-c.hold.Asked:
	case <-c.done:
	case <-ctx.Done():
	}
	return 0, nil
}

// take moves what the cursor has into into.
func (c *Claim) take(into []stream.Record) (n int, err error) {
	for n < len(into) {
		ok, err := c.cursor.next(&into[n])
		if err != nil && n == 0 {
			return 0, err
		}
		if !ok {
			break
		}
		n++
	}
	c.flag()
	if c.cursor.read() {
		c.leave()
	}
	if c.cursor.bound.reached {
		c.bounded.Store(true)
	}
	return n, nil
}

// atEnd reports whether everything was delivered: to the end of the shard, or to that of the reading.
func (c *Claim) atEnd() bool { return c.complete.Load() || c.bounded.Load() }

// state returns why the claim can no longer be used, or nil.
func (c *Claim) state() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// finish ends the claim for a reason; it reports whether it was still alive.
func (c *Claim) finish(why error, lost bool) bool {
	c.mu.Lock()
	if c.over != nil {
		c.mu.Unlock()
		return false
	}
	c.over, c.isLost = why, lost
	c.mu.Unlock()
	c.end(why)
	if lost {
		close(c.lost)
	}
	close(c.done)
	c.buffer.close()
	return true
}

// lose takes the shard: what is under way is cancelled.
func (c *Claim) lose(why error) { c.finish(why, true) }

// Release gives the shard back. After a loss it only lets the shard be granted to this member again.
func (c *Claim) Release(ctx context.Context, finished bool) error {
	first := c.finish(stream.ErrLost, false)
	c.mu.Lock()
	again := c.released
	c.released = true
	c.mu.Unlock()
	if again {
		return nil
	}
	err := c.giveBack(ctx, first, first && finished)
	if errors.Is(err, context.Canceled) && c.s.isClosed() {
		err = stream.ErrClosed // the source ended meanwhile, and has given the lease back
	}
	return c.fault("release", err)
}

// fault adds the place to an error.
func (c *Claim) fault(op string, err error) error { return fault(op, c.o.track.name, c.o.shard, err) }

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
