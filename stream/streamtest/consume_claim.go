package streamtest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// ten makes a stream of one partition with ten records, a member of a new group, and its claim.
func (t *T) ten() (recs []stream.Record, c stream.SourceConfig, s stream.Source, claim stream.Claim) {
	name := t.stream(1)
	t.send(numbered(name, 1, 10)...)
	recs = all(t.read(name))
	c = t.sourceConfig(t.name("group"), name)
	s = t.source(c)
	return recs, c, s, t.next(s)
}

// take fetches n records or ends the rule.
func (t *T) take(claim stream.Claim, n int) []stream.Record {
	var recs []stream.Record
	for len(recs) < n {
		into := make([]stream.Record, n-len(recs))
		got, err := claim.Fetch(t.ctx, into)
		t.ok(err, "Fetch of record %d", len(recs)+1)
		recs = append(recs, into[:got]...)
	}
	return recs
}

// successor is the claim of another member of the group, when the first one has left.
func (t *T) successor(c stream.SourceConfig) stream.Claim {
	c.Member = t.name("member")
	return t.next(t.source(c))
}

func seekOnce(t *T) {
	recs, c, s, claim := t.ten()
	t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[7].Position}), nil, "Checkpoint")
	t.is(claim.Release(t.ctx, false), nil, "Release")
	t.is(s.Close(t.ctx), nil, "Source.Close")
	c.External, c.Member = true, t.name("member")
	s = t.source(c)
	claim = t.next(s)
	t.is(claim.Seek(t.ctx, recs[2].Position), nil, "Seek")
	got := t.take(claim, 7)
	t.check(got[0].Position == recs[3].Position, "after a Seek to the third record comes %s", got[0].Value)
	t.is(claim.Release(t.ctx, false), nil, "Release")

	h := t.hooked()
	h.fetch = func(c *hookedClaim, ctx context.Context, into []stream.Record) (int, error) {
		h.note("fetch")
		return c.Claim.Fetch(ctx, into)
	}
	d := t.group(recs[0].Stream)
	d.Checkpointer = stream.MemoryCheckpointer()
	k := stream.CheckpointKey{Group: d.Group, Stream: d.Streams[0], Partition: recs[0].Partition}
	t.acquire(d.Checkpointer, k)
	t.is(d.Checkpointer.Save(t.ctx, k, stream.Checkpoint{Position: recs[4].Position, Epoch: 1}), nil, "Save")
	d.End = stream.Latest()
	p := newTape()
	t.is(t.on(h, d, p.all("", save)).wait(), nil, "Run with a Checkpointer")
	seeks := slices.DeleteFunc(h.noted(), func(call string) bool { return !strings.HasPrefix(call, "seek") })
	t.check(len(seeks) == 1 && strings.HasPrefix(h.noted()[0], "seek"), "Seek was not called once and first: %v", h.noted())
	t.check(len(p.entries()) == 5, "five records stand behind what the Checkpointer keeps, and %d came", len(p.entries()))
}

