package streamtest

import (
	"context"
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

// heir is another member of the group and its claim, when the first one is expelled. That one is not dead: it may join
// again before the other, and keep what it has not released; then it is expelled again.
func (t *T) heir(c stream.SourceConfig) (stream.Source, stream.Claim) {
	t.ok(t.Expel(c.Group, c.Member), "Expel")
	d := c
	d.Member = t.name("member")
	for s := t.source(d); ; {
		ctx, cancel := context.WithTimeout(t.ctx, 5*prompt)
		claim, err := s.Next(ctx)
		cancel()
		if err == nil {
			return s, claim
		}
		t.ok(t.ctx.Err(), "Next of a member that should take over")
		_ = t.Expel(c.Group, c.Member) // it may be about to join
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
	t.check(again.Hold().Saved.Position == recs[2].Position,
		"a refused checkpoint is stored: %v", again.Hold().Saved.Position)
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
		_, next := t.heir(c)
		t.fenced(claim, next, recs, "of a member that was expelled")
	} else {
		t.partly("the harness cannot expel a member")
	}
	if t.Pause == nil || t.Resume == nil {
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
}

// fenced has the former holder and the present one save: only the present one's counts.
func (t *T) fenced(former, present stream.Claim, recs []stream.Record, what string) {
	t.check(present.Hold().Saved.Position == recs[1].Position,
		"the next claim's Saved is %v", present.Hold().Saved.Position)
	t.is(former.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[8].Position}), stream.ErrLost, "Checkpoint %s", what)
	t.is(present.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[4].Position}), nil, "Checkpoint of the present holder")
	t.is(former.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[8].Position}), stream.ErrLost, "Checkpoint %s", what)
	t.await(former.Hold().Lost, "the loss "+what)
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
		t.is(claim.Checkpoint(t.ctx, over), stream.ErrTooLarge,
			"Checkpoint with a state of %d bytes, one over the limit", limit.Value+1)
		at = full
	}
	t.is(claim.Release(t.ctx, false), nil, "Release")
	t.is(s.Close(t.ctx), nil, "Source.Close")
	saved := t.successor(c).Hold().Saved
	t.check(saved.Position == at.Position && string(saved.State) == string(at.State),
		"the next claim is handed %v and %d bytes of state, want %v and %d",
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
	_, third := t.heir(c)
	t.is(again.Release(t.ctx, true), nil, "Release after a loss")
	t.check(len(t.take(third, 10)) == 10, "a Release after a loss has moved the holder")
	select {
	case <-third.Hold().Lost:
		t.fail("a Release after a loss has taken the partition from its holder")
	default:
	}
}
