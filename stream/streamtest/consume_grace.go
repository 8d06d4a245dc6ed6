package streamtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// late is what Run may take beyond Grace.
const late = time.Second

func runGrace(t *T) {
	name := t.stream(1)
	recs := numbered(name, 1, 20)
	t.send(recs...)
	t.stopsInABatch(name)
	t.stopsEverywhere(name)
	for what, handler := range t.stuck() {
		h := t.hooked()
		free := make(chan struct{})
		h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
			if what == "Fetch that ends with Release only" {
				<-c.released
				return 0, stream.ErrLost
			}
			return c.Claim.Fetch(ctx, into)
		}
		h.checkpoint = func(c *hookedClaim, ctx context.Context, to stream.Checkpoint) error {
			<-c.released
			return stream.ErrLost
		}
		hang := func(ctx context.Context) { <-ctx.Done() }
		h.release = func(c *hookedClaim, ctx context.Context, finished bool) error {
			hang(ctx)
			return c.Claim.Release(t.ctx, finished)
		}
		h.leave = hang
		p := newTape()
		c := t.group(name)
		c.Observe = p.observe
		r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error { return handler(ctx, q, free) })
		t.eventually(p, stream.EventGranted, 1)
		t.sleep(100 * time.Millisecond)
		err := t.within(grace+late, "Run, with a stuck "+what, r.end)
		t.is(err, stream.ErrGrace, "Run, with a stuck %s", what)
		t.check(err != nil && strings.Contains(err.Error(), name+"/"), "Run's error names no partition: %v", err)
		close(free)
	}
}

// stuck are handlers that do not come back in time; free lets those go that nothing else does.
func (t *T) stuck() map[string]func(ctx context.Context, q *stream.Partition, free <-chan struct{}) error {
	return map[string]func(context.Context, *stream.Partition, <-chan struct{}) error{
		"handler": func(_ context.Context, _ *stream.Partition, free <-chan struct{}) error { <-free; return nil },
		"Checkpoint": func(ctx context.Context, q *stream.Partition, free <-chan struct{}) error {
			for rec := range q.Records(ctx) {
				_ = q.Checkpoint(context.Background(), rec)
				<-free
			}
			return nil
		},
		"Fetch that ends with Release only": func(ctx context.Context, q *stream.Partition, _ <-chan struct{}) error {
			for _, err := range q.Records(ctx) {
				return err
			}
			return nil
		},
		"handler that goes when its context is cancelled": func(ctx context.Context, _ *stream.Partition, _ <-chan struct{}) error {
			<-ctx.Done()
			t.is(context.Cause(ctx), stream.ErrGrace, "the cause of the context")
			return nil
		},
	}
}

// stopsInABatch stops the run while a handler is at its third record: the loop ends there, and checkpoints still work.
func (t *T) stopsInABatch(name string) {
	c := t.group(name)
	three, stopped := make(chan struct{}), make(chan struct{})
	p := newTape()
	r := t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		var last *stream.Record
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			p.add("", 1, *rec)
			if last = rec; len(p.entries()) == 3 {
				close(three)
				<-stopped
				<-time.After(grace / 2)
			}
		}
		t.is(ctx.Err(), nil, "the handler's context within Grace")
		t.check(!q.Ended(), "Ended is true although the run stops")
		return q.Checkpoint(ctx, last)
	})
	t.await(three, "three records")
	r.stop()
	close(stopped)
	t.is(r.wait(), nil, "Run, stopped within a batch")
	t.check(len(p.entries()) == 3, "the loop went on to record %d after the run was stopped at 3", len(p.entries()))
	left := t.left(c, name)
	t.check(len(left) == 17 && left[0] == "k0/3", "after a checkpoint at the third of 20 records, %d are left", len(left))
}

