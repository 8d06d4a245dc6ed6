package streamtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func sinkRules() []rule {
	return []rule{
		{"DoneOnce", "done runs exactly once for each record, on any goroutine, perhaps before Append returns; " +
			"Ack.Record is the record that was passed, on errors too.", nil, doneOnce},
		{"SliceNotKept", "Append does not keep recs, the slice; it reads the records themselves until their done has " +
			"run, and never writes to them.", nil, sliceNotKept},
		{"AppendWaits", "Append waits for buffer space until ctx ends; a record that found none fails with the " +
			"context's error and is not stored. Nothing else of ctx matters to a record once " +
			"it is accepted.", nil, appendWaits},
		{"KeyOrder", "where Capabilities say KeyOrder, records of one key are stored in the order in which Append took " +
			"them, whatever fails and is retried; a record that fails takes with it every record of its key that was " +
			"accepted before its done returned. Retries are the sink's alone.", []string{"KeyOrder"}, keyOrder},
		{"Outcome", "an error that Is ErrUnknownOutcome means that the record may be stored; every other error, that " +
			"it is not. Ack.Duplicate says that a stored record may stand twice.", []string{"IdempotentProduce"}, outcome},
		{"SizeFirst", "sizes are counted as the service counts them; a record over the limit fails with ErrTooLarge " +
			"before anything is sent, and others of the same call go on.", []string{"MaxRecordBytes"}, sizeFirst},
		{"SinkFlush",
			"Flush returns when every record accepted before it is done, or with the error of ctx.", nil, sinkFlush},
		{"SinkClose", "Close waits until every record is done, and when ctx ends fails the rest. When it returns, " +
			"every done has run. Then Append's records fail with ErrClosed. A second Close returns what the first " +
			"returned.", nil, sinkClose},
	}
}

func doneOnce(t *T) {
	t.answersOnce()
	t.inTrouble((*T).answersOnce)
}

func (t *T) answersOnce() {
	name := t.stream(2)
	s, err := t.Backend.OpenSink(t.ctx, t.sinkConfig())
	t.ok(err, "OpenSink")
	a := newAcks()
	recs := numbered(name, 3, 20)
	twice := plain(name, "k0", "twice")
	recs = append(recs, twice, twice, t.oversize(name), plain(t.name("nowhere"), "k", "v"))
	for _, rec := range recs[:10] {
		s.Append(t.ctx, []*stream.Record{rec}, a.done)
	}
	s.Append(t.ctx, recs[10:], a.done)
	canceled, cancel := context.WithCancel(t.ctx)
	cancel()
	hasty := numbered(name, 1, 2)
	s.Append(canceled, hasty, a.done)
	recs = append(recs, hasty...)
	t.is(s.Close(t.ctx), nil, "Close")
	late := plain(name, "k0", "late")
	s.Append(t.ctx, []*stream.Record{late}, a.done)
	recs = append(recs, late)
	a.wait(t.ctx, len(recs))
	t.settle()
	t.once(a, recs)
}

// settle lets what is under way happen: what must not come would come now.
func (t *T) settle() {
	if t.Pass != nil {
		t.Pass(time.Minute)
		return
	}
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	<-timer.C
}

// oversize is a record over the limit of its stream; where there is no limit, it is an ordinary one.
func (t *T) oversize(name string) *stream.Record {
	limit := t.capabilities(name).MaxRecordBytes.Value
	return &stream.Record{Stream: name, Key: []byte("large"), Value: make([]byte, max(limit, 0)+1)}
}

func sliceNotKept(t *T) {
	name := t.stream(1)
	s := t.sink(name)
	recs := numbered(name, 2, 50)
	before := make([]stream.Record, len(recs))
	for i, rec := range recs {
		before[i] = *rec
		before[i].Key, before[i].Value = slices.Clone(rec.Key), slices.Clone(rec.Value)
	}
	a := newAcks()
	slice := slices.Clone(recs)
	s.Append(t.ctx, slice, a.done)
	clear(slice) // the caller's again
	t.is(s.Flush(t.ctx), nil, "Flush")
	t.once(a, recs)
	for i, rec := range recs {
		t.check(reflect.DeepEqual(*rec, before[i]), "record %d was written to", i)
	}
	t.stored(name, a)
}

