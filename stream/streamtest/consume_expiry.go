package streamtest

import (
	"context"
	"errors"

	"github.com/streamport-go/streamport/stream"
)

func fetchExpired(t *T) {
	t.needs(t.Trim != nil, "Trim")
	for what, policy := range map[string]string{"fail": "", "oldest": stream.ExpiredOldest, "latest": stream.ExpiredLatest} {
		name := t.stream(1)
		t.send(numbered(name, 1, 10)...)
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

func (t *T) expiresUnder(what, name string, c stream.ConsumerConfig, recs []stream.Record) {
	h := t.hooked()
	h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
		return c.Claim.Fetch(ctx, into[:1]) // nothing is read ahead
	}
	p := newTape()
	c.Observe = p.observe
	r := t.on(h, c, p.all("", func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
		if rec.Position == recs[2].Position {
			t.ok(t.Trim(name, q.Name, recs[6].Position), "Trim")
		}
		return nil
	}))
	switch what {
	case "fail":
		t.expired(r.wait(), recs[2].Position, recs[6].Position, "Run, when records expired under its reader")
		t.expired(t.on(t.Backend, t.another(c), newTape().all("", nil)).wait(), recs[0].Position, recs[6].Position,
			"Run, when the checkpoint has expired")
		t.check(t.savedIn(c, name).Position == recs[0].Position, "the checkpoint has moved by itself")
	case "oldest":
		t.handled(p, 6)
		t.is(r.end(), nil, "Run with ExpiredOldest")
		t.gap(p, recs[2].Position, recs[6].Position)
		t.check(string(p.entries()[2].rec.Value) == "k0/6", "reading goes on with %s", p.entries()[2].rec.Value)
	case "latest":
		t.eventually(p, stream.EventGap, 1)
		t.send(plain(name, "k0", "k0/10"))
		t.handled(p, 3)
		t.is(r.end(), nil, "Run with ExpiredLatest")
		t.check(string(p.entries()[2].rec.Value) == "k0/10", "reading goes on with %s", p.entries()[2].rec.Value)
	}
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
