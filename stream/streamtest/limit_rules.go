package streamtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func limitRules() []rule {
	limit := func(name, sentence string, holds func(*T, string, int64)) rule {
		return rule{capability + name, sentence, []string{name}, limitRule(name, holds)}
	}
	return []rule{
		limit("MaxRecordBytes", "of one record, as the backend counts it", maxRecordBytes),
		limit("MaxStateBytes", "of CheckpointState, in the backend; a Checkpointer has its own", maxStateBytes),
		limit("MaxRequestRecords", "of one write request; the library splits", maxRequestRecords),
		limit("MaxRequestBytes", "of one write request; the library splits", maxRequestBytes),
		limit("PartitionWriteBytes", "per second", writeRate),
		limit("PartitionWriteRecords", "per second", writeRate),
		limit("PartitionReadBytes", "per second: of each reader with PushDelivery, of all together without", readRate),
		limit("PartitionReadCalls", "per second, all readers together", readRate),
		{capability + "Retention",
			"Retention is how long a stream keeps records, compaction aside.", []string{"Retention"}, retention},
		{capability + "Partitions", "that take records now; 0: not known", []string{"Partitions"}, partitions},
	}
}

// The most that is sent to try a limit, and the most that a service adds to a record of one key when it counts.
const (
	largestTry = 64 << 20
	overhead   = 1 << 10
)

func maxRecordBytes(t *T, name string, limit int64) {
	if limit <= 0 || limit > largestTry {
		t.partly("a limit of %d bytes (0: none) is not tried", limit)
		return
	}
	s := t.sink(name)
	try := func(n int64) error {
		return t.appendOne(s, &stream.Record{Stream: name, Key: []byte("k"), Value: make([]byte, n)})
	}
	low, high := max(limit-overhead, 0), limit // low is taken, high is not: the key counts
	t.ok(try(low), "a value of %d bytes where %d are allowed", low, limit)
	t.is(try(high), stream.ErrTooLarge, "a value of %d bytes with a key where %d are allowed", high, limit)
	for high-low > 1 {
		mid := (low + high) / 2
		switch err := try(mid); classOf(err) {
		case classOf(nil):
			low = mid
		case classOf(stream.ErrTooLarge):
			high = mid
		default:
			t.fatal("a value of %d bytes: want stored or too large, got %v", mid, err)
		}
	}
	t.answer("what is added to a value at the limit", limit-low)
	largest := 0
	for _, rec := range all(t.read(name)) {
		largest = max(largest, len(rec.Value))
	}
	t.check(int64(largest) == low, "a value of %d bytes was taken, the largest that is stored has %d", low, largest)
	t.is(try(low), nil, "a value of %d bytes", low)
	t.is(try(low+1), stream.ErrTooLarge, "a value of %d bytes", low+1)
}

func maxStateBytes(t *T, name string, limit int64) {
	if !t.claims(name, "Groups") {
		t.cannot("there are no groups, hence no checkpoints")
	}
	t.send(numbered(name, 1, 3)...)
	group := t.name("group")
	source := t.source(t.sourceConfig(group, name))
	claim, recs := t.claimed(source)
	save := func(i int, size int64) error {
		return claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[i].Position, State: make([]byte, size)})
	}
	size := limit
	if limit == 0 {
		size = 1 << 20 // there is no limit
	}
	if limit >= 0 {
		t.is(save(0, size), nil, "a state of %d bytes where %d are allowed", size, limit)
	}
	if limit != 0 {
		err := save(1, max(limit, 0)+1)
		t.is(err, stream.ErrTooLarge, "a state of %d bytes where %d are allowed", max(limit, 0)+1, limit)
		t.answer("a state over the limit", err)
	}
	t.is(claim.Release(t.ctx, false), nil, "Release")
	t.is(source.Close(t.ctx), nil, "Close")
	next, err := t.source(t.sourceConfig(group, name)).Next(t.ctx)
	t.ok(err, "Next")
	saved := next.Hold().Saved
	want := recs[0].Position
	if limit < 0 {
		want, size = stream.Position{}, 0
	}
	t.check(saved.Position.Compare(want) == 0 && int64(len(saved.State)) == size,
		"after a state that was refused, saved is %v with %d bytes, want %v with %d",
		saved.Position, len(saved.State), want, size)
}

