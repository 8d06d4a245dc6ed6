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

// outOfOrder calls Done on all records but the 31st: first on what stands behind the 11th, from many goroutines.
// boundedRedelivery crashes a member: the next one gets again at most what was done since the last save.
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
