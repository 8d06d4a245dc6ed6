package streamtest

import (
	"context"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func doneAnyOrder(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 40)...)
	h := t.hooked()
	p := newTape()
	h.checkpoint = func(c *hookedClaim, ctx context.Context, to stream.Checkpoint) error {
		p.add("", 1, stream.Record{Position: to.Position})
		return c.Claim.Checkpoint(ctx, to)
	}
	c := t.group(name)
	c.CheckpointEvery = 50 * time.Millisecond
	r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
		var recs []*stream.Record
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			if recs = append(recs, rec); len(recs) < 40 {
				continue
			}
			t.outOfOrder(q, p, recs)
		}
		return nil
	})
	t.until(p, "the prefix is saved to its end", func() bool {
		entries := p.entries()
		return len(entries) > 1 && entries[len(entries)-1].rec.Position.Compare(entries[0].rec.Position) > 0
	})
	t.is(r.end(), nil, "Run")
	left := t.left(c, name)
	t.check(len(left) == 10 && left[0] == "k0/30",
		"all but the 31st of 40 records are done, and %d are left: %v", len(left), left)
	t.boundedRedelivery(name)
}

func (t *T) outOfOrder(q *stream.Partition, p *tape, recs []*stream.Record) {
	var wg sync.WaitGroup
	for i, rec := range recs {
		if i != 10 && i != 30 {
			wg.Go(func() { q.Done(rec); q.Done(rec) }) // twice is once
		}
	}
	wg.Wait()
	t.until(p, "the prefix is saved up to the gap", func() bool { return len(p.entries()) > 0 })
	t.sleep(120 * time.Millisecond)
	for _, e := range p.entries() {
		t.check(e.rec.Position.Compare(recs[9].Position) <= 0,
			"a checkpoint at %v has passed a record that is not done, the 11th", e.rec.Position)
	}
	q.Done(recs[10])
}

func (t *T) boundedRedelivery(name string) {
	if t.Crash == nil {
		t.partly("the harness cannot crash a member: how much is redelivered after a crash was not tried")
		return
	}
	c := t.group(name)
	c.CheckpointEvery = 100 * time.Millisecond
	p := newTape()
	c.Observe = p.observe
	r := t.on(t.Backend, c, stream.Each(func(ctx context.Context, rec *stream.Record) error {
		p.add("first", 1, *rec)
		t.sleep(30 * time.Millisecond)
		return nil
	}))
	t.handled(p, 20)
	t.ok(t.Crash(c.Group, c.Member), "Crash")
	_ = r.wait() // what a crashed member says is nobody's affair
	saves := len(p.told(stream.EventCheckpointed))
	t.check(saves >= 4, "in 600 ms, with a save every 100 ms, the prefix was saved %d times", saves)
	again := newTape()
	t.is(t.toEnd(c, again.all("second", save)), nil, "Run of the member that takes over")
	before, after := p.values(), again.values()
	redelivered := 0
	for value := range after {
		if before[value] > 0 {
			redelivered++
		}
	}
	t.check(redelivered <= 6,
		"with a save every 100 ms and 30 ms a record, %d records came again after a crash", redelivered)
	t.check(len(after) < 40 && len(before)+len(after)-redelivered == 40,
		"%d records came before the crash, %d after it, %d twice, want 40 in all",
		len(before), len(after), redelivered)
}

func doneOnly(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 8, 5)...)
	var mu sync.Mutex // the handlers take turns
	var old stream.Record
	t.is(t.toEnd(stream.ConsumerConfig{Streams: []string{name}}, func(ctx context.Context, q *stream.Partition) error {
		mu.Lock()
		defer mu.Unlock()
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			old = *rec
			break
		}
		return errPlanned
	}), errPlanned, "Run")
	misuses := map[string]func(ctx context.Context, q *stream.Partition, rec *stream.Record){
		"after a Checkpoint": func(ctx context.Context, q *stream.Partition, rec *stream.Record) {
			t.is(q.Checkpoint(ctx, rec), nil, "Checkpoint")
			q.Done(rec)
		},
		"of nil":                      func(_ context.Context, q *stream.Partition, _ *stream.Record) { q.Done(nil) },
		"of a record of another hold": func(_ context.Context, q *stream.Partition, _ *stream.Record) { q.Done(&old) },
		"of a record that was not delivered": func(_ context.Context, q *stream.Partition, rec *stream.Record) {
			q.Done(&stream.Record{Stream: rec.Stream, Partition: rec.Partition, Position: rec.Position})
		},
	}
	for what, misuse := range misuses {
		n := 0
		err := t.on(t.Backend, t.group(name), func(ctx context.Context, q *stream.Partition) error {
			mu.Lock()
			defer mu.Unlock()
			for rec, err := range q.Records(ctx) {
				if err != nil {
					return nil // it comes back from Run all the same
				}
				n++
				misuse(ctx, q, rec)
			}
			return nil
		}).wait()
		t.is(err, stream.ErrInvalid, "Run after Done %s", what)
		t.check(n >= 1 && n <= 2, "%d records came after Done %s", n-1, what)
	}
	c := t.group(name)
	err := t.toEnd(c, func(ctx context.Context, q *stream.Partition) error {
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			q.Done(rec)
			t.is(q.Checkpoint(ctx, rec), stream.ErrInvalid, "Checkpoint after Done")
		}
		return nil
	})
	t.is(err, nil, "Run after a Checkpoint that was refused")
}
