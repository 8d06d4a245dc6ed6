package streamtest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func byKeyOrder(t *T) {
	name := t.stream(2)
	recs := numbered(name, 12, 20)
	t.send(recs...)
	p := newTape()
	var busy sync.Map
	var beside, most atomic.Int64
	var mu sync.Mutex
	handle := func(ctx context.Context, rec *stream.Record) error {
		_, twice := busy.LoadOrStore(string(rec.Key), true)
		t.check(!twice, "two records of one key were handled at a time")
		mu.Lock()
		most.Store(max(most.Load(), beside.Add(1)))
		mu.Unlock()
		t.sleep(time.Duration(1+len(rec.Value)%3) * time.Millisecond)
		p.add("", 1, *rec)
		beside.Add(-1)
		busy.Delete(string(rec.Key))
		return nil
	}
	t.is(t.toEnd(t.group(name), stream.ByKey(4, handle)), nil, "Run of ByKey")
	t.exactly(p, recs, "ByKey")
	next := map[string]int{}
	for _, e := range p.entries() {
		t.inKeyOrder(next, e.rec)
	}
	n := int64(len(t.partitionNames(name)))
	t.check(most.Load() > 1 && most.Load() <= 4*n, "ByKey(4) on %d partitions ran at most %d at a time", n, most.Load())
	t.slowKey(name, recs)
	t.ordersSurvive(func(f func(context.Context, *stream.Record) error) stream.Handler { return stream.ByKey(3, f) })
	t.is(t.toEnd(t.group(name), stream.ByKey(0, handle)), stream.ErrInvalid, "Run of ByKey(0)")
}

// slowKey has one key take for ever: all others are handled, and the checkpoint stays before it.
func (t *T) slowKey(name string, recs []*stream.Record) {
	c := t.group(name)
	c.CheckpointEvery = 10 * time.Millisecond
	p := newTape()
	r := t.on(t.Backend, c, stream.ByKey(4, func(ctx context.Context, rec *stream.Record) error {
		if string(rec.Value) == "k5/3" {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		p.add("", 1, *rec)
		return nil
	}))
	t.handled(p, len(recs)-17) // of k5 come only the first three
	t.sleep(50 * time.Millisecond)
	err := t.within(grace+late, "Run, with a key that takes for ever", r.end)
	t.is(err, stream.ErrGrace, "Run, with a key that takes for ever")
	left := map[string]bool{}
	for _, value := range t.left(c, name) {
		left[value] = true
	}
	for i := 3; i < 20; i++ {
		t.check(left[fmt.Sprintf("k5/%d", i)], "the checkpoint has passed k5/%d, which is not done", i)
	}
	t.check(len(left) < len(recs), "nothing was checkpointed although records before the one that takes for ever are done")
}

func byKeyBounded(t *T) {
	const bound = 10_000
	name := t.stream(1)
	first := plain(name, "slow", "slow/0")
	t.send(first)
	for sent := 0; sent < bound+2000; sent += 1000 { // in steps, since a partition takes only so many a second
		var recs []*stream.Record
		for i := range 1000 {
			recs = append(recs, plain(name, fmt.Sprintf("k%d", i%50), "x"))
		}
		t.send(recs...)
	}
	for what, policy := range map[string]stream.Policy{"in its function": {}, "parked": {
		Attempts: 1, Park: true, MaxBackoff: 10 * time.Millisecond, ParkFor: time.Hour,
	}} {
		free := make(chan struct{})
		var handled, fetched atomic.Int64
		h := t.hooked()
		h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
			n, err := c.Claim.Fetch(ctx, into)
			fetched.Add(int64(n))
			return n, err
		}
		p := newTape()
		c := t.group(name)
		c.End = stream.Latest()
		r := t.on(h, c, stream.ByKey(8, func(ctx context.Context, rec *stream.Record) error {
			if string(rec.Key) != "slow" {
				if handled.Add(1) >= bound-1 {
					p.add("", 1, *rec)
				}
				return nil
			}
			select {
			case <-free:
				return nil
			default:
			}
			if policy.Park {
				return errPlanned
			}
			<-free
			return nil
		}, policy))
		t.until(p, "the window is full", func() bool { return len(p.entries()) > 0 })
		t.sleep(100 * time.Millisecond)
		t.check(handled.Load() == bound-1,
			"with the first record %s, %d were read beyond it, want %d", what, handled.Load(), bound-1)
		t.check(fetched.Load() < bound+1000, "with the window full, %d records were fetched", fetched.Load())
		close(free)
		t.is(r.wait(), nil, "Run")
		t.check(handled.Load() == bound+2000, "%d of %d records were handled", handled.Load(), bound+2000)
	}
	t.boundedInBytes()
}

// boundedInBytes has records so large that few of them fill the window.
func (t *T) boundedInBytes() {
	name := t.stream(1)
	limit := t.capabilities(name).MaxRecordBytes.Value
	size := int64(900 << 10)
	if limit > 0 {
		size = min(size, limit-1024)
	}
	const bound = 64 << 20
	n := int(bound/size) + 8
	if n > 200 {
		t.partly("records of at most %d bytes: the window of 64 MiB was not tried", limit)
		return
	}
	value := make([]byte, size)
	for range n {
		t.send(&stream.Record{Stream: name, Key: []byte("k"), Value: value})
	}
	free := make(chan struct{})
	var fetched atomic.Int64
	h := t.hooked()
	h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
		k, err := c.Claim.Fetch(ctx, into[:1])
		fetched.Add(int64(k))
		return k, err
	}
	c := t.group(name)
	c.End = stream.Latest()
	r := t.on(h, c, stream.ByKey(2, func(context.Context, *stream.Record) error { <-free; return nil }))
	for tries := 300; fetched.Load() == 0 && tries > 0; tries-- { // until the first record is there, so much data takes a while
		t.sleep(100 * time.Millisecond)
	}
	t.sleep(2 * time.Second)
	got := fetched.Load()
	t.check(got > 1 && (got-1)*(size+1) <= bound, "with the window full, %d records of %d bytes were fetched", got, size)
	close(free)
	t.is(r.wait(), nil, "Run")
}

func byKeyNoState(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 4)...)
	c := t.group(name)
	t.is(t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		return t.saveOne(ctx, q, func(rec *stream.Record) error { return q.CheckpointState(ctx, rec, []byte("state")) })
	}).wait(), nil, "Run of a handler with a state")
	p := newTape()
	handle := func(_ context.Context, rec *stream.Record) error { p.add("", 1, *rec); return nil }
	t.is(t.toEnd(c, stream.ByKey(2, handle)), stream.ErrInvalid, "Run of ByKey on a partition with a state")
	t.check(len(p.entries()) == 0, "ByKey has handled records of a partition with a state")
	t.check(string(t.savedIn(c, name).State) == "state", "the state is gone")
	t.is(t.toEnd(c, stream.Each(handle)), nil, "Run of Each on a partition with a state")
}