func fetchOrder(t *T) {
	recs, c, s, claim := t.ten()
	at := 0
	for _, room := range []int{1, 3, 100, 100} {
		into := make([]stream.Record, room)
		for i := range into { // what was there before must be gone
			into[i] = stream.Record{Key: []byte("old"), Value: []byte("old"), Headers: []stream.Header{{Key: "old"}}, Partition: "old"}
		}
		ended, cancel := context.WithCancel(t.ctx)
		cancel()
		if n, err := claim.Fetch(ended, make([]stream.Record, 5)); err == nil || n != 0 {
			t.fail("Fetch, when its context had ended, returned %d records and %v", n, err)
		}
		n, err := claim.Fetch(t.ctx, into)
		t.ok(err, "Fetch")
		t.check(n > 0 && n <= room, "Fetch into %d records returned %d and no error", room, n)
		for _, rec := range into[:n] {
			want := recs[at]
			same := rec.Position == want.Position && string(rec.Key) == "k0" && string(rec.Value) == string(want.Value) &&
				len(rec.Headers) == 0 && rec.Partition == want.Partition && rec.Stream == want.Stream && rec.Time.Equal(want.Time)
			t.check(same, "record %d is %s: %s, want %s", at, rec.Key, rec.Value, want.Value)
			at++
		}
		if at == 10 {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.ctx, 200*time.Millisecond)
	defer cancel()
	n, err := claim.Fetch(ctx, make([]stream.Record, 5))
	t.check(n == 0 && errors.Is(err, context.DeadlineExceeded), "Fetch, with nothing to read, returned %d records and %v", n, err)
	t.send(plain(c.Streams[0], "k0", "k0/10"))
	t.check(string(t.take(claim, 1)[0].Value) == "k0/10", "a record that came later is not the next")
	t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[6].Position}), nil, "Checkpoint")
	t.is(claim.Release(t.ctx, false), nil, "Release")
	t.is(s.Close(t.ctx), nil, "Source.Close")
	next := t.successor(c)
	t.check(next.Hold().Saved.Position == recs[6].Position, "the next claim's Saved is %v", next.Hold().Saved.Position)
	t.check(string(t.take(next, 1)[0].Value) == "k0/7", "the first record is not right after the checkpoint")
}

func fetchEnd(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 6, 3)...)
	c := t.sourceConfig(t.name("group"), name)
	first := t.source(c)
	claims := []stream.Claim{t.next(first), t.next(first)}
	answers := make(chan struct {
		asked bool
		err   error
	}, 2)
	for _, claim := range claims {
		go func() {
			var err error
			for err == nil {
				_, err = claim.Fetch(t.ctx, make([]stream.Record, 10))
			}
			asked := false
			select {
			case <-claim.Hold().Asked:
				asked = true
			default:
			}
			answers <- struct {
				asked bool
				err   error
			}{asked, err}
		}()
	}
	c.Member = t.name("member")
	second := t.source(c)
	answer := <-answers
	t.check(errors.Is(answer.err, io.EOF), "Fetch of a partition that is asked back: want io.EOF, got %v", answer.err)
	t.check(answer.asked, "Fetch returned io.EOF before Asked was closed")
	for _, claim := range claims {
		select {
		case <-claim.Hold().Asked:
			t.is(claim.Release(t.ctx, false), nil, "Release")
		default:
		}
	}
	t.next(second)
	end := t.sourceConfig("", name)
	end.End = stream.Latest()
	claim := t.next(t.source(end))
	var err error
	for n := 0; err == nil; n++ {
		_, err = claim.Fetch(t.ctx, make([]stream.Record, 10))
		t.check(n < 100, "the end does not come")
	}
	t.check(errors.Is(err, io.EOF), "Fetch at the end: want io.EOF, got %v", err)
	select {
	case <-claim.Hold().Asked:
		t.fail("Asked is closed at the end of a reading")
	default:
	}
}

