package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A fate is what one try to store a record came to.
type fate struct {
	err    error         // why it is not stored, or not known to be; nil: it is stored
	wait   time.Duration // not 0: try again after it, or, if stored, answer after it
	stored bool          // only the answer is late
}

// How long a sink waits before it tries a record again: doubled from the first, with a seeded jitter of half.
const (
	firstBackoff = 10 * time.Millisecond
	mostBackoff  = time.Second
)

// try stores a record once, or not, and says how to go on.
func (s *sink) try(ctx context.Context, e *entry) fate {
	e.tries++
	p := e.topic.choose(e.rec)
	if e.part != nil && e.topic.traits.idempotent {
		return fate{} // an earlier try is recognised
	}
	at := Where{Stream: e.topic.name, Partition: p.name, Member: s.config.Member}
	then, err := s.b.faults.entry(ctx, at, e)
	if err == nil {
		err = s.admitRate(p, e)
	}
	switch {
	case errors.Is(err, stream.ErrThrottled), errors.Is(err, errTransient):
		return s.again(e, p, err)
	case err != nil:
		return fate{err: err}
	}
	now := s.b.clock.millis()
	if n, ok := p.take(e.rec, now); ok {
		e.part, e.number = p, n
	} else { // closed in between
		e.part, e.number = e.topic.store(e.rec, now)
	}
	if s.b.faults.doubles(at, e.topic) { // as a retry does whose first try was stored after all
		e.topic.store(e.rec, now)
		e.unknown = true
	}
	switch {
	case then.Err != nil:
		e.unknown = true
		return fate{err: fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, then.Err)}
	case then.Lost:
		e.unknown = true
		return s.again(e, p, fmt.Errorf("%w: the answer is lost", stream.ErrUnknownOutcome))
	case then.Delay > 0:
		return fate{wait: then.Delay, stored: true}
	}
	return fate{}
}

// again says when to try next.
func (s *sink) again(e *entry, p *partition, err error) fate {
	wait := min(firstBackoff<<min(e.tries-1, 10), mostBackoff)
	draw := s.b.faults.dice.draw("backoff", Where{Stream: e.topic.name, Partition: p.name, Member: s.config.Member})
	wait = wait/2 + time.Duration(draw%uint64(wait/2))
	if errors.Is(err, stream.ErrThrottled) {
		s.config.Observe(stream.Event{
			Kind: stream.EventThrottled, Member: s.config.Member, Stream: e.topic.name, Partition: p.name,
			Attempt: e.tries, Duration: wait, Err: err,
		})
	}
	return fate{err: err, wait: wait}
}

// admitRate refuses a record that is over its partition's rate.
func (s *sink) admitRate(p *partition, e *entry) error {
	r := p.topic.traits
	if !r.refuses {
		return nil
	}
	size, now := p.topic.size(e.rec), s.b.clock.nanos()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.rate.take(now, 1, size, r.writeRecs, r.writeBytes) {
		return fmt.Errorf("%w: partition %s takes %d records and %d bytes a second",
			stream.ErrThrottled, p.name, r.writeRecs, r.writeBytes)
	}
	return nil
}

// entry meets the faults of one try.
func (in *injector) entry(ctx context.Context, at Where, e *entry) (then Outcome, err error) {
	if !in.wild {
		return then, nil
	}
	if in.dice.hits("Reshard", at, in.faults.Reshard) {
		in.b.reshard(e.topic, at)
	}
	if in.dice.hits("Delay", opWhere(OpAppend, at), in.faults.Delay) {
		then.Delay = in.delay(OpAppend, at)
	}
	switch {
	case in.dice.hits("Throttle", at, in.faults.Throttle):
		return then, fmt.Errorf("%w: %w", stream.ErrThrottled, errTransient)
	case in.dice.hits("FailEntry", at, in.faults.FailEntry):
		return then, errTransient
	case in.dice.hits("LoseAck", at, in.faults.LoseAck):
		then.Lost = true
	}
	if in.script == nil {
		return then, nil
	}
	return in.scripted(ctx, OpAppend, at, then)
}

// doubles decides whether a record is stored twice behind everybody's back.
func (in *injector) doubles(at Where, t *topic) bool {
	return in.wild && !t.traits.idempotent && in.dice.hits("Duplicate", at, in.faults.Duplicate)
}

// sortLanes puts lanes in an order that does not depend on a map.
func sortLanes(all []*lane) {
	slices.SortFunc(all, func(a, b *lane) int {
		return cmp.Or(cmp.Compare(a.key.topic.name, b.key.topic.name), cmp.Compare(a.key.key, b.key.key),
			cmp.Compare(a.key.serial, b.key.serial))
	})
}
