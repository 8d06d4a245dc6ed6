package streamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func flagRules() []rule {
	flag := func(name, sentence string, holds, lacks func(*T, string)) rule {
		return rule{capability + name, sentence, []string{name}, flagRule(name, holds, lacks)}
	}
	return []rule{
		flag("PartitionOrder", "a reader gets a partition's records in the order in which they are stored", partitionOrder, nil),
		flag("KeyOrder", "a producer's records of one key are stored in the order in which it sent them", keysInOrder, nil),
		flag("NilKeys", "a record without key is taken, and comes back without", nilKeys, noNilKeys),
		flag("BinaryKeys", "any bytes are a key, the empty key and long ones too, and come back exactly", binaryKeys, noBinaryKeys),
		flag("Headers", "headers come back, in order, repeats kept", headers, noHeaders),
		flag("Tombstones", "a nil value comes back nil and an empty one empty", tombstones, noTombstones),
		flag("EventTime", "Record.Time is stored", eventTime, noEventTime),
		flag("Groups", "members share partitions, and checkpoints are kept", groups, noGroups),
		flag("Fencing", "a member that has lost a partition cannot move its checkpoint", fencing, nil),
		flag("IdempotentProduce", "a retry never stores a record twice", idempotent, nil),
		flag("Transactions", "records and a checkpoint become visible together, or never", transactions, noTransactions),
		flag("SeekTime", "reading can start at a time", seekTime, noSeekTime),
		flag("Compaction", "this stream keeps the last record of each key, and earlier ones go", compaction, noCompaction),
		flag("Resharding", "partitions can split and merge while in use, and keys keep their order", resharding, noResharding),
		flag("AutoScaling", "the service does so by itself", unseen("a service that scales by itself does so in its own time"), nil),
		flag("PushDelivery", "the service pushes records, readers need not poll", unseen("a push looks like a poll from here"), nil),
		flag("LagRecords", "lag is known as a number of records", lagKnown, lagKnown),
		flag("LagTime", "lag is known as a time", lagKnown, lagKnown),
		flag("ThrottleDelay", "the service slows a user down by late answers (Kafka's quotas)", unseen("a late answer says nothing of its cause"), nil),
		flag("ThrottleReject", "the service refuses what is over its rates, and the library retries (Kinesis)", burst, burst),
		flag("Durability", "an acknowledged record survives the loss of a machine", unseen("no machine is lost for a test"), nil),
	}
}

// unseen is the test of what cannot be seen from a backend's user.
func unseen(why string) func(*T, string) {
	return func(t *T, _ string) { t.partly("%s", why) }
}

// returned stores one record and reads it back.
func (t *T) returned(rec *stream.Record) (stream.Record, bool) {
	t.send(rec)
	recs := all(t.read(rec.Stream))
	if len(recs) == 0 {
		t.fail("a record was stored and does not come back")
		return stream.Record{}, false
	}
	return recs[len(recs)-1], true
}

func partitionOrder(t *T, _ string) {
	name := t.stream(1)
	s := t.sink(name)
	a, recs := newAcks(), numbered(name, 3, 50)
	s.Append(t.ctx, recs, a.done)
	t.is(s.Flush(t.ctx), nil, "Flush")
	first, second := all(t.read(name)), all(t.read(name))
	same := func(x, y stream.Record) bool { return x.Position == y.Position && bytes.Equal(x.Value, y.Value) }
	t.check(slices.EqualFunc(first, second, same), "two readers got different records, or in different order")
	for i := 1; i < len(first); i++ {
		t.check(first[i-1].Position.Compare(first[i].Position) < 0, "the position %v stands before %v", first[i-1].Position, first[i].Position)
	}
	t.placed(name, a)
	t.positionText(name, first)
}