func fetchLost(t *T) {
	recs, c, s, claim := t.ten()
	t.take(claim, 10)
	waiting := make(chan error, 1)
	go func() {
		_, err := claim.Fetch(t.ctx, make([]stream.Record, 1))
		waiting <- err
	}()
	t.sleep(10 * time.Millisecond)
	t.is(claim.Release(t.ctx, false), nil, "Release")
	t.is(<-waiting, stream.ErrLost, "a Fetch that was waiting at Release")
	_, err := claim.Fetch(t.ctx, make([]stream.Record, 1))
	t.is(err, stream.ErrLost, "Fetch after Release")
	t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[3].Position}), stream.ErrLost, "Checkpoint after Release")
	t.is(s.Close(t.ctx), nil, "Source.Close")
	losses := map[string]func(group, member string) error{"a crash": t.Crash, "an expulsion": t.Expel}
	for what, lose := range losses {
		if lose == nil {
			t.partly("the harness cannot bring about %s", what)
			continue
		}
		c.Member = t.name("member")
		s := t.source(c)
		claim := t.next(s)
		t.take(claim, 10)
		go func() {
			_, err := claim.Fetch(t.ctx, make([]stream.Record, 1))
			waiting <- err
		}()
		t.sleep(10 * time.Millisecond)
		t.ok(lose(c.Group, c.Member), "%s", what)
		t.is(<-waiting, stream.ErrLost, "a Fetch that was waiting at %s", what)
		t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[3].Position}), stream.ErrLost, "Checkpoint after %s", what)
		if what == "a crash" {
			_, err := s.Next(t.ctx)
			t.is(err, stream.ErrClosed, "Next after a crash")
			t.is(t.Crash(c.Group, c.Member), stream.ErrNotFound, "a second crash")
		}
		t.is(claim.Release(t.ctx, false), nil, "Release after %s", what)
		t.is(s.Close(t.ctx), nil, "Source.Close after %s", what)
	}
}

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

// expiresUnder trims the partition under a reader that stands at its third record, and again before the next one comes.
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

// expired fails unless err says what was asked and what is left.
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
		t.check(e.Position.Compare(after) == 0 && e.Oldest.Compare(oldest) == 0, "the gap was told as after %v and on at %v, want %v and %v",
			e.Position, e.Oldest, after, oldest)
		t.is(e.Err, stream.ErrExpired, "the cause of the event")
	}
}

func checkpointFenced(t *T) {
	recs, c, s, claim := t.ten()
	to := func(i int) stream.Checkpoint {
		return stream.Checkpoint{Position: recs[i].Position, State: []byte{byte(i)}}
	}
	t.is(claim.Checkpoint(t.ctx, to(2)), nil, "Checkpoint")
	t.is(claim.Release(t.ctx, false), nil, "Release")
	late := func(claim stream.Claim, when string) {
		t.is(claim.Checkpoint(t.ctx, to(7)), stream.ErrLost, "Checkpoint %s", when)
	}
	late(claim, "after Release")
	again := t.next(s)
	t.check(again.Hold().Saved.Position == recs[2].Position, "a refused checkpoint is stored: %v", again.Hold().Saved.Position)
	late(claim, "of an earlier claim of the same member")
	t.is(again.Checkpoint(t.ctx, to(3)), nil, "Checkpoint of the present claim")
	t.is(s.Close(t.ctx), nil, "Source.Close")
	next := t.successor(c)
	late(again, "when its member has left")
	saved := next.Hold().Saved
	t.check(saved.Position == recs[3].Position && string(saved.State) == "\x03", "the next claim's Saved is %+v", saved)
	t.zombies(c.Streams[0], recs)
}

// zombies lose their partition without knowing, and somebody else has it.
func (t *T) zombies(name string, recs []stream.Record) {
	if t.Expel != nil {
		c := t.sourceConfig(t.name("group"), name)
		s := t.source(c)
		claim := t.next(s)
		t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[1].Position}), nil, "Checkpoint")
		t.ok(t.Expel(c.Group, c.Member), "Expel")
		next := t.successor(c)
		t.fenced(claim, next, recs, "of a member that was expelled")
	} else {
		t.partly("the harness cannot expel a member")
	}
	if t.Pause == nil || t.Resume == nil || t.Pass == nil {
		t.partly("the harness cannot pause and resume a member")
		return
	}
	c := t.sourceConfig(t.name("group"), name)
	s := t.source(c)
	claim := t.next(s)
	t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[1].Position}), nil, "Checkpoint")
	t.ok(t.Pause(c.Group, c.Member), "Pause")
	next := t.successor(c) // when its session is over
	t.ok(t.Resume(c.Group, c.Member), "Resume")
	t.fenced(claim, next, recs, "of a member that slept through its session")
	t.await(claim.Hold().Lost, "the loss of a member that slept through its session")
}

