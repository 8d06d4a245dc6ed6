package streamtest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func checkpointAll(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 8, 5)...)
	h := t.hooked()
	var writes atomic.Int64
	h.checkpoint = func(c *hookedClaim, ctx context.Context, to stream.Checkpoint) error {
		writes.Add(1)
		return c.Claim.Checkpoint(ctx, to)
	}
	var mu sync.Mutex
	var foreign *stream.Record
	c := t.group(name)
	c.End = stream.Latest()
	handler := func(ctx context.Context, q *stream.Partition) error {
		var recs []*stream.Record
		for recs2, err := range q.Batches(ctx, 0, 0) {
			if err != nil {
				return err
			}
			for _, rec := range recs2 {
				recs = append(recs, &rec)
			}
		}
		if len(recs) == 0 {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		undelivered := stream.Record{Stream: q.Stream, Partition: q.Name, Position: recs[0].Position}
		for what, rec := range map[string]*stream.Record{
			"no record": nil, "a record of another hold or partition": foreign, "a record that was not delivered": &undelivered,
		} {
			t.is(q.Checkpoint(ctx, rec), stream.ErrInvalid, "Checkpoint of %s", what)
			t.is(q.CheckpointState(ctx, rec, []byte("x")), stream.ErrInvalid, "CheckpointState of %s", what)
		}
		foreign = recs[0]
		last := recs[len(recs)-1]
		before := writes.Load()
		t.is(q.Checkpoint(ctx, last), nil, "Checkpoint")
		t.check(writes.Load() == before+1, "a Checkpoint made %d writes", writes.Load()-before)
		t.is(q.Checkpoint(ctx, recs[0]), nil, "Checkpoint below the saved one")
		t.is(q.Checkpoint(ctx, last), nil, "the same Checkpoint again")
		t.check(writes.Load() == before+1, "Checkpoints at and below the saved one wrote")
		if len(recs) > 1 {
			t.is(q.CheckpointState(ctx, recs[0], []byte("x")), stream.ErrInvalid, "CheckpointState below the saved one")
		}
		//lint:ignore SA1012 a nil context is what is tried
		t.is(q.Checkpoint(nil, last), stream.ErrInvalid, "Checkpoint with a nil context") //nolint:staticcheck
		return nil
	}
	t.is(t.on(h, c, handler).wait(), nil, "Run")
	t.check(len(t.left(c, name)) == 0, "all is checkpointed, and %d records are left", len(t.left(c, name)))
	t.send(numbered(name, 8, 1)...)
	c = t.another(c)
	t.is(t.on(h, c, handler).wait(), nil, "Run of another hold")
}

func checkpointKeeps(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 6)...)
	c := t.group(name)
	states := func() (list []string) {
		t.is(t.toEnd(c, func(ctx context.Context, q *stream.Partition) error {
			for _, s := range q.State() {
				list = append(list, string(s))
			}
			return t.saveOne(ctx, q, func(rec *stream.Record) error { return q.Checkpoint(ctx, rec) })
		}), nil, "Run")
		return list
	}
	once := func(f func(ctx context.Context, q *stream.Partition, rec *stream.Record) error) {
		t.is(t.on(t.Backend, t.another(c), func(ctx context.Context, q *stream.Partition) error {
			return t.saveOne(ctx, q, func(rec *stream.Record) error { return f(ctx, q, rec) })
		}).wait(), nil, "Run")
	}
	t.check(states() == nil, "a group that saved no state has one")
	once(func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
		state := []byte("first")
		err := q.CheckpointState(ctx, rec, state)
		copy(state, "-----") // it is the handler's own again
		return err
	})
	for range 2 { // each saves a record without a state
		t.check(slices.Equal(states(), []string{"first"}), "after Checkpoint the state is not what was saved before")
	}
	once(func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
		return q.CheckpointState(ctx, rec, nil)
	})
	t.check(states() == nil, "a state that was taken back is still there")
}

// saveOne calls f on the first record, and leaves the rest to the next hold.
func (t *T) saveOne(ctx context.Context, q *stream.Partition, f func(rec *stream.Record) error) error {
	for rec, err := range q.Records(ctx) {
		if err != nil {
			return err
		}
		return f(rec)
	}
	return nil
}