// positionText reads on after a position that was text in between, as in another process.
func (t *T) positionText(name string, recs []stream.Record) {
	b := t.Backend
	if t.Reopen != nil {
		other, err := t.Reopen(t.ctx)
		t.ok(err, "Reopen")
		t.cleanup(func() { _ = other.Close() })
		b = other
	}
	for _, i := range []int{0, len(recs) / 2, len(recs) - 1} {
		text, err := recs[i].Position.MarshalText()
		t.ok(err, "the text of a position")
		var at stream.Position
		t.ok(at.UnmarshalText(text), "a position from its text %q", text)
		t.check(at == recs[i].Position, "the position %v came back from its text as %v", recs[i].Position, at)
		rest := all(t.readWith(b, stream.ConsumerConfig{
			Streams: []string{name}, Partitions: []string{recs[i].Partition}, Start: stream.After(at),
		}))
		same := func(x, y stream.Record) bool { return bytes.Equal(x.Value, y.Value) }
		t.check(slices.EqualFunc(rest, recs[i+1:], same), "after the %dth of %d records came %d", i+1, len(recs), len(rest))
	}
}

func keysInOrder(t *T, name string) {
	t.producesInOrder(name)
	t.inTrouble(func(t *T) { t.producesInOrder(t.stream(3)) })
}

func (t *T) producesInOrder(name string) {
	p := t.producer(stream.ProducerConfig{Streams: []string{name}, Require: stream.Requirements{KeyOrder: stream.Emulated}})
	a, recs := newAcks(), numbered(name, 8, 50)
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for i := k; i < len(recs); i += 8 {
				p.SendAsync(t.ctx, recs[i], a.done)
			}
		})
	}
	wg.Wait()
	t.is(p.Flush(t.ctx), nil, "Flush")
	t.sameOrder(name, recs, a)
	where := map[string]string{}
	for _, rec := range all(t.read(name)) {
		before, seen := where[string(rec.Key)]
		t.check(!seen || before == rec.Partition, "the key %q is in partitions %q and %q", rec.Key, before, rec.Partition)
		where[string(rec.Key)] = rec.Partition
	}
}

func nilKeys(t *T, name string) {
	rec, ok := t.returned(&stream.Record{Stream: name, Value: []byte("no key")})
	t.check(!ok || rec.Key == nil, "a record without key came back with %q", rec.Key)
	t.answer("a record without key", nil)
}

// refused fails unless sending a record is ErrUnsupported, and nothing is stored.
func (t *T) refused(what string, rec *stream.Record) {
	before := len(all(t.read(rec.Stream)))
	p := t.producer(stream.ProducerConfig{})
	err := p.Send(t.ctx, rec)
	t.is(err, stream.ErrUnsupported, "%s, which is not claimed", what)
	t.is(t.appendOne(t.sink(), rec), stream.ErrUnsupported, "%s, which is not claimed, by Append", what)
	t.answer(what, err)
	t.check(len(all(t.read(rec.Stream))) == before, "%s was refused, and is stored", what)
}

func noNilKeys(t *T, name string) {
	t.refused("a record without key", &stream.Record{Stream: name, Value: []byte("no key")})
}

// oddKeys are keys that are easily mangled.
func oddKeys() map[string]string {
	return map[string]string{
		"empty": "", "NUL": "\x00", "no UTF-8": "\xff\xfe\x80", "newline": "a\nb", "line separator": "a\u2028b",
		"composed": "\u00e9", "decomposed": "e\u0301", "512 bytes of UTF-8": strings.Repeat("\u00e9", 256),
		"257 characters": strings.Repeat("k", 257), "4 KiB": strings.Repeat("\x80", 4<<10),
		"replacement character": "\ufffd", "byte order mark": "\ufeff", "spaces": "  ",
	}
}

func binaryKeys(t *T, name string) {
	keys := oddKeys()
	for what, key := range keys {
		t.keyComesBack(name, what, key)
	}
	seen := map[string]bool{}
	for _, rec := range all(t.read(name)) {
		seen[string(rec.Key)] = true
	}
	t.check(len(seen) == len(keys), "%d different keys came back as %d", len(keys), len(seen))
}

