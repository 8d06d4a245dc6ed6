package streamtest

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func backendRules() []rule {
	return []rule{
		{"CapabilitiesPerStream", "Capabilities tells what this stream can do as it is configured now, not what the " +
			"brand can; a stream that does not exist is ErrNotFound.", []string{"Partitions"}, capabilitiesPerStream},
		{"OpenedForMode", "OpenSink returns a TxSink if and only if SinkConfig.Transactions is set, and refuses what " +
			"it cannot honour with ErrUnsupported.", []string{"Transactions"}, openedForMode},
		{"BackendClose", "Close ends every sink and source that is still open; every handle answers ErrClosed from " +
			"then on, at once. A second Close returns what the first returned.", nil, backendClose},
	}
}

func capabilitiesPerStream(t *T) {
	_, err := t.Backend.Capabilities(t.ctx, t.name("nowhere"))
	t.is(err, stream.ErrNotFound, "Capabilities of a stream that does not exist")
	t.answer("Capabilities of a stream that does not exist", err)
	one, three := t.stream(1), t.stream(3)
	for name, n := range map[string]int{one: 1, three: 3} {
		if c := t.capabilities(name); c.Partitions != 0 {
			t.check(c.Partitions == n, "a stream of %d partitions is said to have %d", n, c.Partitions)
		}
	}
	t.everyGap(one)
	limit := t.capabilities(one).MaxRecordBytes
	if limit.Hard || limit.Value <= 0 {
		t.partly("no stream can be made with another MaxRecordBytes")
		return
	}
	config := stream.StreamConfig{Name: t.name("larger"), MaxRecordBytes: limit.Value + 4096}
	if err := t.MakeStream(t.ctx, config); err != nil {
		t.partly("no stream is made with another MaxRecordBytes: %v", err)
		return
	}
	larger := t.capabilities(config.Name).MaxRecordBytes.Value
	t.check(larger > limit.Value, "a stream made for larger records has the MaxRecordBytes of others, %d", larger)
	again := t.capabilities(one).MaxRecordBytes.Value
	t.check(again == limit.Value, "another stream's MaxRecordBytes changed the first one's to %d", again)
}

// everyGap requires more than there is of everything, and fails unless each gap is named.
func (t *T) everyGap(name string) {
	var ask stream.Requirements
	fields, want := reflect.ValueOf(&ask).Elem(), []string{}
	c := t.capabilities(name)
	for field := range reflect.TypeFor[stream.Requirements]().Fields() {
		switch have := fieldOf(c, field.Name).(type) {
		case stream.Flag:
			fields.FieldByName(field.Name).SetUint(uint64(stream.Native))
			if have.Support < stream.Native {
				want = append(want, field.Name)
			}
		case stream.Limit:
			fields.FieldByName(field.Name).SetInt(enough)
			if have.Value != 0 || have.Source == "" {
				want = append(want, field.Name)
			}
		case stream.Retention:
			fields.FieldByName(field.Name).SetInt(-1)
			if !have.Unlimited {
				want = append(want, field.Name)
			}
		}
	}
	producer, consumer := t.openWith(name, ask)
	for who, err := range map[string]error{"producer": producer, "consumer": consumer} {
		var gaps stream.Gaps
		var named []string
		_ = errors.As(err, &gaps)
		for _, g := range gaps {
			named = append(named, g.Name)
		}
		slices.Sort(named)
		slices.Sort(want)
		t.check(slices.Equal(named, want),
			"a %s that requires everything is told of the gaps %q, and they are %q", who, named, want)
	}
}

func openedForMode(t *T) {
	name := t.stream(1)
	c := t.sinkConfig(name)
	s, err := t.Backend.OpenSink(t.ctx, c)
	t.ok(err, "OpenSink")
	_, is := s.(stream.TxSink)
	t.check(!is, "a sink that was not opened for transactions is a TxSink")
	t.is(s.Close(t.ctx), nil, "Close")
	c.Member, c.Transactions = t.name("tx"), true
	s, err = t.Backend.OpenSink(t.ctx, c)
	t.answer("OpenSink for transactions", err)
	if !t.claims(name, "Transactions") {
		t.is(err, stream.ErrUnsupported, "OpenSink for transactions, which are not claimed")
		return
	}
	t.ok(err, "OpenSink for transactions")
	_, is = s.(stream.TxSink)
	t.check(is, "a sink that was opened for transactions is no TxSink")
	t.is(s.Close(t.ctx), nil, "Close")
}

// A rung is one use of a handle that was taken before the backend was closed.
type rung struct {
	what string
	use  func() error
}

// transactionLadder takes the handles that there are where there are transactions.
func (t *T) transactionLadder(name string) []rung {
	if !t.claims(name, "Transactions") {
		return nil
	}
	s := t.txSink(2, name)
	tx := t.begin(s)
	return []rung{
		{"Begin", func() error { _, err := s.Begin(t.ctx); return err }},
		{"SinkTx.Append", func() error {
			a := newAcks()
			tx.Append(t.ctx, []*stream.Record{plain(name, "k", "late")}, a.done)
			for _, r := range a.now() { // it may also wait for Commit
				return r.err
			}
			return stream.ErrClosed
		}},
		{"Commit", func() error { return tx.Commit(t.ctx, nil, stream.Checkpoint{}) }},
	}
}

