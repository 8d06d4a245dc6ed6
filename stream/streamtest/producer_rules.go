package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func producerRules() []rule {
	return []rule{
		{"SendAll", "Send returns nil when all records are stored, else Failures: one entry for each record that is " +
			"not stored or not known to be. A record that can never be stored (nil, no stream, a stream not listed) makes " +
			"Send refuse them all before anything is sent.", nil, sendAll},
		{"SendEnds", "Send returns when ctx ends. Records unanswered by then are ErrUnknownOutcome and must never be " +
			"changed.", nil, sendEnds},
		{"AsyncOnce", "done runs exactly once, perhaps before SendAsync returns, on any goroutine. It must not block, " +
			"nor call Send, SendAsync, Flush or Close. Ctx bounds the wait for buffer space only.", nil, asyncOnce},
		{"AsyncSticky", "with a nil done, a failure sticks: every later Flush and Close returns it, as in " +
			"bufio.Writer.", nil, asyncSticky},
		{"FlushAll", "Flush returns when every record accepted before it is answered.", nil, flushAll},
		{"Listed", "if ProducerConfig.Streams is set, records to other streams are ErrUnsupported.", nil, listed},
		{"ProducerWithdrawn", "when a required capability goes away while the producer is open, every later call fails " +
			"with ErrUnsupported, naming it.", nil, producerWithdrawn},
		{"ProducerClose", "Close flushes and returns what Flush would; when ctx ends, or DeliveryTimeout and a second " +
			"have passed, what is left fails. Afterwards everything is ErrClosed. Every Close returns what the first " +
			"returned.", nil, producerClose},
	}
}

// wrapped opens a producer on the backend with a wrapper around it.
func (t *T) wrapped(c stream.ProducerConfig) (*wrapper, stream.Producer) {
	w := &wrapper{Backend: t.Backend}
	p, err := stream.NewProducer(t.ctx, w, c)
	t.ok(err, "NewProducer")
	t.cleanup(func() {
		w.release()
		_ = p.Close(t.ctx)
	})
	return w, p
}

// failed gives the failures of a Send by record.
func (t *T) failed(err error) map[*stream.Record]error {
	var failures stream.Failures
	if err != nil && !errors.As(err, &failures) {
		t.fail("Send returned no Failures but %v", err)
	}
	m := map[*stream.Record]error{}
	for _, f := range failures {
		t.check(m[f.Record] == nil, "a record failed twice")
		m[f.Record] = f.Err
	}
	return m
}

func sendAll(t *T) {
	name := t.stream(2)
	p := t.producer(stream.ProducerConfig{Streams: []string{name}})
	good := numbered(name, 3, 10)
	t.is(p.Send(t.ctx, good...), nil, "Send")
	t.is(p.Send(t.ctx), nil, "Send of nothing")
	large := t.oversize(name)
	mixed := []*stream.Record{plain(name, "m", "m/0"), large, plain(name, "n", "n/0")}
	failed := t.failed(p.Send(t.ctx, mixed...))
	if t.capabilities(name).MaxRecordBytes.Value > 0 {
		t.check(len(failed) == 1, "one record of three is too large, %d failed", len(failed))
		t.is(failed[large], stream.ErrTooLarge, "the record that is too large")
	}
	for what, bad := range map[string]*stream.Record{
		"nil": nil, "without stream": plain("", "k", "v"), "of a stream not listed": plain(t.name("other"), "k", "v"),
		"before 1970": {Stream: name, Key: []byte("k"), Value: []byte("v"), Time: time.Unix(-1, 0)},
	} {
		value := "beside a record " + what
		beside := plain(name, "k", value)
		failed := t.failed(p.Send(t.ctx, beside, bad))
		t.check(len(failed) == 2, "a record %s and another were sent, and %d failed", what, len(failed))
		t.answer("sending a record "+what, failed[bad])
		t.check(failed[bad] != nil, "a record %s was sent", what)
		for _, rec := range all(t.read(name)) {
			t.check(string(rec.Value) != value, "a record is stored, although Send was refused for one %s", what)
		}
	}
	t.has(name, append(good, mixed[0], mixed[2])...)
}

