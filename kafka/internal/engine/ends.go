package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// endPause is how long a reading that ends at a time waits before it asks again whether the time's offset is known.
const endPause = 100 * time.Millisecond

// ends are where a reading ends, by partition.
type ends struct {
	kind  string
	time  time.Time
	after stream.Position

	mu     sync.Mutex          // guards what follows
	every  []Partition         // of the reading, as at open
	bounds map[Partition]int64 // the reading ends before this offset
	closed bool                // partitions without a bound are not read
}

func newEnds(end stream.Start) *ends {
	kind, at, after := end.Parts()
	return &ends{kind: kind, time: at, after: after, bounds: map[Partition]int64{}}
}

// none reports whether the reading goes on for ever.
func (e *ends) none() bool { return e.kind == stream.StartOldest }

// resolve finds the bounds of some partitions of a topic; at a time that is still to come there is none yet.
func (e *ends) resolve(ctx context.Context, a Admin, stable, topic string, partitions []int32) error {
	if e.none() {
		return nil
	}
	e.mu.Lock()
	e.closed = e.kind != stream.StartSince || !e.time.After(time.Now())
	closed := e.closed
	for _, n := range partitions {
		if p := (Partition{Topic: topic, Number: n}); !slices.Contains(e.every, p) {
			e.every = append(e.every, p)
		}
	}
	e.mu.Unlock()
	var found map[int32]Offset
	switch e.kind {
	case stream.StartAfter:
		at, err := offsetAfter(e.after)
		if err != nil {
			return fault("open source", topic, "", err)
		}
		found = map[int32]Offset{partitions[0]: at}
	case stream.StartSince:
		var err error
		if found, err = offsetsSince(ctx, a, topic, partitions, e.time, stable, closed); err != nil {
			return err
		}
	default:
		var err error
		if found, err = offsetsAt(ctx, a, topic, partitions, Edge{Kind: stable}); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for n, at := range found {
		e.bounds[Partition{Topic: topic, Number: n}] = at.At
	}
	return nil
}

// all are the partitions that are read up to an end.
func (e *ends) all() []Partition {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.every)
}

// isClosed reports whether every end is known.
func (e *ends) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// of is where the reading of p ends: before an offset (-1: nowhere, or not known yet) or, if it is not zero, before a time.
func (e *ends) of(p Partition) (until int64, stop time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at, ok := e.bounds[p]; ok {
		return at, time.Time{}
	}
	if e.none() {
		return -1, time.Time{}
	}
	if e.closed {
		return 0, time.Time{}
	}
	return -1, e.time
}

// settle fixes a bound that was a time.
func (e *ends) settle(p Partition, at int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bounds[p] = at
}

// offsetsSince is the first offset since a time in each partition. Where that is past the last record, it is the end if
// there is to be one, or left out.
func offsetsSince(
	ctx context.Context, a Admin, topic string, partitions []int32, at time.Time, stable string, orEnd bool,
) (map[int32]Offset, error) {
	found, err := offsetsAt(ctx, a, topic, partitions, Edge{Kind: EdgeSince, Time: at})
	if err != nil {
		return nil, err
	}
	var past []int32
	for n, o := range found {
		if o.At < 0 {
			past = append(past, n)
			delete(found, n)
		}
	}
	if !orEnd || len(past) == 0 {
		return found, nil
	}
	last, err := offsetsAt(ctx, a, topic, past, Edge{Kind: stable})
	if err != nil {
		return nil, err
	}
	for n, o := range last {
		found[n] = o
	}
	return found, nil
}

// offsetsAt asks for an edge of some partitions and needs every answer.
func offsetsAt(ctx context.Context, a Admin, topic string, partitions []int32, edge Edge) (map[int32]Offset, error) {
	answers, err := a.Offsets(ctx, topic, partitions, edge)
	if err != nil {
		return nil, fault("offsets", topic, "", err)
	}
	found := make(map[int32]Offset, len(partitions))
	for _, n := range partitions {
		answer, ok := answers[n]
		place := Partition{Topic: topic, Number: n}
		if !ok {
			return nil, fault("offsets", topic, place.String(), stream.ErrNotFound)
		}
		if answer.Err != nil {
			return nil, fault("offsets", topic, place.String(), answer.Err)
		}
		found[n] = answer.Offset
	}
	return found, nil
}

// atEnd reports whether the read position has reached the reading's end.
func (c *Claim) atEnd() bool {
	if c.until < 0 || c.read.At < c.until {
		return false
	}
	c.ended.Store(true)
	return true
}

// clip keeps the records before the reading's end. If one is not kept, the read position moves to the end.
func (c *Claim) clip(recs []stream.Record) int {
	if len(recs) == 0 || c.until < 0 && c.stop.IsZero() {
		return len(recs)
	}
	for i := range recs {
		at := offsetOf(&recs[i])
		if !c.stop.IsZero() && !recs[i].Time.Before(c.stop) {
			c.until, c.stop = at, time.Time{}
			c.s.ends.settle(c.p, at)
		}
		if c.until >= 0 && at >= c.until {
			c.read.At = c.until
			return i
		}
	}
	return len(recs)
}

// offsetOf is the record's own.
func offsetOf(r *stream.Record) int64 { return After(r.Position).At - 1 }

// settleEnd turns the time at which the reading ends into an offset, once the time has come.
func (c *Claim) settleEnd(ctx context.Context) error {
	found, err := offsetsSince(ctx, c.s.client, c.p.Topic, []int32{c.p.Number}, c.stop, c.s.stable(), true)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.fault("fetch", err)
	}
	c.until, c.stop = found[c.p.Number].At, time.Time{}
	c.s.ends.settle(c.p, c.until)
	return nil
}
