package streamtest

import (
	"errors"
	"io"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func nextEnd(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 4, 5)...)
	t.apart()
	middle := time.Now()
	t.apart()
	t.send(numbered(name, 4, 10)[20:]...)
	read := t.read(name)
	count := func(c stream.ConsumerConfig) int {
		p := newTape()
		c.Streams = []string{name}
		t.is(t.consumer(c).Run(t.ctx, p.all("", nil)), nil, "Run to an end")
		t.ordered(p.entries())
		return len(p.entries())
	}
	t.check(count(stream.ConsumerConfig{End: stream.Latest()}) == 40, "to the end there are not 40 records")
	if t.claims(name, "SeekTime") {
		got := count(stream.ConsumerConfig{End: stream.Since(middle)})
		t.check(got == 20, "up to a moment there are 20 records, and %d were read", got)
		got = count(stream.ConsumerConfig{Start: stream.Since(middle), End: stream.Latest()})
		t.check(got == 20, "from a moment on there are 20 records, and %d were read", got)
		got = count(stream.ConsumerConfig{Start: stream.Since(middle), End: stream.Since(middle)})
		t.check(got == 0, "between a moment and itself %d records were read", got)
		got = count(stream.ConsumerConfig{Start: stream.Since(time.Now().Add(time.Hour)), End: stream.Latest()})
		t.check(got == 0, "since a moment to come %d records were read", got)
	}
	for part, recs := range read {
		if len(recs) < 4 {
			continue
		}
		c := stream.ConsumerConfig{Partitions: []string{part}, Start: stream.After(recs[0].Position), End: stream.After(recs[2].Position)}
		t.check(count(c) == 2, "between the first and the third position there are two records")
	}
	t.endsSource(name, len(read))
	empty := t.stream(1)
	t.is(t.toEnd(t.group(empty), newTape().all("", nil)), nil, "Run to the end of an empty stream")
	t.is(t.toEnd(t.group(empty), newTape().all("", nil)), nil, "another Run to the end of an empty stream")
}

func (t *T) endsSource(name string, n int) {
	c := t.sourceConfig("", name)
	c.End = stream.Latest()
	s := t.source(c)
	for range n {
		claim := t.next(s)
		into := make([]stream.Record, 100)
		var err error
		for err == nil {
			_, err = claim.Fetch(t.ctx, into)
		}
		t.check(errors.Is(err, io.EOF), "Fetch at the end: want io.EOF, got %v", err)
		t.is(claim.Release(t.ctx, true), nil, "Release")
	}
	for range 2 {
		_, err := s.Next(t.ctx)
		t.check(errors.Is(err, io.EOF), "Next, when all is finished: want io.EOF, got %v", err)
	}
}

func startOnce(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 6, 3)...)
	t.apart()
	c := t.group(name)
	c.Start = stream.Latest()
	p := newTape()
	c.Observe = p.observe
	r := t.on(t.Backend, c, newTape().all("", nil))
	t.eventually(p, stream.EventGranted, 2)
	t.is(r.end(), nil, "Run")
	late := numbered(name, 6, 4)[18:]
	t.send(late...)
	c.Observe = nil
	for _, start := range []stream.Start{stream.Latest(), {}} {
		d := t.another(c)
		d.Start = start
		got := newTape()
		r := t.on(t.Backend, d, got.all("", nil)) // no checkpoint: every member gets them
		t.handled(got, len(late))
		t.sleep(50 * time.Millisecond)
		t.is(r.end(), nil, "Run")
		t.exactly(got, late, "a group that began at the end")
	}
	if t.Crash != nil {
		d := t.another(c)
		got := newTape()
		r := t.on(t.Backend, d, got.all("", nil))
		t.handled(got, len(late))
		t.ok(t.Crash(c.Group, d.Member), "Crash")
		_ = r.wait()
	}
	t.appearsLater(name, c)
}

func (t *T) appearsLater(name string, c stream.ConsumerConfig) {
	more := numbered(name, 6, 5)[24:]
	switch {
	case t.Grow != nil && !errors.Is(t.Grow(name, 5), stream.ErrUnsupported):
	case t.splits():
		t.ok(t.Split(name, t.partitionNames(name)[0]), "Split")
	default:
		t.partly("the harness can neither grow a stream nor split a partition")
		return
	}
	t.send(more...)
	d := t.another(c)
	got := newTape()
	r := t.on(t.Backend, d, got.all("", save))
	t.handled(got, 12)
	t.sleep(50 * time.Millisecond)
	t.is(r.end(), nil, "Run")
	t.exactly(got, append(numbered(name, 6, 4)[18:], more...),
		"a group that began at the end, after partitions were added")
}