// keyComesBack sends a record and fails if it is taken and its key changed. It reports what Send said.
func (t *T) keyComesBack(name, what, key string) error {
	p := t.producer(stream.ProducerConfig{})
	rec := &stream.Record{Stream: name, Key: []byte(key), Value: []byte("key: " + what)}
	err := p.Send(t.ctx, rec)
	t.answer("a key that is "+what, err)
	if err != nil {
		return err
	}
	for _, have := range all(t.read(name)) {
		if bytes.Equal(have.Value, rec.Value) {
			t.check(have.Key != nil && string(have.Key) == key, "the key %q (%s) came back as %q (nil: %t)", key, what, have.Key, have.Key == nil)
			return nil
		}
	}
	t.fail("a record whose key is %s does not come back", what)
	return nil
}

func noBinaryKeys(t *T, name string) {
	taken := 0
	for what, key := range oddKeys() {
		err := t.keyComesBack(name, what, key)
		if err == nil {
			taken++
			continue
		}
		refused := errors.Is(err, stream.ErrUnsupported) || errors.Is(err, stream.ErrTooLarge)
		t.check(refused, "a key that is %s: want unsupported or too large, got %v", what, err)
	}
	t.check(taken < len(oddKeys()), "binary keys are not claimed, and every one was taken and came back: the claim is too weak")
}

// maxHeaders is how many headers a record has at most, on any backend.
const maxHeaders = 128

func headers(t *T, name string) {
	sent := []stream.Header{
		{Key: "b", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "b", Value: []byte("1")}, {Key: "b", Value: []byte("0")},
		{Key: "", Value: []byte("no name")}, {Key: "binary", Value: []byte("\x00\xff")}, {Key: "empty", Value: []byte{}}, {Key: "nil"},
	}
	if rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte("v"), Headers: sent}); ok {
		same := func(x, y stream.Header) bool { return x.Key == y.Key && bytes.Equal(x.Value, y.Value) }
		t.check(slices.EqualFunc(rec.Headers, sent, same), "the headers %q came back as %q", sent, rec.Headers)
	}
	t.answer("a record with a header", nil)
	if rec, ok := t.returned(plain(name, "k", "none")); ok {
		t.check(len(rec.Headers) == 0, "a record without headers came back with %q", rec.Headers)
	}
	most := make([]stream.Header, maxHeaders+1)
	for i := range most {
		most[i] = stream.Header{Key: fmt.Sprint(i), Value: []byte("v")}
	}
	p := t.producer(stream.ProducerConfig{})
	rec := func(n int) *stream.Record {
		return &stream.Record{Stream: name, Key: []byte("k"), Value: []byte("many"), Headers: most[:n]}
	}
	t.is(p.Send(t.ctx, rec(maxHeaders)), nil, "a record with %d headers", maxHeaders)
	t.is(p.Send(t.ctx, rec(maxHeaders+1)), stream.ErrTooLarge, "a record with %d headers", maxHeaders+1)
}

func noHeaders(t *T, name string) {
	t.refused("a record with a header", &stream.Record{
		Stream: name, Key: []byte("k"), Value: []byte("v"), Headers: []stream.Header{{Key: "a", Value: []byte("1")}},
	})
	t.emptyComesBack(name)
}

func tombstones(t *T, name string) {
	rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k")})
	t.check(!ok || rec.Value == nil, "a nil value came back as %q, which is not nil", rec.Value)
	t.answer("a nil value", nil)
	t.emptyComesBack(name)
}

// emptyComesBack is true of every backend: an empty value is empty, and not nil.
func (t *T) emptyComesBack(name string) {
	rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte{}})
	t.check(!ok || rec.Value != nil && len(rec.Value) == 0, "an empty value came back as %q (nil: %t)", rec.Value, rec.Value == nil)
}

func noTombstones(t *T, name string) {
	t.refused("a nil value", &stream.Record{Stream: name, Key: []byte("k")})
	t.emptyComesBack(name)
}

func eventTime(t *T, name string) {
	for _, at := range []time.Time{
		time.Now().Add(-time.Hour).Truncate(time.Millisecond), time.Date(1999, 9, 9, 1, 46, 40, 123e6, time.UTC), time.UnixMilli(1),
	} {
		rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte("v"), Time: at})
		t.check(!ok || rec.Time.Equal(at), "the time %v came back as %v", at, rec.Time)
	}
	fine := time.Now().Add(-time.Minute).Truncate(time.Second).Add(1999 * time.Microsecond)
	if rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte("v"), Time: fine}); ok {
		t.check(rec.Time.Equal(fine.Truncate(time.Millisecond)), "the time %v is not kept to the millisecond: %v", fine, rec.Time)
	}
	t.arrival(name)
}

