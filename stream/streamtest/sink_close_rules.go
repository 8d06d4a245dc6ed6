package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

func sinkFlush(t *T) {
	name := t.stream(3)
	s := t.sink(name)
	a, recs := newAcks(), numbered(name, 3, 40)
	s.Append(t.ctx, recs, a.done)
	t.is(s.Flush(t.ctx), nil, "Flush")
	t.check(len(a.now()) == len(recs), "%d of %d records were answered when Flush returned", len(a.now()), len(recs))
	s.Append(t.ctx, numbered(name, 3, 40), a.done)
	canceled, cancel := context.WithCancel(t.ctx)
	cancel()
	err := t.atOnce("Flush with a context that has ended", func() error { return s.Flush(canceled) })
	complete := len(a.now()) == 2*len(recs)
	t.check(errors.Is(err, context.Canceled) || err == nil && complete,
		"Flush with a context that has ended: want nil with every record done or the context's error, got %v", err)
}

func sinkClose(t *T) {
	name := t.stream(3)
	s, err := t.Backend.OpenSink(t.ctx, t.sinkConfig(name))
	t.ok(err, "OpenSink")
	a := newAcks()
	recs := numbered(name, 6, 20)
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(recs, 10) {
		wg.Go(func() { s.Append(t.ctx, chunk, a.done) })
	}
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { errs[i] = s.Close(t.ctx) })
	}
	wg.Wait()
	for _, err := range errs {
		t.is(err, nil, "Close beside Append")
	}
	t.once(a, recs)
	for _, r := range a.now() {
		t.check(r.err == nil || errors.Is(r.err, stream.ErrClosed), "a record appended beside Close: %v", r.err)
	}
	t.stored(name, a)
	err = t.atOnce("Append after Close", func() error { return t.appendOne(s, plain(name, "k", "late")) })
	t.is(err, stream.ErrClosed, "Append after Close")
	t.answer("Append after Close", err)
	t.hastyClose(name)
}

// hastyClose closes with a context that has ended.
func (t *T) hastyClose(name string) {
	s, err := t.Backend.OpenSink(t.ctx, t.sinkConfig(name))
	t.ok(err, "OpenSink")
	a := newAcks()
	var recs []*stream.Record
	for i := range 100 {
		recs = append(recs, plain(name, "hasty", fmt.Sprintf("hasty/%d", i)))
	}
	s.Append(t.ctx, recs, a.done)
	canceled, cancel := context.WithCancel(t.ctx)
	cancel()
	first := t.atOnce("Close with a context that has ended", func() error { return s.Close(canceled) })
	t.check(len(a.now()) == len(recs), "%d of %d records were answered when Close returned", len(a.now()), len(recs))
	second := t.atOnce("a second Close", func() error { return s.Close(t.ctx) })
	t.check(fmt.Sprint(first) == fmt.Sprint(second), "the first Close returned %v, the second %v", first, second)
	t.settle()
	t.once(a, recs)
	t.stored(name, a)
}