// has fails unless the stream holds exactly these records, by value and once each.
func (t *T) has(name string, recs ...*stream.Record) {
	t.visible(name, recs...)
	count := map[string]int{}
	for _, rec := range all(t.read(name)) {
		count[string(rec.Value)]++
	}
	for _, rec := range recs {
		value := string(rec.Value)
		t.check(count[value] == 1 || count[value] > 1 && t.twice(name), "%.80q is stored %d times", value, count[value])
		delete(count, value)
	}
	for value := range count {
		t.fail("%.80q is stored, and should not be", value)
	}
}

// visible waits a while for records to be there for readers: some services, such as Kafka, acknowledge the commit of a
// transaction a moment before its records are.
func (t *T) visible(name string, recs ...*stream.Record) {
	for end := time.Now().Add(10 * prompt); time.Now().Before(end); t.sleep(prompt / 50) {
		there := map[string]bool{}
		for _, rec := range all(t.read(name)) {
			there[string(rec.Value)] = true
		}
		if !slices.ContainsFunc(recs, func(rec *stream.Record) bool { return !there[string(rec.Value)] }) {
			return
		}
	}
}

func sendEnds(t *T) {
	name := t.stream(1)
	w, p := t.wrapped(stream.ProducerConfig{})
	w.hold.Store(true)
	ctx, cancel := context.WithTimeout(t.ctx, 50*time.Millisecond)
	defer cancel()
	recs := numbered(name, 2, 3)
	failed := t.failed(t.atOnce("Send", func() error { return p.Send(ctx, recs...) }))
	t.check(len(failed) == len(recs), "%d of %d records are unanswered, %d failed", len(recs), len(recs), len(failed))
	for _, err := range failed {
		t.is(err, stream.ErrUnknownOutcome, "a record that is not answered")
		t.is(err, context.DeadlineExceeded, "a record that is not answered")
	}
	w.release()
	w.lose.Store(true)
	lost := plain(name, "lost", "lost")
	t.is(t.failed(p.Send(t.ctx, lost))[lost], stream.ErrUnknownOutcome, "a record whose answer was lost")
	t.has(name, append(recs, lost)...)
	canceled, stop := context.WithCancel(t.ctx)
	stop()
	err := t.atOnce("Send with a context that has ended", func() error {
		return p.Send(canceled, plain(name,
			"k", "never"))
	})
	t.is(err, context.Canceled, "Send with a context that has ended")
}

func asyncOnce(t *T) {
	name := t.stream(2)
	p, err := stream.NewProducer(t.ctx, t.Backend, stream.ProducerConfig{Streams: []string{name}})
	t.ok(err, "NewProducer")
	a := newAcks()
	recs := numbered(name, 3, 20)
	recs = append(recs, t.oversize(name), plain(t.name("other"), "k", "v"))
	var wg sync.WaitGroup
	for i := range recs {
		wg.Go(func() { p.SendAsync(t.ctx, recs[i], a.done) })
	}
	wg.Wait()
	p.SendAsync(t.ctx, nil, a.done)
	short, cancel := context.WithCancel(t.ctx)
	brief := plain(name, "brief", "brief")
	p.SendAsync(short, brief, a.done)
	cancel() // bounds the wait for space only
	t.is(p.Flush(t.ctx), nil, "Flush")
	for _, r := range a.of(brief) {
		t.is(r.err, nil, "a record whose context ended after SendAsync had returned")
	}
	t.is(p.Close(t.ctx), nil, "Close")
	late := plain(name, "late", "late")
	p.SendAsync(t.ctx, late, a.done)
	for _, r := range a.of(late) {
		t.is(r.err, stream.ErrClosed, "SendAsync after Close")
	}
	t.settle()
	t.once(a, append(recs, nil, brief, late))
	t.stored(name, a)
}