func maxRequestRecords(t *T, name string, limit int64) {
	n := int(min(max(limit, 100), 2000)) + 1
	t.oneCall(name, numbered(name, 1, n))
}

func maxRequestBytes(t *T, name string, limit int64) {
	if limit > largestTry {
		t.partly("a limit of %d bytes is not tried", limit)
		return
	}
	size := t.capabilities(name).MaxRecordBytes.Value/2 + 1
	if size == 1 {
		size = 100 << 10
	}
	var recs []*stream.Record
	for total := int64(0); total <= max(limit, 1<<20); total += size {
		rec := plain(name, "k", fmt.Sprintf("%0*d", size, len(recs)))
		recs = append(recs, rec)
	}
	t.oneCall(name, recs)
}

// oneCall passes all records in one call, more than one request takes.
func (t *T) oneCall(name string, recs []*stream.Record) {
	s := t.sink(name)
	a := newAcks()
	s.Append(t.ctx, recs, a.done)
	t.is(s.Flush(t.ctx), nil, "Flush")
	for _, r := range a.now() {
		t.is(r.err, nil, "one of %d records in one call", len(recs))
	}
	t.once(a, recs)
	t.sameOrder(name, recs, a)
}

func writeRate(t *T, _ string, rate int64) {
	begun := time.Now()
	burst(t, "")
	if rate == 0 {
		return
	}
	if !t.claims(t.stream(1), "ThrottleReject") {
		t.partly("a rate that nobody enforces, by ThrottleReject, is not seen")
		return
	}
	if t.capabilities(t.stream(1)).PartitionWriteRecords.Value == 0 {
		t.partly("3000 small records are not over a rate of bytes")
		return
	}
	took := time.Since(begun)
	t.check(!t.Bubble || took >= time.Second,
		"3000 records were stored within %v, against the rates that are claimed", took)
}

func readRate(t *T, _ string, rate int64) {
	if rate != 0 {
		t.partly("the suite does not read fast enough to see a rate")
	}
}

func retention(t *T) {
	name := t.stream(1)
	r := t.capabilities(name).Retention
	known := r.Unlimited || r.Current > 0
	t.answer("claimed", r.Current)
	t.sourced("Retention", r.Source, r.Reason, known)
	switch {
	case !known:
		t.refuses(name, "Retention", 1)
		t.cannot("the backend does not know its retention")
	case r.Bytes > 0:
		t.refuses(name, "Retention", 1)
		t.cannot("records also go by size, so that no time is promised")
	case r.Unlimited:
		t.grants(name, "Retention", -1)
		t.grants(name, "Retention", enough)
	default:
		t.grants(name, "Retention", int64(r.Current))
		t.refuses(name, "Retention", int64(r.Current)+1)
		t.refuses(name, "Retention", -1)
	}
	const longest = 8 * 24 * time.Hour
	keep := min(r.Current, longest)
	if r.Unlimited {
		keep = longest
	}
	t.needs(t.Pass != nil, "Pass, to let retention pass")
	recs := numbered(name, 2, 5)
	t.send(recs...)
	t.Pass(keep - time.Minute)
	t.has(name, recs...)
}

func partitions(t *T) {
	for _, n := range []int{1, 3} {
		name := t.stream(n)
		c := t.capabilities(name)
		if c.Partitions == 0 {
			t.cannot("the backend does not know how many partitions there are")
		}
		t.check(c.Partitions == n, "a stream of %d partitions has %d", n, c.Partitions)
		names := t.partitionNames(name)
		t.check(len(slices.Compact(names)) == n, "a stream of %d partitions is granted as %q", n, names)
	}
	if t.Grow == nil && t.Split == nil {
		t.partly("the harness has neither Grow nor Split")
		return
	}
	name := t.stream(1)
	if t.Grow == nil || t.Grow(name, 2) != nil {
		t.needs(t.Split != nil, "Split")
		t.ok(t.Split(name, t.partitionNames(name)[0]), "Split")
	}
	n := t.capabilities(name).Partitions
	t.check(n == 2, "a partition was split or added, and %d take records", n)
}