// arrival sends a record without a time, which gets the clock's.
func (t *T) arrival(name string) {
	const skew = 15 * time.Minute // what services allow between their clock and ours
	if rec, ok := t.returned(plain(name, "k", "now")); ok {
		off := time.Since(rec.Time).Abs()
		t.check(off < skew, "a record without time came back with %v, which is %v from now", rec.Time, off)
	}
}

func noEventTime(t *T, name string) {
	t.refused("a record with a time of its own", &stream.Record{
		Stream: name, Key: []byte("k"), Value: []byte("v"), Time: time.Now().Add(-time.Hour),
	})
	t.arrival(name)
}

func groups(t *T, name string) {
	recs := numbered(name, 8, 10)
	t.send(recs[:40]...)
	group := t.name("group")
	var mu sync.Mutex
	seen := map[string]int{}
	for range 2 { // the second reading goes on where the first was done
		read := t.groupRead(group, name)
		mu.Lock()
		for _, rec := range all(read) {
			seen[string(rec.Value)]++
		}
		mu.Unlock()
		t.send(recs[40:]...)
		recs = recs[:40]
	}
	for value, n := range seen {
		t.check(n == 1, "%q was delivered %d times to a group that had checkpointed it", value, n)
	}
	t.check(len(seen) == 80, "80 records were stored, and the group got %d", len(seen))
	other := all(t.groupRead(t.name("other"), name))
	t.check(len(other) >= 80, "another group got %d of 80 records", len(other))
}

// groupRead reads to the end as a group, and checkpoints everything.
func (t *T) groupRead(group, name string) map[string][]stream.Record {
	var mu sync.Mutex
	read := map[string][]stream.Record{}
	c := t.consumer(stream.ConsumerConfig{Group: group, Streams: []string{name}, End: stream.Latest()})
	err := c.Run(t.ctx, func(ctx context.Context, p *stream.Partition) error {
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			p.Done(rec)
			mu.Lock()
			read[p.Name] = append(read[p.Name], *rec)
			mu.Unlock()
		}
		return nil
	})
	t.is(err, nil, "Run of a group to the end")
	return read
}

func noGroups(t *T, name string) {
	_, err := t.Backend.OpenSource(t.ctx, t.sourceConfig(t.name("group"), name))
	t.is(err, stream.ErrUnsupported, "OpenSource with a group, which is not claimed")
	t.answer("OpenSource with a group", err)
}

func fencing(t *T, _ string) {
	name := t.stream(1)
	t.send(numbered(name, 1, 10)...)
	group := t.name("group")
	c := t.sourceConfig(group, name)
	claim, recs := t.claimed(t.source(c))
	switch {
	case t.Expel != nil:
		t.ok(t.Expel(c.Group, c.Member), "Expel")
	case t.Crash != nil:
		t.ok(t.Crash(c.Group, c.Member), "Crash")
	default:
		t.cannot("the harness has neither Expel nor Crash")
	}
	source := t.source(t.sourceConfig(group, name))
	next, again := t.claimed(source)
	t.check(again[0].Position.Compare(recs[0].Position) == 0, "nothing was checkpointed, and the next holder begins at %v", again[0].Position)
	t.is(next.Checkpoint(t.ctx, stream.Checkpoint{Position: again[0].Position}), nil, "the new holder's Checkpoint")
	err := claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[len(recs)-1].Position})
	t.is(err, stream.ErrLost, "Checkpoint of a member that has lost the partition")
	t.answer("Checkpoint of a member that has lost the partition", err)
	t.is(next.Release(t.ctx, false), nil, "Release")
	t.is(source.Close(t.ctx), nil, "Close")
	saved := t.savedOf(t.source(t.sourceConfig(group, name)), next.Hold().Partition)
	t.check(saved.Compare(again[0].Position) == 0, "the checkpoint moved from %v to %v", again[0].Position, saved)
}