func appendWaits(t *T) {
	if t.fillsBuffer() {
		return
	}
	full := false
	t.inTrouble(func(t *T) { full = t.fillsBuffer() })
	if !full && t.Trouble != nil {
		t.partly("a buffer of one record was never full: the backend stores records as they come")
	}
}

// fillsBuffer tries to fill a buffer of one record, and reports whether it was ever full.
func (t *T) fillsBuffer() (filled bool) {
	name := t.stream(1)
	c := t.sinkConfig(name)
	c.BufferedRecords = 1
	s, err := t.Backend.OpenSink(t.ctx, c)
	t.ok(err, "OpenSink")
	accepted, cancel := context.WithCancel(t.ctx)
	a, first := newAcks(), plain(name, "k", "accepted")
	s.Append(accepted, []*stream.Record{first}, a.done)
	cancel() // nothing of it matters to what is accepted
	full := 0
	recs := numbered(name, 2, 1500)
	for chunk := range slices.Chunk(recs, 500) {
		hurry, cancel := context.WithTimeout(t.ctx, 100*time.Microsecond)
		s.Append(hurry, chunk, a.done)
		cancel()
	}
	t.is(s.Close(t.ctx), nil, "Close")
	for _, r := range a.of(first) {
		t.is(r.err, nil, "a record that was accepted before its context ended")
	}
	for _, r := range a.now() {
		if r.err != nil {
			full++
			ended := errors.Is(r.err, context.Canceled) || errors.Is(r.err, context.DeadlineExceeded)
			t.check(ended, "a record that found no space fails with %v", r.err)
		}
	}
	t.once(a, append(recs, first))
	t.stored(name, a)
	return full > 0
}

func keyOrder(t *T) {
	t.ordersKeys()
	t.inTrouble((*T).ordersKeys)
}

func (t *T) ordersKeys() {
	name := t.stream(3)
	if !t.claims(name, "KeyOrder") {
		t.refusesFlag(name, "KeyOrder")
		return
	}
	s := t.sink(name)
	a, recs := newAcks(), numbered(name, 5, 60)
	for i, call := 0, 0; i < len(recs); call++ {
		n := min(1+call*5%11, len(recs)-i) // single records, and batches with several of a key
		batch := recs[i : i+n]
		if call%3 == 0 { // what fails in between must not disturb the others
			batch = append(slices.Clone(batch), t.oversize(name))
		}
		s.Append(t.ctx, batch, a.done)
		i += n
	}
	t.is(s.Flush(t.ctx), nil, "Flush")
	t.sameOrder(name, recs, a)
	if t.Cut == nil {
		return
	}
	c := t.sinkConfig(name)
	c.DeliveryTimeout = 5 * time.Second
	s, err := t.Backend.OpenSink(t.ctx, c)
	t.ok(err, "OpenSink")
	t.cleanup(func() { _ = s.Close(t.ctx) })
	t.orderWhenCut(name, s)
}

// sameOrder fails unless the acknowledged records of each key stand in their order, once each.
func (t *T) sameOrder(name string, recs []*stream.Record, a *acks) {
	read := t.read(name)
	for key, want := range a.goods(recs) {
		have := values(read, key)
		if !t.claims(name, "KeyOrder") { // they all stand there, once or more
			slices.Sort(want)
			slices.Sort(have)
			t.check(slices.Equal(want, slices.Compact(have)), "the records of key %q were appended as %v and %v stand", key, want, have)
			continue
		}
		same := slices.Equal(want, have)
		if t.twice(name) || !t.claims(name, "IdempotentProduce") && a.doubled() {
			same = isReplay(want, have)
		}
		t.check(same, "the records of key %q were appended as %v and stand as %v", key, want, have)
	}
}

// isReplay reports whether have is want, of which parts may have been written again: after each step back all that follows
// comes again. A part is what one request of the backend holds of a key; of each key no more than that is under way.
func isReplay(want, have []string) bool {
	next := 0
	for _, value := range have {
		at := slices.Index(want, value)
		if at < 0 || at > next {
			return false
		}
		next = at + 1
	}
	return next == len(want)
}

