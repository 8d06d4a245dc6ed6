package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func runLost(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 3)...)
	t.lostIsNoFault(name)
	h := t.hooked()
	p := newTape()
	c := t.group(name)
	c.Observe = p.observe
	var lying atomic.Bool
	lying.Store(true)
	r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
		if lying.Load() {
			return fmt.Errorf("wrapped: %w", stream.ErrLost)
		}
		return p.all("", save)(ctx, q)
	})
	rounds := 11
	if !t.Bubble {
		rounds = 3
	}
	t.eventually(p, stream.EventRegrant, rounds)
	wait := 100 * time.Millisecond
	for i, e := range p.told(stream.EventRegrant)[:rounds] {
		t.check(e.Duration == wait, "the partition is granted for the %dth time after %v, want %v", i+2, e.Duration, wait)
		t.is(e.Err, stream.ErrLost, "the cause of the event")
		wait = min(2*wait, 30*time.Second)
	}
	lying.Store(false)
	t.handled(p, 3)
	t.is(r.end(), nil, "Run, with a partition that was lost in words only")
}

// lostIsNoFault loses the partition under handlers that answer with an error, with nil and with ErrLost.
func (t *T) lostIsNoFault(name string) {
	partition := t.partitionNames(name)[0]
	for what, answer := range map[string]error{"an error": errPlanned, "nil": nil, "ErrLost": stream.ErrLost} {
		h := t.hooked()
		p := newTape()
		c := t.group(name)
		c.Observe = p.observe
		r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
			if err := p.all("", nil)(ctx, q); err != nil {
				return answer
			}
			return nil
		})
		t.handled(p, 3)
		h.lose(partition)
		t.eventually(p, stream.EventGranted, 2)
		t.check(len(p.told(stream.EventLost)) == 1, "a loss was told %d times", len(p.told(stream.EventLost)))
		t.check(len(p.told(stream.EventRegrant)) == 0, "a real loss was taken for one in words")
		t.is(r.end(), nil, "Run, when a handler whose partition was lost answered with %s", what)
	}
}

func runAfter(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 6)...)
	h := t.hooked()
	saving, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.checkpoint = func(c *hookedClaim, ctx context.Context, to stream.Checkpoint) error {
		once.Do(func() { close(saving); <-goOn })
		err := c.Claim.Checkpoint(ctx, to)
		h.note("saved")
		return err
	}
	c := t.group(name)
	var kept *stream.Partition
	var rec *stream.Record
	answer, refused := make(chan error, 1), make(chan error, 1)
	r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
		for next, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			kept, rec = q, next
			go func() { answer <- q.Checkpoint(context.Background(), next) }()
			<-saving
			break
		}
		time.AfterFunc(grace/2, func() {
			refused <- kept.Checkpoint(context.Background(), rec)
		})
		time.AfterFunc(grace/2+time.Millisecond, func() { close(goOn) })
		return nil
	})
	t.is(r.wait(), nil, "Run, when the handler returned with a checkpoint under way")
	t.is(<-answer, nil, "the Checkpoint that was under way")
	t.check(fmt.Sprint(h.noted()) == fmt.Sprint([]string{"saved", "release " + kept.Name, "close"}),
		"the checkpoint under way, the release and the leaving came as %v", h.noted())
	t.is(<-refused, stream.ErrLost, "Checkpoint after the handler has returned")
	t.is(kept.Checkpoint(t.ctx, rec), stream.ErrLost, "Checkpoint after Run")
	kept.Done(rec)
	for _, err := range kept.Records(t.ctx) {
		t.is(err, stream.ErrLost, "a loop after Run")
	}
	t.savesAtTheEnd(name, c)
}

// savesAtTheEnd has the prefix of Done be saved after the handler, a Done that comes later count for nothing, and the
// return of the handler be judged after that.
func (t *T) savesAtTheEnd(name string, c stream.ConsumerConfig) {
	c = t.another(c)
	c.CheckpointEvery = 1000 * time.Hour
	var late func()
	err := t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		n := 0
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			if n++; n == 4 {
				late = func() { q.Done(rec) }
				break
			}
			q.Done(rec)
		}
		return errPlanned
	}).wait()
	t.is(err, errPlanned, "Run")
	late()
	left := t.left(c, name)
	t.check(slices.Equal(left, []string{"k0/4", "k0/5"}), "after the prefix was saved, %v is left to the group", left)
}

func runSwallowed(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 5)...)
	swallow := func(ctx context.Context, q *stream.Partition) error {
		for rec, err := range q.Records(ctx) {
			if err == nil {
				_ = q.Checkpoint(ctx, rec)
			}
		}
		return nil
	}
	failing := func(times int64) (*hooks, *atomic.Int64) {
		h := t.hooked()
		var left atomic.Int64
		left.Store(times)
		return h, &left
	}
	h, left := failing(1)
	h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
		if left.Add(-1) >= 0 {
			return 0, errPlanned
		}
		return c.Claim.Fetch(ctx, into)
	}
	t.is(t.on(h, t.group(name), swallow).wait(), errPlanned, "Run, when the handler swallowed the error of a Fetch")

	refuse := func(h *hooks, left *atomic.Int64) {
		h.checkpoint = func(c *hookedClaim, ctx context.Context, to stream.Checkpoint) error {
			if left.Add(-1) >= 0 {
				return errPlanned
			}
			return c.Claim.Checkpoint(ctx, to)
		}
	}
	h, left = failing(1000)
	refuse(h, left)
	c := t.group(name)
	c.End = stream.Latest()
	t.is(t.on(h, c, swallow).wait(), errPlanned, "Run, when the handler swallowed the error of a Checkpoint")
	h, left = failing(3)
	refuse(h, left)
	c = t.another(t.group(name))
	c.End = stream.Latest()
	t.is(t.on(h, c, swallow).wait(), nil, "Run, when a later Checkpoint made good what an earlier one could not")

	h, left = failing(1000)
	refuse(h, left)
	c = t.group(name)
	c.CheckpointEvery = 10 * time.Millisecond
	var last error
	err := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
		for rec, err := range q.Records(ctx) {
			if err == nil {
				q.Done(rec)
			}
			last = err
		}
		return nil
	}).wait()
	t.is(err, errPlanned, "Run, when a save in the background failed")
	t.check(errors.Is(last, errPlanned), "the loop's last element after a save in the background failed is %v", last)
}
