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
	t.check(len(seeks) == 1 && strings.HasPrefix(h.noted()[0],
		"seek"), "Seek was not called once and first: %v", h.noted())
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
	t.check(n == 0 && errors.Is(err, context.DeadlineExceeded),
		"Fetch, with nothing to read, returned %d records and %v", n, err)
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
	if errors.Is(answer.err, stream.ErrLost) && !answer.asked {
		t.partly("the service takes a partition from a member without asking it back")
	} else {
		t.check(errors.Is(answer.err, io.EOF), "Fetch of a partition that is asked back: want io.EOF, got %v", answer.err)
		t.check(answer.asked, "Fetch returned io.EOF before Asked was closed")
	}
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
	t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[3].Position}), stream.ErrLost,
		"Checkpoint after Release")
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
		t.is(claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[3].Position}), stream.ErrLost,
			"Checkpoint after %s", what)
		if what == "a crash" {
			_, err := s.Next(t.ctx)
			t.is(err, stream.ErrClosed, "Next after a crash")
			t.is(t.Crash(c.Group, c.Member), stream.ErrNotFound, "a second crash")
		}
		t.is(claim.Release(t.ctx, false), nil, "Release after %s", what)
		t.is(s.Close(t.ctx), nil, "Source.Close after %s", what)
	}
}
