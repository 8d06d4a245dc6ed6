package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func eachOrder(t *T) {
	name := t.stream(3)
	recs := numbered(name, 9, 20)
	t.send(recs...)
	p := newTape()
	var busy sync.Map
	handle := func(ctx context.Context, rec *stream.Record) error {
		_, beside := busy.LoadOrStore(rec.Partition, true)
		t.check(!beside, "two records of a partition were handled at a time")
		p.add("", 1, *rec)
		t.sleep(time.Millisecond)
		busy.Delete(rec.Partition)
		return nil
	}
	t.is(t.toEnd(t.group(name), stream.Each(handle)), nil, "Run of Each")
	t.exactly(p, recs, "Each")
	read, next := t.read(name), map[string]int{}
	for _, e := range p.entries() {
		part := e.rec.Partition
		want := read[part][next[part]]
		t.check(e.rec.Position == want.Position, "%s was handled where %s stands", e.rec.Value, want.Value)
		next[part]++
	}
	t.eachParks(name, recs)
	t.ordersSurvive(func(f func(context.Context, *stream.Record) error) stream.Handler { return stream.Each(f) })
}

// eachParks has one key fail for a while: the others go on, and each key stays in order.
func (t *T) eachParks(name string, recs []*stream.Record) {
	p := newTape()
	var refused atomic.Int64
	c := t.group(name)
	c.Observe = p.observe
	err := t.toEnd(c, stream.Each(func(ctx context.Context, rec *stream.Record) error {
		if string(rec.Value) == "k3/4" && refused.Add(1) <= 4 {
			return errPlanned
		}
		p.add("", 1, *rec)
		return nil
	}, stream.Policy{Attempts: 2, Park: true, Backoff: time.Millisecond, MaxBackoff: 30 * time.Millisecond}))
	t.is(err, nil, "Run of Each with Park")
	t.exactly(p, recs, "Each with Park")
	next := map[string]int{}
	for _, e := range p.entries() {
		t.inKeyOrder(next, e.rec)
	}
	t.check(len(p.told(stream.EventParked)) >= 1, "no event told that a key was parked")
	t.check(slices.Equal(t.left(c, name), nil), "all is handled, and %v is left", t.left(c, name))
}

// ordersSurvive runs three members through joins, a crash, an expulsion and clean leavings: no record is lost, and no
// record of a key comes first after a later one.
func (t *T) ordersSurvive(each func(f func(context.Context, *stream.Record) error) stream.Handler) {
	name := t.stream(4)
	recs := numbered(name, 16, 25)
	t.send(recs...)
	c := t.group(name)
	c.CheckpointEvery = 20 * time.Millisecond
	p := newTape()
	names := []string{}
	run := func(d stream.ConsumerConfig) *running {
		return t.on(t.Backend, d, each(func(ctx context.Context, rec *stream.Record) error {
			t.sleep(2 * time.Millisecond)
			if ctx.Err() != nil { // it is lost: what it does now is a zombie's
				return context.Cause(ctx)
			}
			p.add(d.Member, 0, *rec)
			return nil
		}))
	}
	join := func() *running {
		d := t.another(c)
		names = append(names, d.Member)
		return run(d)
	}
	members := []*running{join(), join()}
	t.handled(p, 50)
	members = append(members, join())
	t.handled(p, 120)
	if t.Crash != nil {
		t.ok(t.Crash(c.Group, names[0]), "Crash")
		_ = members[0].wait()
	} else {
		t.partly("the harness cannot crash a member")
	}
	t.handled(p, 200)
	if t.Expel != nil {
		t.ok(t.Expel(c.Group, names[1]), "Expel")
	} else {
		t.partly("the harness cannot expel a member")
	}
	t.handled(p, 260)
	t.is(members[2].end(), nil, "Run of a member that leaves")
	members = append(members, join())
	t.handled(p, len(recs))
	for _, m := range members[1:] {
		t.is(m.end(), nil, "Run")
	}
	last := t.another(c) // what somebody had handled and not saved when the partition was taken comes again
	last.End = stream.Latest()
	t.is(run(last).wait(), nil, "Run to the end")
	next := map[string]int{}
	for _, e := range p.entries() {
		t.inKeyOrder(next, e.rec)
	}
	t.check(len(p.values()) == len(recs), "%d of %d records were handled", len(p.values()), len(recs))
	t.check(len(t.left(c, name)) == 0, "all is handled, and %d records are left", len(t.left(c, name)))
}