func idempotent(t *T, name string) {
	t.storesOnce(name)
	t.inTrouble(func(t *T) { t.storesOnce(t.stream(3)) })
}

func (t *T) storesOnce(name string) {
	s := t.sink(name)
	a, recs := newAcks(), numbered(name, 5, 60)
	for chunk := range slices.Chunk(recs, 7) {
		s.Append(t.ctx, chunk, a.done)
	}
	t.is(s.Flush(t.ctx), nil, "Flush")
	t.stored(name, a)
	for _, r := range a.now() {
		t.check(!r.ack.Duplicate, "a record may be stored twice, says its Ack")
	}
}

func transactions(t *T, name string) {
	_, p := t.transactor(name)
	recs := numbered(name, 2, 5)
	t.is(p.Transact(t.ctx, func(tx stream.Tx) error { return tx.Send(t.ctx, recs...) }), nil, "Transact")
	err := p.Transact(t.ctx, func(tx stream.Tx) error {
		return errors.Join(tx.Send(t.ctx, plain(name, "k", "aborted")), errPlanned)
	})
	t.is(err, errPlanned, "Transact whose function failed")
	t.has(name, recs...)
}

func noTransactions(t *T, name string) {
	c := t.sinkConfig(name)
	c.Transactions = true
	_, err := t.Backend.OpenSink(t.ctx, c)
	t.is(err, stream.ErrUnsupported, "OpenSink for transactions, which are not claimed")
	t.answer("OpenSink for transactions", err)
	p := t.producer(stream.ProducerConfig{Streams: []string{name}})
	err = p.Transact(t.ctx, func(tx stream.Tx) error { return nil })
	t.is(err, stream.ErrUnsupported, "Transact, which is not claimed")
}

// apart is how far apart times are that a service tells apart.
const apart = 50 * time.Millisecond

func seekTime(t *T, name string) {
	old, recent := numbered(name, 4, 5), numbered(name, 4, 10)[20:]
	t.send(old...)
	t.pass(apart)
	at := time.Now()
	t.pass(apart)
	t.send(recent...)
	read := t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}, Start: stream.Since(at)})
	t.only("since a time between", read, recent)
	read = t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}, End: stream.Since(at)})
	t.only("up to a time between", read, old)
	read = t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}, Start: stream.Since(at.Add(-time.Hour))})
	t.only("since an hour ago", read, append(old, recent...))
	read = t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}, Start: stream.Since(time.Now().Add(time.Minute))})
	t.only("since a time to come", read, nil)
}

