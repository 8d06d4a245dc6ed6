package streamtest

import (
	"context"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// RunCheckpointer proves a Checkpointer against the rules of stream.Checkpointer: one subtest for each. Open opens one
// that keeps nothing yet, and is called once for each subtest.
func RunCheckpointer(t *testing.T, open func(t testing.TB) stream.Checkpointer) {
	t.Helper()
	checks := checkpointerChecks()
	for _, r := range checkpointerRules() {
		t.Run(r.name, func(tb *testing.T) {
			kept := open(tb)
			t := &T{ctx: tb.Context(), rule: r}
			t.guard(func() { checks[r.name](t, kept) })
			v := verdict{rule: r, failures: t.failures}
			if len(v.failures) > 0 {
				tb.Error(v.text())
			}
		})
	}
}

func checkpointerChecks() map[string]func(t *T, kept stream.Checkpointer) {
	return map[string]func(*T, stream.Checkpointer){
		"AcquireBumps": (*T).acquires, "LoadReads": (*T).loads, "SaveFenced": (*T).fences, "SaveForward": (*T).saves,
	}
}

// checkpointers are those of package stream, each empty.
func (t *T) checkpointers() map[string]stream.Checkpointer {
	dir, err := os.MkdirTemp("", "streamtest")
	t.ok(err, "making a directory")
	t.cleanup(func() { _ = os.RemoveAll(dir) })
	return map[string]stream.Checkpointer{
		"MemoryCheckpointer": stream.MemoryCheckpointer(), "FileCheckpointer": stream.FileCheckpointer(dir),
	}
}

func acquireBumps(t *T) {
	for _, kept := range t.checkpointers() {
		t.acquires(kept)
		t.startKept(kept)
		t.followsCheckpointer(kept)
	}
}

func loadReads(t *T) {
	for _, kept := range t.checkpointers() {
		t.loads(kept)
	}
}

func saveFenced(t *T) {
	for _, kept := range t.checkpointers() {
		t.fences(kept)
		t.zombie(kept)
	}
}

func saveForward(t *T) {
	for _, kept := range t.checkpointers() {
		t.saves(kept)
	}
}

func key(partition string) stream.CheckpointKey {
	return stream.CheckpointKey{Group: "streamtest", Stream: "a/b \"c\" é", Partition: partition}
}

// position is any position.
func position(n uint64) stream.Position { return stream.MakePosition([3]uint64{n, 1, n}, uint32(n), 7) }

func (t *T) acquire(kept stream.Checkpointer, k stream.CheckpointKey) stream.Checkpoint {
	c, err := kept.Acquire(t.ctx, k)
	t.ok(err, "Acquire")
	return c
}

func (t *T) load(kept stream.Checkpointer, k stream.CheckpointKey) stream.Checkpoint {
	c, err := kept.Load(t.ctx, k)
	t.ok(err, "Load")
	return c
}

func equal(a, b stream.Checkpoint) bool {
	return a.Position == b.Position && a.Epoch == b.Epoch && string(a.State) == string(b.State) && (a.State == nil) == (b.State == nil)
}

func (t *T) acquires(kept stream.Checkpointer) {
	k := key("acquires")
	got := t.acquire(kept, k)
	t.check(equal(got, stream.Checkpoint{Epoch: 1}), "the first Acquire gave %+v, want epoch 1 and nothing saved", got)
	saved := stream.Checkpoint{Position: position(7), Epoch: 1, State: []byte{0, 255, '"'}}
	t.is(kept.Save(t.ctx, k, saved), nil, "Save")
	saved.Epoch = 2
	got = t.acquire(kept, k)
	t.check(equal(got, saved), "Acquire gave %+v, want what was saved under the next epoch", got)
	t.check(equal(t.load(kept, k), saved), "the epoch is not stored: %+v", t.load(kept, k))
	t.is(kept.Save(t.ctx, k, stream.Checkpoint{Position: position(8), Epoch: 1}), stream.ErrLost,
		"Save of the holder before")
	t.check(t.acquire(kept, key("another")).Epoch == 1, "the epoch of one partition counts for another")
	const many = 20
	var mu sync.Mutex
	epochs := map[int64]bool{}
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			c, err := kept.Acquire(t.ctx, k)
			t.is(err, nil, "Acquire beside others")
			mu.Lock()
			defer mu.Unlock()
			epochs[c.Epoch] = true
		})
	}
	wg.Wait()
	t.check(len(epochs) == many, "%d Acquires at a time gave %d epochs", many, len(epochs))
}