// lagAfterClose asks a consumer of a closed backend for its lag.
func (t *T) lagAfterClose(c stream.Consumer) error {
	if _, ok := t.Backend.(stream.LagReader); !ok {
		return stream.ErrClosed // there is no such handle
	}
	_, err := c.Lag(t.ctx)
	return err
}

// ensureAfterClose makes a stream on a closed backend.
func (t *T) ensureAfterClose() error {
	if _, ok := t.Backend.(stream.Ensurer); !ok {
		return stream.ErrClosed // there is no such handle
	}
	return stream.EnsureStream(t.ctx, t.Backend, stream.StreamConfig{Name: t.name("late")})
}

// backendClose is a ladder: every handle is taken, the backend is closed, and every handle is used by other goroutines.
func backendClose(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 3)...)
	sink, producer := t.sink(name), t.producer(stream.ProducerConfig{})
	reader := t.consumer(stream.ConsumerConfig{Group: t.name("group"), Streams: []string{name}})
	source := t.source(t.sourceConfig("", name))
	claim, err := source.Next(t.ctx)
	t.ok(err, "Next")
	_, err = claim.Fetch(t.ctx, make([]stream.Record, 10))
	t.ok(err, "Fetch")
	transactional := t.transactionLadder(name)
	waiting := make(chan error, 1)
	go func() {
		_, err := source.Next(t.ctx)
		waiting <- err
	}()
	inRun, ran := make(chan struct{}), make(chan error, 1)
	go func() {
		ran <- reader.Run(t.ctx, func(ctx context.Context, p *stream.Partition) error {
			close(inRun)
			for _, err := range p.Records(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	select {
	case <-inRun:
	case <-t.ctx.Done():
		t.fatal("the consumer was granted nothing")
	}

	first := t.atOnce("Close", t.Backend.Close)
	second := t.atOnce("a second Close", t.Backend.Close)
	t.check(errors.Is(second, first) || first == nil && second == nil,
		"the first Close returned %v, the second %v", first, second)

	closed := func(what string, err error) {
		t.is(err, stream.ErrClosed, "%s after the backend's Close", what)
		t.answer(what+" after the backend's Close", err)
	}
	closed("a waiting Next", t.atOnce("a waiting Next", func() error { return <-waiting }))
	closed("Run", t.atOnce("Run", func() error { return <-ran }))
	for _, rung := range append(transactional, []rung{
		{"Capabilities", func() error { _, err := t.Backend.Capabilities(t.ctx, name); return err }},
		{"OpenSink", func() error { _, err := t.Backend.OpenSink(t.ctx, t.sinkConfig(name)); return err }},
		{"OpenSource", func() error { _, err := t.Backend.OpenSource(t.ctx, t.sourceConfig("", name)); return err }},
		{"Next", func() error { _, err := source.Next(t.ctx); return err }},
		{"Sink.Append", func() error { return t.appendOne(sink, plain(name, "k", "late")) }},
		{"Send", func() error { return producer.Send(t.ctx, plain(name, "k", "late")) }},
		{"a new Run", func() error {
			return reader.Run(t.ctx,
				func(context.Context, *stream.Partition) error { return nil })
		}},
		{"Lag", func() error { return t.lagAfterClose(reader) }},
		{"EnsureStream", func() error { return t.ensureAfterClose() }},
	}...) {
		closed(rung.what, t.atOnce(rung.what, rung.use))
	}
	for _, rung := range []rung{
		{"Fetch", func() error { _, err := claim.Fetch(t.ctx, make([]stream.Record, 1)); return err }},
		{"Checkpoint", func() error { return claim.Checkpoint(t.ctx, stream.Checkpoint{}) }},
	} {
		err := t.atOnce(rung.what, rung.use)
		t.answer(rung.what+" after the backend's Close", err)
		over := errors.Is(err, stream.ErrClosed) || errors.Is(err, stream.ErrLost)
		t.check(over && !errors.Is(err, io.EOF), "%s after the backend's Close: want closed or lost, got %v", rung.what, err)
	}
	for what, use := range map[string]func() error{
		"Flush":        func() error { return sink.Flush(t.ctx) },
		"Sink.Close":   func() error { return sink.Close(t.ctx) },
		"Source.Close": func() error { return source.Close(t.ctx) },
		"Release":      func() error { return claim.Release(t.ctx, false) },
	} {
		_ = t.atOnce(what, use) // what is closed may be closed, flushed and released again
	}
}

// appendOne appends a record and returns its answer.
func (t *T) appendOne(s stream.Sink, rec *stream.Record) error {
	a := newAcks()
	s.Append(t.ctx, []*stream.Record{rec}, a.done)
	list := a.wait(t.ctx, 1)
	if len(list) == 0 {
		return errors.New("there is no answer")
	}
	return list[0].err
}

// prompt is how long "at once" may take.
const prompt = time.Second

// atOnce runs f on another goroutine and fails if it takes its time.
func (t *T) atOnce(what string, f func() error) error {
	answered := make(chan error, 1)
	begun := time.Now()
	go func() { answered <- f() }()
	timer := time.NewTimer(2 * patience) // f ends with t.ctx, if not before
	defer timer.Stop()
	select {
	case err := <-answered:
		if took := time.Since(begun); took > prompt {
			t.fail("%s took %v", what, took)
		}
		return err
	case <-timer.C:
		t.fatal("%s did not return", what)
		return nil
	}
}