func asyncSticky(t *T) {
	name := t.stream(1)
	w, err := &wrapper{Backend: t.Backend}, error(nil)
	p, err := stream.NewProducer(t.ctx, w, stream.ProducerConfig{})
	t.ok(err, "NewProducer")
	p.SendAsync(t.ctx, plain(name, "k", "good"), nil)
	t.is(p.Flush(t.ctx), nil, "Flush after a record that was stored")
	w.fail.Store(true)
	answered := make(chan error, 1)
	p.SendAsync(t.ctx, plain(name, "k", "told"), func(_ stream.Ack, err error) { answered <- err })
	t.is(<-answered, errPlanned, "a failure that has a done")
	t.is(p.Flush(t.ctx), nil, "Flush after a failure that was told to a done")
	p.SendAsync(t.ctx, plain(name, "k", "lost"), nil)
	w.fail.Store(false)
	for range 2 {
		t.is(p.Flush(t.ctx), errPlanned, "Flush after a failure without done")
	}
	t.is(p.Close(t.ctx), errPlanned, "Close after a failure without done")
}

func flushAll(t *T) {
	name := t.stream(2)
	w, p := t.wrapped(stream.ProducerConfig{})
	a := newAcks()
	recs := numbered(name, 4, 25)
	for _, rec := range recs {
		p.SendAsync(t.ctx, rec, a.done)
	}
	t.is(p.Flush(t.ctx), nil, "Flush")
	t.check(len(a.now()) == len(recs), "%d of %d records were answered when Flush returned", len(a.now()), len(recs))
	t.has(name, recs...)
	t.is(p.Flush(t.ctx), nil, "Flush of nothing")
	w.hold.Store(true)
	p.SendAsync(t.ctx, plain(name, "late", "late"), a.done)
	ctx, cancel := context.WithTimeout(t.ctx, prompt/10)
	defer cancel()
	err := t.atOnce("Flush whose context ends", func() error { return p.Flush(ctx) })
	t.is(err, context.DeadlineExceeded, "Flush whose context ends before a record is answered")
	flushed := make(chan error, 1)
	go func() { flushed <- p.Flush(t.ctx) }()
	t.pass(prompt / 10)
	t.check(len(flushed) == 0, "Flush returned before a record was answered")
	w.release()
	t.is(<-flushed, nil, "Flush")
}

func listed(t *T) {
	name, other := t.stream(1), t.stream(1)
	p := t.producer(stream.ProducerConfig{Streams: []string{name}})
	stray := plain(other, "k", "stray")
	err := p.Send(t.ctx, stray)
	t.is(err, stream.ErrUnsupported, "Send to a stream that is not listed")
	t.answer("Send to a stream that is not listed", err)
	a := newAcks()
	p.SendAsync(t.ctx, stray, a.done)
	for _, r := range a.wait(t.ctx, 1) {
		t.is(r.err, stream.ErrUnsupported, "SendAsync to a stream that is not listed")
	}
	t.is(t.appendOne(t.sink(name), stray), stream.ErrUnsupported, "Append to a stream that is not listed")
	any := t.producer(stream.ProducerConfig{})
	t.is(any.Send(t.ctx, plain(name, "k", "one"), plain(other, "k", "two")), nil, "Send to two streams, none listed")
	t.has(other, plain(other, "k", "two"))
}

// reprobed is longer than a producer waits before it asks for capabilities again.
const reprobed = 3 * time.Minute

func producerWithdrawn(t *T) {
	name := t.stream(1)
	t.needs(t.Pass != nil, "Pass, to let the time pass after which capabilities are asked for again")
	w := &wrapper{Backend: t.Backend}
	p, err := stream.NewProducer(t.ctx, w, stream.ProducerConfig{
		Streams: []string{name}, Require: stream.Requirements{PartitionOrder: stream.Emulated},
	})
	t.ok(err, "NewProducer")
	w.withdraw(func(c *stream.Capabilities) {
		c.PartitionOrder = stream.Flag{Support: stream.None,
			Source: stream.Discovered, Reason: "the suite has taken it away"}
	})
	t.Pass(reprobed)
	a, ctx := newAcks(), context.WithoutCancel(t.ctx)
	p.SendAsync(ctx, plain(name, "k", "async"), a.done)
	for what, err := range map[string]error{
		"Send":      p.Send(ctx, plain(name, "k", "v")),
		"SendAsync": a.wait(ctx, 1)[0].err,
		"Flush":     p.Flush(ctx),
		"Transact":  p.Transact(ctx, func(stream.Tx) error { return nil }),
	} {
		var gaps stream.Gaps
		named := errors.As(err, &gaps) && len(gaps) == 1 && gaps[0].Name == "PartitionOrder"
		t.check(named && errors.Is(err, stream.ErrUnsupported),
			"%s: want PartitionOrder to be named as unsupported, got %v", what, err)
	}
	_ = p.Close(ctx)
}

