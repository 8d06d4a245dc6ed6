package streamtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

func runServes(t *T) {
	name := t.stream(3)
	recs := numbered(name, 12, 5)
	t.send(recs...)
	n := len(t.partitionNames(name))
	c := t.group(name)
	p := newTape()
	var all sync.WaitGroup // of the handlers: each runs beside the others
	all.Add(n)
	running := t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		all.Done()
		all.Wait()
		return p.all(c.Member, save)(ctx, q)
	})
	t.handled(p, len(recs))
	t.is(running.end(), nil, "Run, when its context has ended")
	t.exactly(p, recs, "with one member")
	t.check(len(t.left(c, name)) == 0, "after a clean stop the group has %d records left", len(t.left(c, name)))

	p = newTape()
	t.is(t.toEnd(t.group(name), p.all("", save)), nil, "Run of another group, to the end")
	t.exactly(p, recs, "another group")
	p = newTape()
	t.is(t.toEnd(c, p.all("", save)), nil, "Run of the first group again, to the end")
	t.check(len(p.entries()) == 0, "a group that was done got %d records again", len(p.entries()))
	t.membersCome(name, recs)
}

// membersCome has members come and go: every record is handled, in order, and none twice: every hand-over is clean.
func (t *T) membersCome(name string, recs []*stream.Record) {
	c := t.group(name)
	p := newTape()
	var members []*running
	for i := range 3 {
		members = append(members, t.on(t.Backend, t.another(c), stream.Each(func(ctx context.Context, rec *stream.Record) error {
			p.add(fmt.Sprint(i), i, *rec)
			runtime.Gosched()
			return nil
		})))
	}
	t.handled(p, len(recs)/2)
	t.is(members[0].end(), nil, "Run of a member that leaves")
	t.handled(p, len(recs))
	for _, m := range members {
		t.is(m.end(), nil, "Run")
	}
	next := map[string]int{}
	for _, e := range p.entries() {
		t.inKeyOrder(next, e.rec)
	}
	t.exactly(p, recs, "with members that come and go cleanly")
}

func runReturn(t *T) {
	name := t.stream(2)
	recs := numbered(name, 8, 5)
	t.send(recs...)
	n := len(t.partitionNames(name))
	for what, ends := range map[string]struct {
		first func(ctx context.Context, q *stream.Partition) error
		want  error
	}{
		"an error":            {func(context.Context, *stream.Partition) error { return errPlanned }, errPlanned},
		"nil before its loop": {func(context.Context, *stream.Partition) error { return nil }, nil},
		"nil from the middle of its loop": {func(ctx context.Context, q *stream.Partition) error {
			for range q.Records(ctx) {
				break
			}
			return nil
		}, nil},
		"nil when a context of its own has ended": {func(ctx context.Context, q *stream.Partition) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			for range q.Records(ctx) {
				t.fail("a loop went on although its context had ended")
			}
			return nil
		}, nil},
	} {
		t.returns(t.group(name), n, what, ends.first, ends.want)
	}
	t.askedGoesOn(name, n)
}

// returns has one of n handlers end: Run must end the others' loops and say what the one said.
func (t *T) returns(c stream.ConsumerConfig, n int, what string, first stream.Handler, want error) {
	var begun, over sync.WaitGroup
	begun.Add(n)
	over.Add(n - 1)
	var one sync.Once
	err := t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		begun.Done()
		begun.Wait()
		isFirst := false
		one.Do(func() { isFirst = true })
		if isFirst {
			return first(ctx, q)
		}
		for _, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
		}
		over.Done()
		return nil
	}).wait()
	over.Wait()
	t.is(err, want, "Run when a handler returned %s", what)
}

// askedGoesOn has a second member come when the first has all n partitions: handlers return nil, and the first member's run
// goes on.
func (t *T) askedGoesOn(name string, n int) {
	c := t.group(name)
	p := newTape()
	c.Observe = p.observe
	first := t.on(t.Backend, c, p.all("first", save))
	t.eventually(p, stream.EventGranted, n)
	c = t.another(c)
	c.Observe = nil
	q := newTape()
	c.Observe = q.observe
	second := t.on(t.Backend, c, p.all("second", save))
	t.eventually(q, stream.EventGranted, 1)
	t.until(p, "a partition is given back or taken", func() bool {
		return len(p.told(stream.EventReleased))+len(p.told(stream.EventLost)) > 0
	})
	if len(p.told(stream.EventReleased)) == 0 {
		t.partly("the service takes a partition from a member without asking it back")
	}
	select {
	case <-first.over:
		t.fail("Run ended with %v when a partition was asked back", first.err)
	default:
	}
	t.is(first.end(), nil, "Run of the first member")
	t.is(second.end(), nil, "Run of the second member")
}

