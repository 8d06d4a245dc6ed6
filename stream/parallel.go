package stream

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"
)

// How far ByKey reads beyond the first record that is not done. When it is full, fetching pauses.
const (
	windowRecords = 10_000
	windowBytes   = 64 << 20
)

// ByKey is a Handler that runs f on up to n keys at a time, on records of equal keys strictly in order, and checkpoints
// for you: the checkpoint is the contiguous prefix of what is done. Records without a key are in no order. At most one
// Policy says what happens to a record whose f fails; the default is Policy's zero value.
//
// Rules:
//   - ByKeyOrder: records of equal keys are handled one after the other, in partition order.
//   - ByKeyBounded: at most 10,000 records, or 64 MiB, are read beyond the first that is not done.
//   - ByKeyNoState: a partition with a state is refused with ErrInvalid, since a state would be ahead of the prefix.
func ByKey(n int, f func(ctx context.Context, rec *Record) error, policy ...Policy) Handler {
	y, err := onePolicy(policy)
	if n < 1 {
		err = errors.Join(err, fmt.Errorf("%w: ByKey needs at least one key at a time", ErrInvalid))
	}
	if err != nil {
		return func(context.Context, *Partition) error { return err }
	}
	return byKey(n, f, y)
}

func byKey(n int, f func(context.Context, *Record) error, y Policy) Handler {
	return func(ctx context.Context, p *Partition) error {
		if len(p.State()) > 0 {
			return fmt.Errorf("%w: the partition has a state, which ByKey would leave behind", ErrInvalid)
		}
		c := newCrew(ctx, p, n, f, y)
		defer c.dismiss()
		for rec, err := range p.Records(c.ctx) {
			if err != nil {
				return err
			}
			if !c.admit(rec) {
				continue // the hold ends, and the loop says why
			}
		}
		return c.finish(p.Ended())
	}
}

// crew handles one hold's records by n workers. A key in work is a lane: its records wait in the lane, and one worker at
// a time takes the lane's first.
type crew struct {
	partition *Partition
	policy    Policy
	f         func(context.Context, *Record) error
	work      context.Context // what f gets: the hold's
	ctx       context.Context // the loop's: ends at the first failure
	cancel    context.CancelCauseFunc
	unlink    func() bool
	seed      maphash.Seed
	workers   sync.WaitGroup
	timers    sync.WaitGroup // a token for each parked lane

	mu       sync.Mutex // guards what follows
	ready    *sync.Cond // a lane is ready, or the crew is to go
	room     *sync.Cond // the window has moved, or the crew is to go
	lanes    map[uint64]*lane
	queue    ring[*lane] // ready, each once
	free     []*lane
	nextNil  uint64 // numbers lanes of records without key
	admitted uint64 // the last record, as the hold counts them
	done     uint64 // the contiguous prefix, likewise
	open     int    // admitted and not done
	bytes    int64  // of those
	going    bool   // nothing more is started
	err      error
}

// lane is one key's records that are not done, the first of them perhaps in work. Keys whose hashes are equal share one,
// which is harmless.
type lane struct {
	hash   uint64
	recs   ring[*Record]
	parked time.Time // since when its first record is set aside; zero: it is not
	timer  *time.Timer
}

func newCrew(ctx context.Context, p *Partition, n int, f func(context.Context, *Record) error, y Policy) *crew {
	c := &crew{partition: p, policy: y, f: f, work: ctx, seed: maphash.MakeSeed(), lanes: map[uint64]*lane{}}
	c.admitted = p.delivered & deliveryMask // an earlier loop of the hold may have had records
	c.ready, c.room = sync.NewCond(&c.mu), sync.NewCond(&c.mu)
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.unlink = context.AfterFunc(p.fetching, func() { c.leave(nil) })
	for range n {
		c.workers.Go(c.serve)
	}
	return c
}

// admit waits for room in the window and queues the record. It is false if the crew is to go.
func (c *crew) admit(rec *Record) bool {
	size := rec.size()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !mutated("window is not bounded") && !c.going && (c.admitted-c.done >= windowRecords || c.bytes+size > windowBytes && c.open > 0) {
		c.room.Wait()
	}
	if c.going {
		return false
	}
	c.admitted++
	c.open++
	c.bytes += size
	hash := c.laneOf(rec.Key)
	l := c.lanes[hash]
	if l == nil {
		l = c.newLane(hash)
		c.lanes[hash] = l
		c.queue.push(l)
		c.ready.Signal()
	}
	l.recs.push(rec)
	return true
}