func producerClose(t *T) {
	name := t.stream(2)
	p, err := stream.NewProducer(t.ctx, t.Backend, stream.ProducerConfig{})
	t.ok(err, "NewProducer")
	a := newAcks()
	recs := numbered(name, 4, 10)
	for _, rec := range recs {
		p.SendAsync(t.ctx, rec, a.done)
	}
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = p.Close(t.ctx) })
	}
	wg.Wait()
	for _, err := range errs {
		t.is(err, nil, "each of several Closes at once")
	}
	t.check(len(a.now()) == len(recs), "%d of %d records were answered when Close returned", len(a.now()), len(recs))
	t.has(name, recs...)
	for what, use := range map[string]func() error{
		"Send":     func() error { return p.Send(t.ctx, plain(name, "k", "late")) },
		"Flush":    func() error { return p.Flush(t.ctx) },
		"Transact": func() error { return p.Transact(t.ctx, func(stream.Tx) error { return nil }) },
		"SendAsync": func() error {
			a := newAcks()
			p.SendAsync(t.ctx, plain(name, "k", "late"), a.done)
			return a.wait(t.ctx, 1)[0].err
		},
	} {
		t.is(t.atOnce(what, use), stream.ErrClosed, "%s after Close", what)
	}
	t.slowClose(name)
	for i := range 8 {
		t.closeStorm(t.stream(2), time.Duration(i)*100*time.Microsecond)
	}
}

// closeStorm calls everything at once, and Close after a while.
func (t *T) closeStorm(name string, wait time.Duration) {
	p, err := stream.NewProducer(t.ctx, t.Backend, stream.ProducerConfig{BufferedRecords: 8})
	t.ok(err, "NewProducer")
	a, recs := newAcks(), numbered(name, 4, 50)
	over := func(what string, err error) {
		t.check(err == nil || errors.Is(err, stream.ErrClosed), "%s beside Close: %v", what, err)
	}
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(recs, 50) {
		wg.Go(func() {
			for i, rec := range chunk {
				if i%2 == 0 {
					p.SendAsync(t.ctx, rec, a.done)
					continue
				}
				err := p.Send(t.ctx, rec)
				over("Send", err)
				a.done(stream.Ack{Record: rec}, err)
			}
		})
		wg.Go(func() {
			for range 10 {
				over("Flush", p.Flush(t.ctx))
			}
		})
	}
	wg.Go(func() {
		t.pass(wait)
		over("Close", p.Close(t.ctx))
	})
	wg.Wait()
	for _, r := range a.now() {
		over("SendAsync", r.err)
	}
	t.once(a, recs)
	t.stored(name, a)
}

// slowClose closes a producer whose records are never answered by themselves.
func (t *T) slowClose(name string) {
	w := &wrapper{Backend: t.Backend}
	p, err := stream.NewProducer(t.ctx, w, stream.ProducerConfig{DeliveryTimeout: 2 * time.Second})
	t.ok(err, "NewProducer")
	w.hold.Store(true)
	a := newAcks()
	var recs []*stream.Record
	for i := range 5 {
		recs = append(recs, plain(name, "slow", fmt.Sprintf("slow/%d", i)))
		p.SendAsync(t.ctx, recs[i], a.done)
	}
	ctx, cancel := context.WithTimeout(t.ctx, 100*time.Millisecond)
	defer cancel()
	first := t.atOnce("Close", func() error { return p.Close(ctx) })
	t.check(len(a.now()) == len(recs), "%d of %d records were answered when Close returned", len(a.now()), len(recs))
	second := p.Close(t.ctx)
	t.check(fmt.Sprint(first) == fmt.Sprint(second), "the first Close returned %v, the second %v", first, second)
	t.once(a, recs)
}
