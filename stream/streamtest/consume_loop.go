package streamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func loopOrder(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 6, 100)...)
	read := t.read(name)
	c := t.group(name)
	next := map[string]int{} // how many of each partition are checkpointed
	for round := range 3 {
		p := newTape()
		t.is(t.toEnd(c, t.inLoops(p, round)), stream.ErrInvalid, "Run, with the last records not checkpointed")
		seen := map[string]int{}
		for _, e := range p.entries() {
			part := e.rec.Partition
			at := next[part] + seen[part]
			seen[part]++
			want := read[part][at]
			t.check(e.rec.Position == want.Position && bytes.Equal(e.rec.Value, want.Value),
				"delivery %d of a hold is %s at %v, want %s at %v", seen[part], e.rec.Value, e.rec.Position, want.Value, want.Position)
		}
		for part := range seen {
			if seen[part] >= 30 {
				next[part] += 30
			}
		}
	}
}

// inLoops reads a partition by turns with Records and Batches, and checkpoints the 30th record that it gets.
func (t *T) inLoops(p *tape, seed int) stream.Handler {
	return func(ctx context.Context, q *stream.Partition) error {
		n := 0
		got := func(recs ...stream.Record) error {
			for i := range recs {
				p.add("", 1, recs[i])
				if n++; n == 30 {
					if err := q.Checkpoint(ctx, &recs[i]); err != nil {
						return err
					}
				}
			}
			return nil
		}
		for turn := seed; !q.Ended(); turn++ {
			take, before := 1+turn*7%13, n
			for rec, err := range q.Records(ctx) {
				if err != nil {
					return err
				}
				if err := got(*rec); err != nil {
					return err
				}
				if take--; take == 0 {
					break
				}
			}
			for recs, err := range q.Batches(ctx, turn%5, 0) {
				if err != nil {
					return err
				}
				if err := got(recs...); err != nil {
					return err
				}
				break
			}
			if n == before {
				return nil // the other partition's end has stopped the run
			}
		}
		return nil
	}
}

func loopEnds(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 10)...)
	partition := t.partitionNames(name)[0]
	h := t.hooked()
	var fail, ownEnds bool
	h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
		if fail {
			return 0, errPlanned
		}
		return c.Claim.Fetch(ctx, into)
	}
	last := func(after func(n int), use func(ctx context.Context, q *stream.Partition, got func(error))) (n int, err error) {
		c := t.group(name)
		c.Member, c.End = t.name("member"), stream.Start{}
		done := make(chan struct{})
		var once sync.Once
		r := t.on(h, c, func(ctx context.Context, q *stream.Partition) error {
			first := false
			once.Do(func() { first = true })
			if !first {
				return nil
			}
			defer close(done)
			use(ctx, q, func(e error) {
				if err = e; e == nil {
					n++
					after(n)
				}
			})
			if ownEnds {
				return nil
			}
			return context.Canceled // one hold is enough
		})
		t.await(done, "the end of a loop")
		_ = r.end()
		return n, err
	}
	records := func(ctx context.Context, q *stream.Partition, got func(error)) {
		for _, err := range q.Records(ctx) {
			got(err)
		}
	}
	n, err := last(func(n int) {
		if n == 4 {
			h.lose(partition)
		}
	}, records)
	t.is(err, stream.ErrLost, "the last element of a lost partition")
	t.check(n == 4, "a loop went on to record %d after its partition was lost at 4", n)

	n, err = last(func(n int) { fail = n >= 10 }, records)
	t.is(err, errPlanned, "the last element when the backend has failed")
	t.check(n == 10, "%d of 10 records came before the failure", n)
	fail, ownEnds = false, true

	var own, rest int
	_, err = last(func(int) {}, func(ctx context.Context, q *stream.Partition, got func(error)) {
		mine, cancel := context.WithCancel(ctx)
		for _, err := range q.Records(mine) {
			if got(err); err == nil {
				if own++; own == 3 {
					cancel()
				}
			}
		}
		cancel()
		mine, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		for recs, err := range q.Batches(mine, 0, 0) {
			got(err)
			rest += len(recs)
		}
	})
	t.is(err, nil, "the last element when the loop's own context has ended")
	t.check(own == 3 && rest == 7, "a loop whose context ended at 3 of 10 records got %d, and the next one %d", own, rest)
	t.endsWhenAsked(name)
}

// endsWhenAsked has a second member come while the first one is in a batch of a partition that moves.
func (t *T) endsWhenAsked(name string) {
	c := t.group(name)
	p := newTape()
	begun := make(chan struct{})
	var after int
	ended := make(chan bool, 1)
	r := t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			p.add("", 1, *rec)
			if len(p.entries()) == 1 {
				close(begun)
			}
			after++
		}
		ended <- q.Ended()
		return nil
	})
	t.await(begun, "the first record")
	t.is(r.end(), nil, "Run")
	t.check(!<-ended, "Ended is true although the partition goes on")
}