func (t *T) loads(kept stream.Checkpointer) {
	k := key("loads")
	for range 2 {
		t.check(equal(t.load(kept, k), stream.Checkpoint{}), "Load of what is not stored gave %+v", t.load(kept, k))
	}
	t.check(t.acquire(kept, k).Epoch == 1, "Load has stored something")
	want := stream.Checkpoint{Position: position(3), Epoch: 1, State: []byte("s")}
	t.is(kept.Save(t.ctx, k, want), nil, "Save")
	got := t.load(kept, k)
	got.State[0] = 'X'
	t.check(equal(t.load(kept, k), want), "Load gave %+v, want what was saved", t.load(kept, k))
	t.is(kept.Save(t.ctx, k, want), nil, "Save after Load, at the same epoch")
	t.check(equal(t.load(kept, key("other")), stream.Checkpoint{}), "one partition's checkpoint is another's")
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	_, err := kept.Load(ctx, k)
	t.is(err, context.Canceled, "Load when its context has ended")
}

func (t *T) fences(kept stream.Checkpointer) {
	k := key("fences")
	t.is(kept.Save(t.ctx, k, stream.Checkpoint{Position: position(1), Epoch: 1}), stream.ErrLost,
		"Save of what was never acquired")
	t.acquire(kept, k)
	t.acquire(kept, k)
	want := stream.Checkpoint{Position: position(5), Epoch: 2, State: []byte("a")}
	t.is(kept.Save(t.ctx, k, want), nil, "Save at the stored epoch")
	for _, epoch := range []int64{-1, 0, 1, 3} {
		late := stream.Checkpoint{Position: position(9), Epoch: epoch, State: []byte("late")}
		t.is(kept.Save(t.ctx, k, late), stream.ErrLost, "Save at epoch %d, where 2 is stored", epoch)
	}
	t.check(equal(t.load(kept, k), want), "a refused Save has changed what is stored to %+v", t.load(kept, k))
	var wg sync.WaitGroup
	var last atomic.Int64
	for range 8 { // acquire and save beside each other: whoever saves holds the epoch that is stored
		wg.Go(func() {
			c, err := kept.Acquire(t.ctx, k)
			t.is(err, nil, "Acquire")
			if kept.Save(t.ctx, k, stream.Checkpoint{Position: position(10), Epoch: c.Epoch, State: []byte{byte(c.Epoch)}}) == nil {
				last.Store(max(last.Load(), c.Epoch))
			}
		})
	}
	wg.Wait()
	got := t.load(kept, k)
	t.check(got.Epoch == 10, "after 10 Acquires the epoch is %d", got.Epoch)
}

func (t *T) saves(kept stream.Checkpointer) {
	k := key("saves")
	t.acquire(kept, k)
	want := stream.Checkpoint{Position: position(5), Epoch: 1, State: []byte("a")}
	t.is(kept.Save(t.ctx, k, want), nil, "Save")
	for _, back := range []stream.Position{position(4), {}, stream.MakePosition([3]uint64{5, 1, 5}, 4, 9)} {
		t.is(kept.Save(t.ctx, k, stream.Checkpoint{Position: back, Epoch: 1, State: []byte("b")}), stream.ErrInvalid,
			"Save at %v, where %v is stored", back, want.Position)
	}
	t.check(equal(t.load(kept, k), want), "a refused Save has changed what is stored to %+v", t.load(kept, k))
	for i, state := range [][]byte{nil, {}, []byte("c")} {
		want = stream.Checkpoint{Position: position(uint64(6 + i/2)), Epoch: 1, State: state}
		t.is(kept.Save(t.ctx, k, want), nil, "Save at the stored position or beyond")
		t.check(equal(t.load(kept, k), want), "Load gave %+v, want %+v", t.load(kept, k), want)
	}
}