// laneOf gives records without key a lane each.
func (c *crew) laneOf(key []byte) uint64 {
	if key != nil && !mutated("keys are mixed") {
		return maphash.Bytes(c.seed, key)
	}
	for {
		c.nextNil++
		if c.lanes[c.nextNil] == nil {
			return c.nextNil
		}
	}
}

func (c *crew) newLane(hash uint64) *lane {
	if n := len(c.free); n > 0 {
		l := c.free[n-1]
		c.free = c.free[:n-1]
		l.hash = hash
		return l
	}
	return &lane{hash: hash}
}

// serve is one worker.
func (c *crew) serve() {
	exited := true
	defer func() {
		if exited { // f has called Goexit, which ends this goroutine
			c.leave(errGoexit)
		}
	}()
	for {
		l, rec, policy := c.take()
		if l == nil {
			exited = false
			return
		}
		v, err := policy.handle(c.work, c.partition, rec, c.f)
		switch {
		case v == park:
			c.park(l, err)
		case err != nil:
			c.leave(err)
		case v == settled:
			c.settle(l, rec)
		default:
			c.leave(nil)
		}
	}
}

// take waits for a lane; it gives none when the crew is to go. A record that was set aside is tried once.
func (c *crew) take() (*lane, *Record, Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.queue.len() == 0 && !c.going {
		c.ready.Wait()
	}
	if c.going {
		return nil, nil, c.policy
	}
	l := c.queue.pop()
	policy := c.policy
	if !l.parked.IsZero() {
		policy.Attempts = 1
	}
	return l, l.recs.first(), policy
}

// settle counts a record as done and lets its lane go on.
func (c *crew) settle(l *lane, rec *Record) {
	done := c.partition.done(rec)
	c.mu.Lock()
	defer c.mu.Unlock()
	l.recs.pop()
	l.parked = time.Time{}
	c.open--
	c.bytes -= rec.size()
	c.done = max(c.done, done)
	if l.recs.len() > 0 {
		c.queue.push(l)
		c.ready.Signal()
	} else {
		delete(c.lanes, l.hash)
		c.free = append(c.free, l)
	}
	c.room.Signal()
}

// park sets the lane aside until its next try, or gives up when it was parked for too long.
func (c *crew) park(l *lane, cause error) {
	now := time.Now()
	c.mu.Lock()
	if l.parked.IsZero() {
		l.parked = now
	}
	over := now.Sub(l.parked) >= c.policy.ParkFor
	if !over && !c.going {
		c.timers.Add(1)
		l.timer = time.AfterFunc(c.policy.MaxBackoff, func() { c.unpark(l) })
	}
	c.mu.Unlock()
	if over {
		c.leave(fmt.Errorf("a key was parked for %v: %w", c.policy.ParkFor, cause))
	}
}

func (c *crew) unpark(l *lane) {
	defer c.timers.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	l.timer = nil
	c.queue.push(l)
	c.ready.Signal()
}

// leave starts nothing more. The first error counts, and ends the loop.
func (c *crew) leave(err error) {
	c.mu.Lock()
	c.going = true
	if c.err == nil {
		c.err = err
	}
	c.ready.Broadcast()
	c.room.Broadcast()
	c.mu.Unlock()
	if err != nil {
		c.cancel(err)
	}
}

// finish waits for what is in work, and, at the end of the partition, for all that was admitted.
func (c *crew) finish(drain bool) error {
	c.mu.Lock()
	for drain && !c.going && c.open > 0 {
		c.room.Wait()
	}
	c.mu.Unlock()
	c.dismiss()
	c.mu.Lock()
	left, err := c.open, c.err
	c.mu.Unlock()
	if reason, ended := c.partition.ended(); drain && left > 0 && ended {
		c.partition.report(reason) // what is left is the next hold's
	}
	return err
}

// dismiss sends the workers home and waits for them.
func (c *crew) dismiss() {
	c.unlink()
	c.leave(nil)
	c.workers.Wait()
	c.mu.Lock()
	for _, l := range c.lanes {
		if l.timer != nil && l.timer.Stop() {
			l.timer = nil
			c.timers.Done()
		}
	}
	c.mu.Unlock()
	c.timers.Wait()
	c.cancel(nil)
}
