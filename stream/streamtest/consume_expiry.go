package streamtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

func fetchExpired(t *T) {
	t.needs(t.Trim != nil, "Trim")
	for what, policy := range map[string]string{"fail": "", "oldest": stream.ExpiredOldest, "latest": stream.ExpiredLatest} {
		name := t.stream(1)
		t.bulky(name)
		recs := all(t.read(name))
		c := t.group(name)
		t.is(t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
			return t.saveOne(ctx, q, func(rec *stream.Record) error { return q.Checkpoint(ctx, rec) })
		}).wait(), nil, "Run")
		c = t.another(c)
		c.Expired = policy
		t.expiresUnder(what, name, c, recs)
	}
	name := t.stream(1)
	t.send(numbered(name, 1, 5)...)
	recs := all(t.read(name))
	t.ok(t.Trim(name, recs[0].Partition, recs[3].Position), "Trim")
	p := newTape()
	t.is(t.toEnd(t.group(name), p.all("", save)), nil, "Run of a group that begins at the oldest record that is left")
	t.check(len(p.entries()) == 2, "two records are left, and %d came", len(p.entries()))
}

// bulk is how many records a stream has of which some expire under a reader, and trimmed how many those are.
const (
	bulk    = 30
	trimmed = 20
)

// bulky stores records one by one, and makes each so large that a backend whose reading ahead is bounded to twice that
// has not all of them when the first are handled.
func (t *T) bulky(name string) {
	p := t.producer(stream.ProducerConfig{Streams: []string{name}})
	for i := range bulk {
		rec := plain(name, "k0", fmt.Sprintf("k0/%d %8192s", i, ""))
		t.ok(p.Send(t.ctx, rec), "sending a large record")
	}
	t.ok(p.Close(t.ctx), "Producer.Close")
}

// expiresUnder trims the partition under a reader that stands at its third record.
func (t *T) expiresUnder(what, name string, c stream.ConsumerConfig, recs []stream.Record) {
	h := t.hooked()
	h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
		return c.Claim.Fetch(ctx, into[:1]) // package stream reads nothing ahead
	}
	p := newTape()
	c.Observe = p.observe
	r := t.on(h, c, p.all("", func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
		if rec.Position == recs[2].Position {
			t.ok(t.Trim(name, q.Name, recs[trimmed].Position), "Trim")
		}
		if rec.Position == recs[trimmed-1].Position {
			return errPlanned // the backend had all of it before
		}
		return nil
	}))
	if what == "fail" {
		<-r.over
	} else {
		t.until(p, "the gap is met", func() bool { return len(p.told(stream.EventGap)) > 0 || len(p.values()) >= trimmed })
	}
	if len(p.values()) >= trimmed && len(p.told(stream.EventGap)) == 0 {
		t.cannot("the backend had read ahead of all that expired")
	}
	oldest := recs[trimmed].Position
	switch what {
	case "fail":
		t.expired(r.wait(), p.before(oldest), oldest, "Run, when records expired under its reader")
		t.expired(t.on(t.Backend, t.another(c), newTape().all("", nil)).wait(), recs[0].Position, oldest,
			"Run, when the checkpoint has expired")
		t.check(t.savedIn(c, name).Position == recs[0].Position, "the checkpoint has moved by itself")
	case "oldest":
		t.until(p, "the last record is handled", func() bool { return p.values()[string(recs[bulk-1].Value)] > 0 })
		t.is(r.end(), nil, "Run with ExpiredOldest")
		t.gap(p, p.before(oldest), oldest)
		n := len(p.entries()) - (bulk - trimmed)
		t.check(p.entries()[n].rec.Position == oldest, "reading goes on with %.10s", p.entries()[n].rec.Value)
	case "latest":
		t.send(plain(name, "k0", "late"))
		t.until(p, "what came later is handled", func() bool { return p.values()["late"] > 0 })
		t.is(r.end(), nil, "Run with ExpiredLatest")
		for _, e := range p.entries() {
			t.check(e.rec.Position.Compare(oldest) < 0 || string(e.rec.Value) == "late", "reading goes on with %.10s", e.rec.Value)
		}
	}
}

// before is the position of the last record that stands before another position: what a backend had fetched before the
// gap still comes.
func (p *tape) before(at stream.Position) (last stream.Position) {
	for _, e := range p.entries() {
		if e.rec.Position.Compare(at) < 0 {
			last = e.rec.Position
		}
	}
	return last
}

func (t *T) expired(err error, asked, oldest stream.Position, what string) {
	t.is(err, stream.ErrExpired, "%s", what)
	var placed *stream.Error
	if !errors.As(err, &placed) {
		t.fail("%s: no *stream.Error in %v", what, err)
		return
	}
	t.check(placed.Asked.Compare(asked) == 0 && placed.Oldest.Compare(oldest) == 0,
		"%s: asked for what follows %v and %v is left, but the error says %v and %v", what, asked, oldest, placed.Asked, placed.Oldest)
}

func (t *T) gap(p *tape, after, oldest stream.Position) {
	told := p.told(stream.EventGap)
	t.check(len(told) == 1, "a gap was told %d times", len(told))
	for _, e := range told {
		t.check(e.Position.Compare(after) == 0 && e.Oldest.Compare(oldest) == 0,
			"the gap was told as after %v and on at %v, want %v and %v",
			e.Position, e.Oldest, after, oldest)
		t.is(e.Err, stream.ErrExpired, "the cause of the event")
	}
}
