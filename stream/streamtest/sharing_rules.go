package streamtest

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

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
	first := t.source(c)
	claim, recs := t.claimed(first)
	var source stream.Source
	var next stream.Claim
	switch {
	case t.Expel != nil:
		source, next = t.heir(c)
	case t.Crash != nil:
		t.ok(t.Crash(c.Group, c.Member), "Crash")
		source = t.source(t.sourceConfig(group, name))
		next = t.next(source)
	default:
		t.cannot("the harness has neither Expel nor Crash")
	}
	again := t.take(next, 1)
	t.check(again[0].Position.Compare(recs[0].Position) == 0,
		"nothing was checkpointed, and the next holder begins at %v", again[0].Position)
	t.is(next.Checkpoint(t.ctx, stream.Checkpoint{Position: again[0].Position}), nil, "the new holder's Checkpoint")
	err := claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[len(recs)-1].Position})
	t.is(err, stream.ErrLost, "Checkpoint of a member that has lost the partition")
	t.answer("Checkpoint of a member that has lost the partition", err)
	_ = claim.Release(t.ctx, false)
	_ = first.Close(t.ctx) // it may have joined the group again
	t.is(next.Release(t.ctx, false), nil, "Release")
	t.is(source.Close(t.ctx), nil, "Close")
	saved := t.savedOf(t.source(t.sourceConfig(group, name)), next.Hold().Partition)
	t.check(saved.Compare(again[0].Position) == 0, "the checkpoint moved from %v to %v", again[0].Position, saved)
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

// handedInOrder reads as a group, and fails unless each key's records are handed out in order, over all partitions.
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