func checkpointLost(t *T) {
	name := t.stream(1)
	recs := numbered(name, 1, 10)
	t.send(recs...)
	losses := map[string]func(h *hooks, c stream.ConsumerConfig) error{
		"the backend says so": func(h *hooks, c stream.ConsumerConfig) error { h.lose(t.partitionNames(name)[0]); return nil },
		"the group has expelled it": func(_ *hooks, c stream.ConsumerConfig) error {
			return t.Expel(c.Group, c.Member)
		},
		"it has crashed": func(_ *hooks, c stream.ConsumerConfig) error { return t.Crash(c.Group, c.Member) },
	}
	for what, lose := range losses {
		if what == "the group has expelled it" && t.Expel == nil || what == "it has crashed" && t.Crash == nil {
			t.partly("the harness cannot bring it about that %s", what)
			continue
		}
		for where, kept := range map[string]stream.Checkpointer{"the backend": nil, "a Checkpointer": stream.MemoryCheckpointer()} {
			h := t.hooked()
			c := t.group(name)
			c.Checkpointer = kept
			answers := make(chan error, 3)
			var again atomic.Bool
			r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
				if again.Swap(true) {
					return nil
				}
				n := 0
				var last *stream.Record
				for rec, err := range q.Records(ctx) {
					if err != nil {
						return err
					}
					if last = rec; n == 2 {
						t.is(q.Checkpoint(ctx, rec), nil, "Checkpoint before the loss")
					}
					if n++; n == 6 {
						break
					}
				}
				t.ok(lose(h, c), "losing the partition: %s", what)
				if kept != nil { // it does not know of the loss: the runtime must have learnt of it
					<-ctx.Done()
				}
				answers <- q.Checkpoint(context.Background(), last)
				t.is(context.Cause(ctx), stream.ErrLost, "the context's cause after ErrLost, when %s", what)
				answers <- q.CheckpointState(context.Background(), last, []byte("late"))
				q.Done(last)
				<-ctx.Done()
				return stream.ErrLost
			})
			t.is(<-answers, stream.ErrLost, "Checkpoint in %s when %s", where, what)
			t.is(<-answers, stream.ErrLost, "CheckpointState in %s when %s", where, what)
			_ = r.end()
			t.check(len(t.left(c, name)) == 7, "after a late checkpoint in %s, when %s, %d records are left, want 7",
				where, what, len(t.left(c, name)))
		}
	}
}

func checkpointNowhere(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 2, 5)...)
	c := stream.ConsumerConfig{Streams: []string{name}, CheckpointEvery: time.Millisecond}
	p := newTape()
	for range 2 {
		t.is(t.toEnd(c, p.all("", func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
			t.is(q.Checkpoint(ctx, rec), stream.ErrUnsupported, "Checkpoint without a group")
			t.is(q.CheckpointState(ctx, rec, []byte("x")), stream.ErrUnsupported, "CheckpointState without a group")
			_, _, err := q.Mark(rec, nil)
			t.is(err, stream.ErrUnsupported, "Mark without a Checkpointer")
			return nil
		})), nil, "Run without a group")
	}
	done := func(_ context.Context, rec *stream.Record) error {
		p.add("", p.begin(), *rec)
		t.sleep(2 * time.Millisecond)
		return nil
	}
	t.is(t.toEnd(c, stream.Each(done)), nil, "Run of Each without a group")
	t.is(t.toEnd(c, stream.ByKey(2, done)), nil, "Run of ByKey without a group")
	for value, n := range p.values() {
		t.check(n == 4, "%s came in %d of 4 readings without a group", value, n)
	}
}

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
	t.check(len(left) == 10 && left[0] == "k0/30", "all but the 31st of 40 records are done, and %d are left: %v", len(left), left)
	t.boundedRedelivery(name)
}

// outOfOrder calls Done on all records but the 31st: first on what stands behind the 11th, from many goroutines.
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
		t.check(e.rec.Position.Compare(recs[9].Position) <= 0, "a checkpoint at %v has passed a record that is not done, the 11th", e.rec.Position)
	}
	q.Done(recs[10])
}

// boundedRedelivery crashes a member: the next one gets again at most what was done since the last save.
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
	t.check(redelivered <= 6, "with a save every 100 ms and 30 ms a record, %d records came again after a crash", redelivered)
	t.check(len(after) < 40 && len(before)+len(after)-redelivered == 40, "%d records came before the crash, %d after it, %d twice, want 40 in all",
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

func cancelFirst(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 3)...)
	words := func(c *hookedClaim, ctx context.Context, to stream.Checkpoint) error { return stream.ErrLost }
	for what, use := range map[string]func(ctx context.Context, q *stream.Partition, rec *stream.Record) error{
		"Checkpoint": func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
			return q.Checkpoint(ctx, rec)
		},
		"CheckpointState": func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
			return q.CheckpointState(ctx, rec, []byte("x"))
		},
		"Records": func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
			for _, err := range q.Records(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		h := t.hooked()
		h.checkpoint = words
		fetched := false
		h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
			if fetched {
				return 0, stream.ErrLost
			}
			fetched = true
			return c.Claim.Fetch(ctx, into)
		}
		seen := make(chan struct{})
		r := t.on(h, t.group(name), func(ctx context.Context, q *stream.Partition) error {
			select {
			case <-seen:
				return stream.ErrLost
			default:
				defer close(seen)
			}
			var first *stream.Record
			for rec, err := range q.Records(ctx) {
				if err != nil {
					return err
				}
				first = rec
				break
			}
			err := use(ctx, q, first)
			t.is(err, stream.ErrLost, "%s, when the backend says ErrLost", what)
			t.is(context.Cause(ctx), stream.ErrLost, "the handler's context when %s has returned ErrLost", what)
			return err
		})
		t.await(seen, "the handler")
		t.is(r.end(), nil, "Run")
	}
}