// pass lets a short time pass.
func (t *T) pass(d time.Duration) {
	if t.Pass != nil {
		t.Pass(d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// only fails unless just these records were read, in whatever order of keys.
func (t *T) only(what string, read map[string][]stream.Record, want []*stream.Record) {
	have := map[string]int{}
	for _, rec := range all(read) {
		have[string(rec.Value)]++
	}
	for _, rec := range want {
		t.check(have[string(rec.Value)] == 1, "%s, %q came %d times", what, rec.Value, have[string(rec.Value)])
		delete(have, string(rec.Value))
	}
	t.check(len(have) == 0, "%s, %d records too many came", what, len(have))
}

func noSeekTime(t *T, name string) {
	c := t.sourceConfig("", name)
	c.Start = stream.Since(time.Now().Add(-time.Hour))
	_, err := t.Backend.OpenSource(t.ctx, c)
	t.is(err, stream.ErrUnsupported, "OpenSource since a time, which is not claimed")
	t.answer("OpenSource since a time", err)
}

func compaction(t *T, name string) {
	recs := numbered(name, 3, 20)
	t.send(recs...)
	read := t.read(name)
	for _, rec := range recs[len(recs)-3:] { // of each key the last
		have := values(read, string(rec.Key))
		t.check(len(have) > 0 && have[len(have)-1] == string(rec.Value), "the last record of key %q is gone", rec.Key)
	}
}

func noCompaction(t *T, name string) {
	recs := numbered(name, 3, 20)
	t.send(recs...)
	t.settle()
	t.has(name, recs...)
	c := stream.StreamConfig{Name: t.name("compacted"), Compacted: true}
	err := t.MakeStream(t.ctx, c)
	t.answer("a compacted stream", err)
	if err != nil {
		t.is(err, stream.ErrUnsupported, "a compacted stream")
		return
	}
	t.check(t.claims(c.Name, "Compaction"), "a stream that was made compacted is not")
	compaction(t, c.Name)
	noKey := t.producer(stream.ProducerConfig{}).Send(t.ctx, &stream.Record{Stream: c.Name, Value: []byte("v")})
	t.is(noKey, stream.ErrInvalid, "a record without key in a compacted stream")
}

func resharding(t *T, _ string) {
	t.needs(t.Split != nil, "Split")
	name := t.stream(1)
	recs := numbered(name, 8, 20)
	t.send(recs[:80]...)
	t.ok(t.Split(name, t.partitionNames(name)[0]), "Split")
	t.send(recs[80:]...)
	if t.Merge != nil {
		var children []string
		for partition, recs := range t.read(name) {
			if len(recs) == 0 || !bytes.HasSuffix(recs[0].Value, []byte("/0")) {
				children = append(children, partition)
			}
		}
		slices.Sort(children)
		if len(children) == 2 {
			t.ok(t.Merge(name, children[0], children[1]), "Merge of %q", children)
		} else {
			t.fail("a split of one partition made %d", len(children))
		}
	} else {
		t.partly("the harness has no Merge")
	}
	late := numbered(name, 8, 25)[160:]
	t.send(late...)
	t.handedInOrder(name, append(recs, late...))
}

func noResharding(t *T, name string) {
	t.needs(t.Split != nil, "Split, which should be refused")
	for _, partition := range t.partitionNames(name) {
		err := t.Split(name, partition)
		t.is(err, stream.ErrUnsupported, "Split, which is not claimed")
		t.answer("Split", err)
	}
}

// handedInOrder reads as a group, and fails unless each key's records are handed out in their order over all partitions.
func (t *T) handedInOrder(name string, recs []*stream.Record) {
	var mu sync.Mutex
	got := map[string][]string{}
	c := t.consumer(stream.ConsumerConfig{Group: t.name("group"), Streams: []string{name}, End: stream.Latest()})
	err := c.Run(t.ctx, stream.Each(func(_ context.Context, rec *stream.Record) error {
		mu.Lock()
		defer mu.Unlock()
		got[string(rec.Key)] = append(got[string(rec.Key)], string(rec.Value))
		return nil
	}))
	t.is(err, nil, "Run")
	want := map[string][]string{}
	for _, rec := range recs {
		want[string(rec.Key)] = append(want[string(rec.Key)], string(rec.Value))
	}
	for key := range want {
		t.check(slices.Equal(want[key], got[key]), "the records of key %q were handed out as %v", key, got[key])
	}
}

func lagKnown(t *T, name string) {
	t.send(numbered(name, 2, 5)...)
	if t.Pass != nil {
		t.Pass(time.Minute)
	}
	c := stream.ConsumerConfig{Group: t.name("group"), Streams: []string{name}}
	if _, ok := t.Backend.(stream.LagReader); ok {
		t.behind(c, 10, "of a new group")
		return
	}
	_, err := t.consumer(c).Lag(t.ctx)
	t.is(err, stream.ErrUnsupported, "Lag of a backend that is no LagReader")
}

// burst sends more at once than a service with rates takes: whether it refuses or not, all is stored in the end.
func burst(t *T, _ string) {
	name := t.stream(1)
	rate := t.capabilities(name).PartitionWriteRecords.Value
	n := 3000
	if rate > 0 && !t.Bubble {
		n = int(min(3*rate, 20_000))
	}
	s := t.sink(name)
	a := newAcks()
	recs := numbered(name, 10, n/10)
	s.Append(t.ctx, recs, a.done)
	t.is(s.Flush(t.ctx), nil, "Flush")
	for _, r := range a.now() {
		t.is(r.err, nil, "a record of a burst of %d", n)
	}
	t.sameOrder(name, recs, a)
}