// orderWhenCut appends while the backend is off the network, longer than a delivery may take.
func (t *T) orderWhenCut(name string, s stream.Sink) {
	a := newAcks()
	heal, err := t.Cut()
	t.ok(err, "Cut")
	var recs []*stream.Record
	var answered []int // how many answers there were when a record was appended
	for i := range 40 {
		rec := plain(name, "cut", fmt.Sprintf("cut/%d", i))
		recs, answered = append(recs, rec), append(answered, len(a.now()))
		s.Append(t.ctx, []*stream.Record{rec}, a.done)
	}
	replies := a.wait(t.ctx, len(recs))
	heal()
	if len(replies) != len(recs) {
		t.fatal("%d records were appended to a backend that was cut off, and %d answered", len(recs), len(replies))
	}
	failed, lastFailure := false, -1 // among the answers
	for i, rec := range recs {
		at := slices.IndexFunc(replies, func(r reply) bool { return r.ack.Record == rec })
		if replies[at].err != nil {
			failed, lastFailure = true, max(lastFailure, at)
		} else if lastFailure >= answered[i] {
			t.fail("a record is stored, although one of its key that was accepted earlier failed later")
		}
	}
	t.check(failed, "the backend was cut off, and nothing failed")
	t.stored(name, a)
}

func outcome(t *T) {
	t.tellsOutcome()
	t.inTrouble((*T).tellsOutcome)
}

func (t *T) tellsOutcome() {
	name := t.stream(3)
	s := t.sink()
	a := newAcks()
	recs := numbered(name, 4, 50)
	recs = append(recs, t.oversize(name), plain(t.name("nowhere"), "k", "v"))
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(recs, 21) {
		ctx, cancel := context.WithCancel(t.ctx)
		wg.Go(func() { s.Append(ctx, chunk, a.done) })
		wg.Go(cancel)
	}
	wg.Wait()
	t.is(s.Flush(t.ctx), nil, "Flush")
	t.once(a, recs)
	t.stored(name, a)
	for _, r := range a.of(recs[len(recs)-1]) {
		t.check(errors.Is(r.err, stream.ErrNotFound) || errors.Is(r.err, context.Canceled),
			"a record to a stream that does not exist: want not found, got %v", r.err)
	}
	t.placed(name, a)
}

// placed fails unless each record stands where its Ack says, if it says.
func (t *T) placed(name string, a *acks) {
	at := map[string]stream.Record{}
	for _, rec := range all(t.read(name)) {
		at[string(rec.Value)] = rec
	}
	for _, r := range a.now() {
		if r.err != nil || r.ack.Record.Stream != name {
			continue
		}
		rec := at[string(r.ack.Record.Value)]
		t.check(r.ack.Partition == "" || r.ack.Partition == rec.Partition,
			"a record stands in partition %q, its Ack says %q", rec.Partition, r.ack.Partition)
		t.check(r.ack.Position.IsZero() || r.ack.Position.Compare(rec.Position) == 0 || r.ack.Duplicate,
			"a record stands at %v, its Ack says %v", rec.Position, r.ack.Position)
	}
}

func sizeFirst(t *T) {
	name := t.stream(1)
	if t.capabilities(name).MaxRecordBytes.Value <= 0 {
		t.cannot("there is no limit")
	}
	s := t.sink(name)
	a := newAcks()
	recs := []*stream.Record{plain(name, "a", "a/0"), t.oversize(name), plain(name, "b", "b/0")}
	s.Append(t.ctx, recs, a.done)
	t.is(s.Flush(t.ctx), nil, "Flush")
	t.once(a, recs)
	for i, want := range []error{nil, stream.ErrTooLarge, nil} {
		for _, r := range a.of(recs[i]) {
			t.is(r.err, want, "record %d of a call, of which the second is too large", i)
		}
	}
	t.stored(name, a)
	large := t.oversize(name)
	if t.Cut == nil {
		t.quick(large, s)
		return
	}
	heal, err := t.Cut()
	t.ok(err, "Cut")
	defer heal()
	t.quick(large, s)
}

// quick fails unless the refusal of a record that is too large takes no time, as what is sent nowhere.
func (t *T) quick(large *stream.Record, s stream.Sink) {
	err := t.atOnce("the refusal of a record over the limit", func() error { return t.appendOne(s, large) })
	t.is(err, stream.ErrTooLarge, "a record over the limit")
	if t.Cut == nil && !t.Bubble {
		t.partly("the harness has no Cut, so that nobody sees what is sent")
	}
}