func runUnfinished(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 6)...)
	upTo := func(n int) stream.Handler {
		return func(ctx context.Context, q *stream.Partition) error {
			for rec, err := range q.Records(ctx) {
				if err != nil {
					return err
				}
				if n--; n >= 0 {
					if err := q.Checkpoint(ctx, rec); err != nil {
						return err
					}
				}
			}
			t.check(q.Ended(), "the loop is over, and Ended is false")
			return nil
		}
	}
	t.is(t.toEnd(t.group(name), upTo(0)), stream.ErrInvalid, "Run, with nothing checkpointed at the end")
	t.is(t.toEnd(t.group(name), upTo(5)), stream.ErrInvalid, "Run, with the last record not checkpointed at the end")
	t.is(t.toEnd(t.group(name), upTo(6)), nil, "Run, with all checkpointed at the end")
	alone := stream.ConsumerConfig{Streams: []string{name}}
	t.is(t.toEnd(alone, upTo(0)), nil, "Run without a group, with nothing checkpointed")
	c := t.group(name)
	c.Checkpointer = stream.MemoryCheckpointer()
	t.is(t.toEnd(c, upTo(5)), stream.ErrInvalid, "Run with a Checkpointer, with the last record not checkpointed")
	t.is(t.toEnd(c, t.marked(c.Checkpointer)), nil,
		"Run with a Checkpointer, with all saved by the handler's own transaction")
}

// marked saves what Mark gives in the Checkpointer, as a transaction of the handler's own would.
func (t *T) marked(kept stream.Checkpointer) stream.Handler {
	return func(ctx context.Context, q *stream.Partition) error {
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			key, checkpoint, err := q.Mark(rec, []byte("state"))
			t.is(err, nil, "Mark")
			t.check(checkpoint.Position == rec.Position && string(checkpoint.State) == "state", "Mark gave %v", checkpoint)
			if err := kept.Save(ctx, key, checkpoint); err != nil {
				return err
			}
			if _, _, err := q.Mark(&stream.Record{Stream: rec.Stream, Partition: rec.Partition}, nil); !errors.Is(err, stream.ErrInvalid) {
				t.fail("Mark of a record that was not delivered: want ErrInvalid, got %v", err)
			}
		}
		return nil
	}
}

func runPanic(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 3, 4)...)
	var unset map[string]int
	for what, end := range map[string]func(){
		"a panic":     func() { panic("planned") },
		"panic(nil)":  func() { panic(nil) },
		"Goexit":      func() { runtime.Goexit() },
		"a nil write": func() { unset["x"]++ },
	} {
		f := func(ctx context.Context, rec *stream.Record) error {
			if strings.HasSuffix(string(rec.Value), "/2") {
				end()
			}
			return nil
		}
		for which, h := range map[string]stream.Handler{
			"a handler": doing(f), "the function of Each": stream.Each(f, stream.Policy{Skip: true}),
			"the function of ByKey": stream.ByKey(2, f, stream.Policy{Park: true}),
		} {
			c := t.group(name)
			c.CheckpointEvery = 1 << 50 // only what is saved at the end counts
			err := t.on(t.Backend, c, h).wait()
			t.check(err != nil, "Run returned nil after %s of %s", what, which)
			if err != nil && what != "Goexit" {
				t.check(strings.Contains(err.Error(),
					"consume_run.go"), "Run's error after %s of %s has no stack: %v", what, which, err)
			}
			t.check(t.savedIn(c, name).Position.IsZero(), "something was checkpointed after %s of %s", what, which)
		}
	}
}

// doing is a Handler of the plainest kind: f on each record, and Done.
func doing(f func(context.Context, *stream.Record) error) stream.Handler {
	return func(ctx context.Context, q *stream.Partition) error {
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			if err := f(ctx, rec); err != nil {
				return err
			}
			q.Done(rec)
		}
		return nil
	}
}

func runOnce(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 1)...)
	p := newTape()
	h := t.hooked()
	var joins atomic.Int64
	h.open = func(*stream.SourceConfig) { joins.Add(1) }
	consumer, err := stream.NewConsumer(t.ctx, h, t.group(name))
	t.ok(err, "NewConsumer")
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	first := make(chan error, 1)
	go func() { first <- consumer.Run(ctx, p.all("", save)) }()
	t.handled(p, 1)
	t.is(consumer.Run(t.ctx, p.all("", save)), stream.ErrInvalid, "a second Run at the same time")
	t.check(joins.Load() == 1, "a second Run has asked the backend")
	t.send(plain(name, "k0", "k0/1"))
	t.handled(p, 2)
	cancel()
	t.is(<-first, nil, "the first Run")
	t.send(plain(name, "k0", "k0/2"))
	ctx, again := context.WithCancel(t.ctx)
	go func() { first <- consumer.Run(ctx, p.all("", save)) }()
	t.handled(p, 3)
	again()
	t.is(<-first, nil, "a Run after the first one")
	t.is(consumer.Run(t.ctx, nil), stream.ErrInvalid, "Run without a handler")
}