// fenced has the former holder and the present one save: only the present one's counts.
func (t *T) fenced(former, present stream.Claim, recs []stream.Record, what string) {
	t.check(present.Hold().Saved.Position == recs[1].Position, "the next claim's Saved is %v", present.Hold().Saved.Position)
	t.is(former.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[8].Position}), stream.ErrLost, "Checkpoint %s", what)
	t.is(present.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[4].Position}), nil, "Checkpoint of the present holder")
	t.is(former.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[8].Position}), stream.ErrLost, "Checkpoint %s", what)
	t.is(former.Release(t.ctx, true), nil, "Release %s", what)
	got := t.take(present, 1)
	t.check(got[0].Position == recs[2].Position, "the present holder was moved to %s", got[0].Value)
	t.is(present.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[5].Position}), nil, "Checkpoint of the present holder")
}

func checkpointWhole(t *T) {
	recs, c, s, claim := t.ten()
	limit := t.capabilities(c.Streams[0]).MaxStateBytes
	at := stream.Checkpoint{Position: recs[4].Position, State: []byte("state \x00\xff")}
	if limit.Value < 0 {
		t.is(claim.Checkpoint(t.ctx, at), stream.ErrTooLarge, "Checkpoint with a state, which is not claimed")
		t.notClaimed("MaxStateBytes")
	}
	t.is(claim.Checkpoint(t.ctx, at), nil, "Checkpoint with a state")
	if limit.Value > 0 {
		full := stream.Checkpoint{Position: recs[5].Position, State: make([]byte, limit.Value)}
		for i := range full.State {
			full.State[i] = byte(i * 7)
		}
		t.is(claim.Checkpoint(t.ctx, full), nil, "Checkpoint with a state of %d bytes, which is the limit", limit.Value)
		over := stream.Checkpoint{Position: recs[8].Position, State: make([]byte, limit.Value+1)}
		t.is(claim.Checkpoint(t.ctx, over), stream.ErrTooLarge, "Checkpoint with a state of %d bytes, one over the limit", limit.Value+1)
		at = full
	}
	t.is(claim.Release(t.ctx, false), nil, "Release")
	t.is(s.Close(t.ctx), nil, "Source.Close")
	saved := t.successor(c).Hold().Saved
	t.check(saved.Position == at.Position && string(saved.State) == string(at.State), "the next claim is handed %v and %d bytes of state, want %v and %d",
		saved.Position, len(saved.State), at.Position, len(at.State))
}

func releaseFree(t *T) {
	_, c, s, claim := t.ten()
	c.Member = t.name("member")
	second := t.source(c)
	granted := make(chan stream.Claim, 1)
	t.is(s.Close(t.ctx), nil, "Source.Close")
	go func() {
		if claim, err := second.Next(t.ctx); err == nil {
			granted <- claim
		}
	}()
	err := t.within(2*time.Second, "granting what a member that left had", func() error {
		select {
		case claim = <-granted:
			return nil
		case <-t.ctx.Done():
			return context.Cause(t.ctx)
		}
	})
	t.is(err, nil, "Next")
	t.take(claim, 3)
	t.is(claim.Release(t.ctx, false), nil, "Release")
	again := t.next(second)
	t.check(string(t.take(again, 1)[0].Value) == "k0/0", "a claim that was released without a checkpoint begins elsewhere")
	if t.Expel == nil {
		t.partly("the harness cannot expel a member")
		return
	}
	t.ok(t.Expel(c.Group, c.Member), "Expel")
	third := t.successor(c)
	t.is(again.Release(t.ctx, true), nil, "Release after a loss")
	t.check(len(t.take(third, 10)) == 10, "a Release after a loss has moved the holder")
	select {
	case <-third.Hold().Lost:
		t.fail("a Release after a loss has taken the partition from its holder")
	default:
	}
}