func loopOne(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 20)...)
	p := newTape()
	err := t.toEnd(stream.ConsumerConfig{Streams: []string{name}}, func(ctx context.Context, q *stream.Partition) error {
		for rec, err := range q.Records(ctx) {
			t.is(err, nil, "the first loop")
			p.add("", 1, *rec)
			n := 0
			for _, err := range q.Records(ctx) {
				t.is(err, stream.ErrInvalid, "a second loop while one is under way")
				n++
			}
			for _, err := range q.Batches(ctx, 0, 0) {
				t.is(err, stream.ErrInvalid, "a second loop while one is under way")
				n++
			}
			t.check(n == 2, "two loops while one is under way yielded %d elements, want one error each", n)
			if len(p.entries()) == 3 {
				break
			}
		}
		for recs := range q.Batches(ctx, 4, 0) {
			p.add("", 1, recs...)
			if len(p.entries()) >= 7 {
				break
			}
		}
		return p.all("", nil)(ctx, q)
	})
	t.is(err, nil, "Run")
	for i, e := range p.entries() {
		t.check(string(e.rec.Value) == fmt.Sprintf("k0/%d", i), "record %d of several loops is %s", i, e.rec.Value)
	}
	t.check(len(p.entries()) == 20, "several loops got %d of 20 records", len(p.entries()))
}

func recordsStay(t *T) { t.kept(false) }

func batchesReuse(t *T) { t.kept(true) }

// kept keeps every record of a stream, the pointer or a copy, and looks at them when all have been read.
func (t *T) kept(copied bool) {
	name := t.stream(1)
	const n = 2000
	t.send(numbered(name, 20, n/20)...)
	truth := all(t.read(name))
	var kept []*stream.Record
	err := t.toEnd(stream.ConsumerConfig{Streams: []string{name}}, func(ctx context.Context, q *stream.Partition) error {
		if !copied {
			for rec, err := range q.Records(ctx) {
				if err != nil {
					return err
				}
				kept = append(kept, rec)
			}
			return nil
		}
		for recs, err := range q.Batches(ctx, 7, 0) {
			if err != nil {
				return err
			}
			for _, rec := range recs {
				kept = append(kept, &rec)
			}
		}
		return nil
	})
	t.is(err, nil, "Run")
	t.check(len(kept) == len(truth), "%d of %d records came", len(kept), len(truth))
	for i, rec := range kept {
		want := truth[i]
		same := rec.Position == want.Position && bytes.Equal(rec.Key, want.Key) && bytes.Equal(rec.Value, want.Value) &&
			rec.Stream == want.Stream && rec.Partition == want.Partition && rec.Time.Equal(want.Time)
		if !same {
			t.fatal("record %d has changed since it was delivered: %s at %v, want %s at %v",
				i, rec.Value, rec.Position, want.Value, want.Position)
		}
	}
}

func batchesWait(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 10)...)
	const wait = 400 * time.Millisecond
	r := t.start(stream.ConsumerConfig{Streams: []string{name}}, func(ctx context.Context, q *stream.Partition) error {
		n := 0
		for recs, err := range q.Batches(ctx, 4, 0) {
			t.is(err, nil, "Batches")
			t.check(len(recs) > 0 && len(recs) <= 4, "a batch of at most 4 has %d records", len(recs))
			if n += len(recs); n == 10 {
				break
			}
		}
		t.waits(ctx, q, 4, wait, 0)
		t.send(numbered(name, 1, 3)...)
		t.waits(ctx, q, 100, wait, 3)
		t.send(numbered(name, 1, 3)...)
		t.waits(ctx, q, 3, 0, 3)
		t.send(numbered(name, 1, 3)...)
		begun := time.Now()
		for recs, err := range q.Batches(ctx, 0, time.Hour) {
			t.is(err, nil, "Batches")
			t.check(len(recs) > 0, "a batch of any size is empty")
			break
		}
		t.check(time.Since(begun) < 30*time.Minute, "a batch of any size waited for more records")
		return errPlanned
	})
	t.is(r.wait(), errPlanned, "Run")
	for what, use := range map[string]struct {
		most int
		wait time.Duration
	}{"max": {-1, 0}, "wait": {0, -1}} {
		err := t.toEnd(stream.ConsumerConfig{Streams: []string{name}}, func(ctx context.Context, q *stream.Partition) error {
			for _, err := range q.Batches(ctx, use.most, use.wait) {
				return err
			}
			return nil
		})
		t.is(err, stream.ErrInvalid, "Batches with a negative %s", what)
	}
}

// waits takes one batch, which must have want records and come when the wait is over, or at once if it may have no more.
func (t *T) waits(ctx context.Context, q *stream.Partition, most int, wait time.Duration, want int) {
	begun := time.Now()
	for recs, err := range q.Batches(ctx, most, wait) {
		took := time.Since(begun)
		if err != nil && errors.Is(err, stream.ErrLost) {
			return
		}
		t.is(err, nil, "Batches")
		some := wait == 0 && !t.Bubble && len(recs) > 0 && len(recs) < want // who polls may have come between two that were sent
		t.check(len(recs) == want || some, "a batch of at most %d within %v has %d records, want %d", most, wait, len(recs), want)
		t.check(wait == 0 || took >= wait && (!t.Bubble || took == wait), "a batch within %v came after %v", wait, took)
		return
	}
}
