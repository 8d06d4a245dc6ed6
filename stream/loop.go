package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// Records yields the partition's records until it is asked back, has ended or is lost, or ctx ends.
func (p *Partition) Records(ctx context.Context) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		l, err := p.beginLoop(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer l.end()
		for l.more() {
			rec := &p.block[p.from]
			p.from++
			p.lent = true
			p.delivered++
			rec.delivery = p.delivered
			if !yield(rec, nil) {
				return
			}
		}
		if l.err != nil {
			yield(nil, l.err)
		}
	}
}

// Batches yields the partition's records in slices of at most max (0: as they come), until it is asked back, has ended
// or is lost, or ctx ends. With a wait > 0 it yields at the latest after that time, an empty slice if nothing came.
func (p *Partition) Batches(ctx context.Context, max int, wait time.Duration) iter.Seq2[[]Record, error] {
	return func(yield func([]Record, error) bool) {
		l, err := p.beginLoop(ctx)
		if err == nil && (max < 0 || wait < 0) {
			l.end()
			err = p.loopError(fmt.Errorf("%w: a negative max or wait", ErrInvalid))
		}
		if err != nil {
			yield(nil, err)
			return
		}
		defer l.end()
		for l.gather(max, wait) {
			n := p.size()
			if max > 0 {
				n = min(n, max)
			}
			batch := p.block[p.from : p.from+n : p.from+n]
			p.from += n
			p.deliver(batch)
			if !yield(batch, nil) {
				return
			}
		}
		if l.err != nil {
			yield(nil, l.err)
		}
	}
}

// loop is one call of Records or Batches.
type loop struct {
	*Partition
	ctx      context.Context // ends when the caller's does, and when every loop of the hold is to end
	quit     <-chan struct{} // ctx.Done
	release  func()          // frees ctx; nil if it is the hold's own
	patience *patience       // nil until a wait is needed
	rest     rest            // of fetches without one
	idle     time.Duration   // of waits since something came
	reason   ending
	err      error // the loop's last element
}

func (p *Partition) beginLoop(ctx context.Context) (*loop, error) {
	if ctx == nil {
		return nil, p.loopError(errNilContext)
	}
	p.mu.Lock()
	looping, closed := p.looping, p.closed
	p.looping = p.looping || !closed
	p.mu.Unlock()
	switch {
	case closed:
		return nil, p.loopError(ErrLost)
	case looping:
		return nil, p.loopError(fmt.Errorf("%w: another loop is under way", ErrInvalid))
	}
	l := &loop{Partition: p, ctx: p.fetching}
	if ctx.Done() != p.ctx.Done() {
		derived, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(p.fetching, cancel)
		l.ctx, l.release = derived, func() { stop(); cancel() }
	}
	l.quit = l.ctx.Done()
	return l, nil
}

func (l *loop) end() {
	if l.patience != nil {
		l.patience.end()
	}
	l.rest.end()
	if l.release != nil {
		l.release()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looping, l.reported, l.Partition.last = false, l.reason, l.lastYielded()
}

// more reports whether there is a record to yield, and waits for one.
func (l *loop) more() bool {
	for {
		if l.over() {
			return false
		}
		if l.from < l.to {
			return true
		}
		if l.exhausted {
			l.reason = endComplete
			return false
		}
		l.await(0)
	}
}

// gather collects a batch; it is false when the loop is over. What it has collected then is not consumed.
func (l *loop) gather(max int, wait time.Duration) bool {
	var waiting context.Context
	for {
		if l.over() {
			return false
		}
		have := l.size()
		if have > 0 && (max == 0 || wait == 0 || have >= max || l.exhausted) {
			return true
		}
		if l.exhausted {
			l.reason = endComplete
			return false
		}
		want := 0
		if max > 0 {
			want = max - have
		}
		if wait == 0 {
			l.await(want)
			continue
		}
		if waiting == nil {
			waiting = l.arm(wait)
		} else if waiting.Err() != nil {
			l.waited(wait)
			return true
		}
		l.fetch(waiting, want)
	}
}

// await fetches into an empty buffer, and lets go of a block that has grown when nothing comes for a while.
func (l *loop) await(want int) {
	if len(l.block) <= firstBlock {
		l.fetch(l.ctx, want)
		return
	}
	ctx := l.rest.over(l.ctx)
	l.fetch(ctx, want)
	if ctx.Err() != nil && l.size() == 0 {
		l.drop()
	}
}

// waited lets go of the block when waits without a record have taken a while. Whoever asked for this wait has done with
// what was yielded before.
func (l *loop) waited(wait time.Duration) {
	if l.idle += wait; l.idle >= restAfter && l.size() == 0 {
		l.drop()
	}
}

// arm gives a context that ends after the wait.
func (l *loop) arm(wait time.Duration) context.Context {
	if l.patience == nil {
		l.patience = newPatience(l.ctx)
	}
	l.patience.arm(wait)
	return l.patience
}

// over says whether the loop is to end before its next element, and why.
func (l *loop) over() bool {
	stopped := isDone(l.quit) // first: when the hold ends the loop, the reason is there before the context ends
	reason, ended := l.ended()
	switch {
	case !ended && stopped && context.Cause(l.Partition.ctx) == ErrLost: // lose has begun
		reason = endLost
	case !ended:
		return stopped
	}
	l.reason = reason
	switch reason {
	case endLost:
		l.err = l.loopError(ErrLost)
	case endFault:
		l.mu.Lock()
		l.err = l.fault
		l.mu.Unlock()
	}
	return true
}

// fetch adds to the buffer. A failure is kept where over finds it.
func (l *loop) fetch(ctx context.Context, want int) {
	room := l.room(want)
	n, err := l.claim.Fetch(ctx, room)
	if n > 0 {
		l.idle = 0
		l.fetched(n, len(room))
		l.tellDelivered(room[:n])
		return
	}
	if ctx.Err() != nil && mutated("cancel is taken for the end") {
		l.exhausted = true
	}
	if err == nil || ctx.Err() != nil && ofContext(err) {
		return
	}
	switch _, ended := l.ended(); {
	case ended:
	case errors.Is(err, io.EOF):
		l.exhausted = true
	case errors.Is(err, ErrLost):
		l.lose(err)
	default:
		l.fail("fetch", err)
	}
}

// ofContext reports that a call only says that its context has ended. Any other error counts, whenever it comes.
func ofContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (l *loop) tellDelivered(recs []Record) {
	o := l.run.observer
	if o.observe == nil {
		return
	}
	var size int64
	for i := range recs {
		size += recs[i].size()
	}
	o.tell(Event{
		Kind: EventDelivered, Stream: l.Stream, Partition: l.Name,
		Records: len(recs), Bytes: size, Position: recs[len(recs)-1].Position,
	})
}

func (p *Partition) loopError(err error) error {
	return &Error{Op: "read", Stream: p.Stream, Partition: p.Name, Err: err}
}
