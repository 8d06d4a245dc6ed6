package streamtest

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func flagRules() []rule {
	flag := func(name, sentence string, holds, lacks func(*T, string)) rule {
		return rule{capability + name, sentence, []string{name}, flagRule(name, holds, lacks)}
	}
	return []rule{
		flag("PartitionOrder",
			"a reader gets a partition's records in the order in which they are stored", partitionOrder, nil),
		flag("KeyOrder", "a producer's records of one key are stored in the order in which it sent them", keysInOrder, nil),
		flag("NilKeys", "a record without key is taken, and comes back without", nilKeys, noNilKeys),
		flag("BinaryKeys",
			"any bytes are a key, the empty key and long ones too, and come back exactly", binaryKeys, noBinaryKeys),
		flag("Headers", "headers come back, in order, repeats kept", headers, noHeaders),
		flag("Tombstones", "a nil value comes back nil and an empty one empty", tombstones, noTombstones),
		flag("EventTime", "Record.Time is stored", eventTime, noEventTime),
		flag("Groups", "members share partitions, and checkpoints are kept", groups, noGroups),
		flag("Fencing", "a member that has lost a partition cannot move its checkpoint", fencing, nil),
		flag("IdempotentProduce", "a retry never stores a record twice", idempotent, nil),
		flag("Transactions", "records and a checkpoint become visible together, or never", transactions, noTransactions),
		flag("SeekTime", "reading can start at a time", seekTime, noSeekTime),
		flag("Compaction", "this stream keeps the last record of each key, and earlier ones go", compaction, noCompaction),
		flag("Resharding",
			"partitions can split and merge while in use, and keys keep their order", resharding, noResharding),
		flag("AutoScaling",
			"the service does so by itself", unseen("a service that scales by itself does so in its own time"), nil),
		flag("PushDelivery",
			"the service pushes records, readers need not poll", unseen("a push looks like a poll from here"), nil),
		flag("LagRecords", "lag is known as a number of records", lagKnown, lagKnown),
		flag("LagTime", "lag is known as a time", lagKnown, lagKnown),
		flag("ThrottleDelay", "the service slows a user down by late "+
			"answers (Kafka's quotas)", unseen("a late answer says nothing of its cause"), nil),
		flag("ThrottleReject",
			"the service refuses what is over its rates, and the library retries (Kinesis)", burst, burst),
		flag("Durability",
			"an acknowledged record survives the loss of a machine", unseen("no machine is lost for a test"), nil),
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
		t.check(first[i-1].Position.Compare(first[i].Position) < 0,
			"the position %v stands before %v", first[i-1].Position, first[i].Position)
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
	p := t.producer(stream.ProducerConfig{Streams: []string{name},
		Require: stream.Requirements{KeyOrder: stream.Emulated}})
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