func policyBounded(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 5)...)
	for kind, each := range map[string]func(f func(context.Context, *stream.Record) error, y ...stream.Policy) stream.Handler{
		"Each": stream.Each, "ByKey": func(f func(context.Context, *stream.Record) error, y ...stream.Policy) stream.Handler {
			return stream.ByKey(2, f, y...)
		},
	} {
		quick := stream.Policy{Attempts: 3, Backoff: time.Millisecond, MaxBackoff: 4 * time.Millisecond}
		t.gives(kind+", which stops", name, each, quick, resolution{err: errPlanned, tries: 3, event: stream.EventRetried, told: 2, left: 3})
		skip := quick
		skip.Skip = true
		t.gives(kind+" with Skip", name, each, skip, resolution{tries: 3, event: stream.EventSkipped, told: 1})
		once := skip
		once.Retry = func(err error) bool { return !errors.Is(err, errPlanned) }
		t.gives(kind+" with Retry", name, each, once, resolution{tries: 1, event: stream.EventSkipped, told: 1})
		parked := quick
		parked.Park, parked.ParkFor = true, 15*time.Millisecond
		t.gives(kind+" with Park", name, each, parked, resolution{err: errPlanned, tries: -1, event: stream.EventParked, told: -1, left: 3})
		for what, wrong := range map[string][]stream.Policy{
			"two policies": {quick, skip}, "Park and Skip": {{Park: true, Skip: true}}, "a negative number": {{Attempts: -1}},
			"a producer and no stream": {{Producer: t.producer(stream.ProducerConfig{})}},
		} {
			err := t.toEnd(t.group(name), each(func(context.Context, *stream.Record) error { return nil }, wrong...))
			t.is(err, stream.ErrInvalid, "%s with %s", kind, what)
		}
	}
}

// resolution is what a policy should come to when the third of five records always fails. Below 0: more than one.
type resolution struct {
	err   error
	tries int
	event string
	told  int
	left  int
}

func (t *T) gives(what, name string, each func(f func(context.Context, *stream.Record) error, y ...stream.Policy) stream.Handler,
	y stream.Policy, want resolution) {
	var tries atomic.Int64
	p := newTape()
	c := t.group(name)
	c.Observe = p.observe
	err := t.toEnd(c, each(func(ctx context.Context, rec *stream.Record) error {
		if string(rec.Value) == "k0/2" {
			tries.Add(1)
			return errPlanned
		}
		return nil
	}, y))
	t.is(err, want.err, "Run of %s", what)
	is := func(n, want int) bool { return n == want || want < 0 && n > 1 }
	t.check(is(int(tries.Load()), want.tries), "%s tried the record %d times, want %d", what, tries.Load(), want.tries)
	told := p.told(want.event)
	t.check(is(len(told), want.told), "%s told %q %d times, want %d", what, want.event, len(told), want.told)
	for _, e := range told {
		t.is(e.Err, errPlanned, "the cause of the event %q", e.Kind)
		t.check(e.Attempt > 0 && !e.Position.IsZero(), "the event %q names no attempt or no position", e.Kind)
	}
	left := t.left(c, name)
	t.check(len(left) == want.left, "after %s %d records are left, want %d", what, len(left), want.left)
}

func deadLetterFirst(t *T) {
	name, dead := t.stream(1), t.stream(1)
	t.send(numbered(name, 1, 5)...)
	fails := func(ctx context.Context, rec *stream.Record) error {
		if string(rec.Value) == "k0/2" {
			return fmt.Errorf("%w: the record says %s", errPlanned, "secret")
		}
		return nil
	}
	w, producer := t.wrapped(stream.ProducerConfig{})
	y := stream.DeadLetter(producer, dead)
	y.Attempts, y.Backoff = 2, time.Millisecond
	for kind, h := range map[string]stream.Handler{"Each": stream.Each(fails, y), "ByKey": stream.ByKey(2, fails, y)} {
		c := t.group(name)
		w.fail.Store(true)
		err := t.toEnd(c, h)
		t.is(err, errPlanned, "Run of %s when the dead letter cannot be stored", kind)
		left := t.left(c, name)
		t.check(len(left) == 3 && left[0] == "k0/2",
			"the checkpoint of %s has passed a record that is stored nowhere: %v is left", kind, left)
		w.fail.Store(false)
		if !t.claims(dead, "Headers") {
			t.is(t.toEnd(c, h), stream.ErrUnsupported, "Run of %s with dead letters on a backend without headers", kind)
			continue
		}
		before := len(all(t.read(dead)))
		p := newTape()
		c.Observe = p.observe
		t.is(t.toEnd(c, h), nil, "Run of %s with dead letters", kind)
		t.check(len(t.left(c, name)) == 0, "%s has %v left", kind, t.left(c, name))
		t.check(len(p.told(stream.EventDeadLettered)) == 1,
			"a dead letter was told %d times", len(p.told(stream.EventDeadLettered)))
		letters := all(t.read(dead))[before:]
		t.check(len(letters) == 1, "one record failed, and there are %d dead letters", len(letters))
		for _, letter := range letters {
			t.isDeadLetter(letter, c.Group, name)
		}
	}
	if !t.claims(dead, "Headers") {
		t.notClaimed("Headers")
	}
}

func (t *T) isDeadLetter(letter stream.Record, group, name string) {
	t.check(string(letter.Key) == "k0" && string(letter.Value) == "k0/2",
		"the dead letter is %s: %s", letter.Key, letter.Value)
	headers := map[string]string{}
	for _, h := range letter.Headers {
		headers[h.Key] = string(h.Value)
		t.check(!strings.Contains(string(h.Value), "secret"), "the dead letter's header %s quotes the error's text", h.Key)
	}
	for key, want := range map[string]string{"group": group, "stream": name, "attempts": "2"} {
		got := headers["streamport.dead."+key]
		t.check(got == want, "the dead letter's %s is %q, want %q", key, got, want)
	}
	for _, key := range []string{"partition", "position", "error"} {
		t.check(headers["streamport.dead."+key] != "", "the dead letter does not tell its %s", key)
	}
}