// startKept has a group that begins at the latest record stop before its first checkpoint: nothing is skipped.
func (t *T) startKept(kept stream.Checkpointer) {
	name := t.stream(1)
	t.send(plain(name, "k0", "k0/0"))
	t.apart()
	c := t.group(name)
	c.Checkpointer, c.Start = kept, stream.Latest()
	p := newTape()
	c.Observe = p.observe
	r := t.on(t.Backend, c, newTape().all("", nil))
	t.eventually(p, stream.EventGranted, 1)
	t.is(r.end(), nil, "Run")
	t.send(plain(name, "k0", "k0/1"))
	c.Observe = nil
	got := newTape()
	t.is(t.toEnd(c, got.all("", save)), nil, "Run of the next member")
	_, wanted := got.values()["k0/1"]
	t.check(wanted && len(got.values()) == 1,
		"a group that began at the end got %v, want only what came later", got.values())
}

// followsCheckpointer has the Checkpointer know better than the backend where to read on.
func (t *T) followsCheckpointer(kept stream.Checkpointer) {
	name := t.stream(1)
	t.send(numbered(name, 1, 10)...)
	recs := all(t.read(name))
	c := t.group(name)
	c.Checkpointer = kept
	k := stream.CheckpointKey{Group: c.Group, Stream: name, Partition: recs[0].Partition}
	t.acquire(kept, k)
	t.is(kept.Save(t.ctx, k, stream.Checkpoint{Position: recs[5].Position, Epoch: 1, State: []byte("six")}), nil, "Save")
	h := t.hooked()
	p := newTape()
	c.End = stream.Latest()
	err := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
		t.check(len(q.State()) == 1 && string(q.State()[0]) == "six",
			"State is %q, want what the Checkpointer keeps", q.State())
		return p.all("", save)(ctx, q)
	}).wait()
	t.is(err, nil, "Run")
	t.check(len(p.entries()) == 4 && string(p.entries()[0].rec.Value) == "k0/6",
		"the Checkpointer keeps the sixth of ten records, and %d came", len(p.entries()))
	t.check(slices.Index(h.noted(), "seek "+recs[0].Partition) == 0, "the claim was not told by Seek: %v", h.noted())
	got := t.load(kept, k)
	t.check(got.Epoch == 2 && got.Position == recs[9].Position, "one hold later %+v is stored", got)
}

// zombie has somebody else acquire the partition while a handler is at work.
func (t *T) zombie(kept stream.Checkpointer) {
	name := t.stream(1)
	t.send(numbered(name, 1, 6)...)
	recs := all(t.read(name))
	c := t.group(name)
	c.Checkpointer = kept
	k := stream.CheckpointKey{Group: c.Group, Stream: name, Partition: recs[0].Partition}
	p := newTape()
	c.Observe = p.observe
	late := make(chan error, 1)
	var first atomic.Bool
	first.Store(true)
	r := t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		if !first.Swap(false) {
			return p.all("again", save)(ctx, q)
		}
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			if rec.Position != recs[3].Position {
				t.is(q.Checkpoint(ctx, rec), nil, "Checkpoint")
				continue
			}
			t.acquire(kept, k)
			err := q.Checkpoint(ctx, rec)
			late <- err
			return err
		}
		return nil
	})
	t.is(<-late, stream.ErrLost, "Checkpoint of a zombie")
	got := t.load(kept, k)
	t.check(got.Position == recs[2].Position, "a zombie's checkpoint was stored: %v", got.Position)
	t.handled(p, 3)
	t.check(string(p.entries()[0].rec.Value) == "k0/3", "the next hold began with %s, want k0/3", p.entries()[0].rec.Value)
	regrant := p.told(stream.EventRegrant)
	t.check(len(regrant) == 1 && regrant[0].Duration == 100*time.Millisecond, "a loss in words was told as %v", regrant)
	t.is(r.end(), nil, "Run")
}