// stopsEverywhere stops the run in each place where a handler can wait: all of them end at once.
func (t *T) stopsEverywhere(name string) {
	failing := func(context.Context, *stream.Record) error { return errPlanned }
	slow := stream.Policy{Attempts: 1000, Backoff: time.Hour, MaxBackoff: time.Hour, ParkFor: 24 * time.Hour}
	parking := slow
	parking.Attempts, parking.Park = 1, true
	batches := func(ctx context.Context, q *stream.Partition) error {
		for recs, err := range q.Batches(ctx, 1000, time.Hour) {
			t.fail("a batch of %d records, and error %v, came out although the run was stopped", len(recs), err)
		}
		return nil
	}
	for what, h := range map[string]stream.Handler{
		"in the back-off of Each": stream.Each(failing, slow), "in the back-off of ByKey": stream.ByKey(3, failing, slow),
		"with a parked key": stream.ByKey(3, failing, parking), "in Each with a parked key": stream.Each(failing, parking),
		"while a batch is gathered":   batches,
		"while it waits for a record": newTape().all("", save),
	} {
		for end, at := range map[string]stream.Start{"going on": {}, "at an end": stream.Latest()} {
			c := t.group(name)
			c.End = at
			p := newTape()
			c.Observe = p.observe
			if what == "while a batch is gathered" || what == "while it waits for a record" {
				c.End = stream.Start{}
			}
			r := t.on(t.Backend, c, h)
			t.eventually(p, stream.EventDelivered, 1)
			t.sleep(50 * time.Millisecond)
			err := t.within(grace/5, "Run, stopped "+what, r.end)
			t.is(err, nil, "Run, %s, stopped %s", end, what)
		}
	}
}

func runCause(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 3)...)
	h := t.hooked()
	p := newTape()
	c := t.group(name)
	c.Observe = p.observe
	causes := make(chan error, 10)
	handler := func(ctx context.Context, q *stream.Partition) error {
		err := p.all("", nil)(ctx, q)
		select {
		case <-ctx.Done():
		default:
			causes <- ctx.Err()
			return err
		}
		causes <- context.Cause(ctx)
		return err
	}
	r := t.on(h, c, handler)
	t.handled(p, 3)
	h.lose(t.partitionNames(name)[0])
	t.is(<-causes, stream.ErrLost, "the cause when the partition was lost")
	t.eventually(p, stream.EventGranted, 2)
	second := t.on(t.Backend, t.another(c), newTape().all("", nil))
	t.is(r.end(), nil, "Run, with a partition lost and granted again")
	t.is(<-causes, nil, "the cause when the run stops")
	t.is(second.end(), nil, "Run of another member")
}

func runStuck(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 3)...)
	h := t.hooked()
	p := newTape()
	free := make(chan struct{})
	cause := make(chan error, 1)
	r := t.on(h, t.group(name), func(ctx context.Context, q *stream.Partition) error {
		for rec := range q.Records(ctx) {
			p.add("", 1, *rec)
			<-free
			break
		}
		cause <- context.Cause(ctx)
		return nil
	})
	t.handled(p, 1)
	partition := t.partitionNames(name)[0]
	h.lose(partition)
	err := t.within(grace+late, "Run, with a handler that goes on after its partition was lost", r.wait)
	t.check(err != nil && strings.Contains(err.Error(), name+"/"+partition), "Run's error names no partition: %v", err)
	var placed *stream.Error
	t.check(errors.As(err, &placed) && placed.Partition == partition, "Run's error is not placed: %v", err)
	t.check(!errors.Is(err, stream.ErrLost), "the loss is not the fault, but Run says so: %v", err)
	close(free)
	t.is(<-cause, stream.ErrLost, "the cause of the handler's context")
}

func runReleases(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 4, 3)...)
	parts := t.partitionNames(name)
	for _, what := range []string{"a clean stop", "a stuck handler", "an error", "a panic"} {
		h := t.hooked()
		p := newTape()
		c := t.group(name)
		c.Observe = p.observe
		free := make(chan struct{})
		r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
			for _, err := range q.Records(ctx) {
				switch {
				case err != nil:
					return err
				case what == "an error" && len(p.told(stream.EventGranted)) == len(parts):
					return errPlanned
				case what == "a panic" && len(p.told(stream.EventGranted)) == len(parts):
					panic("planned")
				}
			}
			if what == "a stuck handler" {
				<-free
			}
			return nil
		})
		t.eventually(p, stream.EventGranted, len(parts))
		if what == "a clean stop" || what == "a stuck handler" {
			r.stop()
		} else {
			t.send(numbered(name, 8, 1)...)
		}
		_ = r.wait() // other rules judge it
		close(free)
		calls := h.noted()
		last := len(calls) - 1
		t.check(slices.Index(calls, "close") == last, "after %s the calls were %v", what, calls)
		t.check(last == len(parts), "after %s not every partition was released, once: %v", what, calls)
	}
}
