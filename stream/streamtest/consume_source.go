package streamtest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// next takes the next claim, or ends the rule.
func (t *T) next(s stream.Source) stream.Claim {
	c, err := s.Next(t.ctx)
	t.ok(err, "Next")
	return c
}

// noNext fails if the source grants something within a while.
func (t *T) noNext(s stream.Source, why string) {
	ctx, cancel := context.WithTimeout(t.ctx, 300*time.Millisecond)
	defer cancel()
	c, err := s.Next(ctx)
	if err == nil {
		t.fatal("the partition %s was granted although %s", c.Hold().Partition, why)
	}
	t.is(err, context.DeadlineExceeded, "Next, when its context has ended")
}

func nextGrants(t *T) {
	name := t.stream(3)
	t.send(numbered(name, 12, 10)...)
	t.neverTwice(name)
	one := t.stream(1)
	t.send(numbered(one, 1, 5)...)
	c := t.sourceConfig(t.name("group"), one)
	first := t.source(c)
	over, end := context.WithCancel(t.ctx)
	end()
	_, err := first.Next(over)
	t.is(err, context.Canceled, "Next with a context that has ended")
	claim := t.next(first)
	t.noNext(first, "its member has it already")
	d := c
	d.Member = t.name("member")
	second := t.source(d)
	if !t.asked(claim) {
		t.noNext(second, "another member has it")
		t.ok(first.Close(t.ctx), "Source.Close")
		claim = t.next(second)
	} else {
		t.noNext(second, "it was asked back and is not released")
		t.noNext(first, "it was asked back and is not released")
		t.ok(claim.Release(t.ctx, false), "Release")
		t.ok(first.Close(t.ctx), "Source.Close")
		claim = t.next(second)
	}
	if t.Expel == nil {
		t.partly("the harness cannot expel a member")
		return
	}
	t.ok(t.Expel(c.Group, d.Member), "Expel")
	t.await(claim.Hold().Lost, "the loss of an expelled member's partition")
	t.noNext(second, "its member has not released the claim that it has lost")
	t.ok(claim.Release(t.ctx, false), "Release")
	t.next(second)
}

// asked reports whether the claim is asked back within a while.
func (t *T) asked(claim stream.Claim) bool {
	select {
	case <-claim.Hold().Asked:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
	}
}

// neverTwice has members come and go: no partition is with two handlers at a time.
func (t *T) neverTwice(name string) {
	c := t.group(name)
	p := newTape()
	var mu sync.Mutex
	holders := map[string]string{}
	member := func() *running {
		d := t.another(c)
		return t.on(t.Backend, d, func(ctx context.Context, q *stream.Partition) error {
			mu.Lock()
			t.check(holders[q.Name] == "", "%s was granted the partition %s, which %s had", d.Member, q.Name, holders[q.Name])
			holders[q.Name] = d.Member
			mu.Unlock()
			err := p.all(d.Member, func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
				t.sleep(time.Millisecond)
				return q.Checkpoint(ctx, rec)
			})(ctx, q)
			mu.Lock()
			holders[q.Name] = ""
			mu.Unlock()
			return err
		})
	}
	members := []*running{member()}
	for i := range 5 {
		t.handled(p, 20*(i+1))
		members = append(members, member())
		if i%2 == 1 {
			t.is(members[i/2].end(), nil, "Run of a member that leaves")
		}
	}
	t.handled(p, 120)
	for _, m := range members {
		t.is(m.end(), nil, "Run")
	}
}

func nextChildren(t *T) {
	t.needs(t.Split != nil, "Split")
	if !t.splits() {
		t.notClaimed("Resharding")
	}
	name := t.stream(1)
	old := numbered(name, 12, 2)
	t.send(old...)
	t.apart()
	parent := t.partitionNames(name)[0]
	c := t.group(name)
	c.Start = stream.Latest()
	p := newTape()
	c.Observe = p.observe
	free := make(chan struct{})
	r := t.on(t.Backend, c, p.all("", func(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
		if q.Name == parent {
			<-free // in its handler while the split is seen
		}
		return q.Checkpoint(ctx, rec)
	}))
	t.eventually(p, stream.EventGranted, 1)
	t.send(numbered(name, 12, 3)[24:]...)
	t.handled(p, 1)
	t.ok(t.Split(name, parent), "Split")
	t.send(numbered(name, 12, 4)[36:]...)
	t.sleep(2 * time.Second)
	t.check(len(p.told(stream.EventGranted)) == 1, "a child was granted before its parent was finished")
	close(free)
	t.handled(p, 24)
	children := map[string]bool{}
	for _, e := range p.entries() {
		if e.rec.Partition != parent {
			children[e.rec.Partition] = true
		}
	}
	t.check(len(children) == 2, "the parent was split into %d partitions that have records", len(children))
	t.eventually(p, stream.EventEnded, 1)
	if t.Merge != nil && len(children) == 2 {
		t.mergesLate(name, p, slices.Sorted(maps.Keys(children)))
	} else {
		t.partly("the harness has no Merge")
	}
	t.is(r.end(), nil, "Run")
	next := map[string]int{}
	for _, e := range p.entries() {
		if !strings.HasSuffix(string(e.rec.Value), "/0") && !strings.HasSuffix(string(e.rec.Value), "/1") {
			key := string(e.rec.Key)
			next[key] = max(next[key], 2)
			t.inKeyOrder(next, e.rec)
			continue
		}
		t.fail("a group born at the end was given %s, which is older", e.rec.Value)
	}
	t.trimmedParent()
}

// splits reports whether partitions can be split here; some services, such as Kafka, cannot.
func (t *T) splits() bool {
	if t.Split == nil {
		return false
	}
	name := t.stream(1)
	err := t.Split(name, t.partitionNames(name)[0])
	if !errors.Is(err, stream.ErrUnsupported) {
		t.ok(err, "Split")
	}
	return err == nil
}

// mergesLate merges the children while one of them is not finished.
func (t *T) mergesLate(name string, p *tape, children []string) {
	before := len(p.told(stream.EventGranted))
	t.ok(t.mergeAny(name, children[0], children[1]), "Merge")
	t.send(numbered(name, 12, 5)[48:]...)
	t.handled(p, 36)
	granted := p.told(stream.EventGranted)[before:]
	t.check(len(granted) == 1, "a merge was granted as %d partitions", len(granted))
	ended := map[string]bool{}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		switch {
		case e.Kind == stream.EventEnded:
			ended[e.Partition] = true
		case e.Kind == stream.EventGranted && len(granted) > 0 && e.Partition == granted[0].Partition:
			t.check(ended[children[0]] && ended[children[1]],
				"the merged partition was granted before both of its parents had ended")
		}
	}
}

// trimmedParent has retention take all of a parent, and a reading that names the children only.
func (t *T) trimmedParent() {
	name := t.stream(1)
	t.send(numbered(name, 8, 1)...)
	parent := t.partitionNames(name)[0]
	t.ok(t.Split(name, parent), "Split")
	t.send(numbered(name, 8, 2)[8:]...)
	children := slices.DeleteFunc(slices.Sorted(maps.Keys(t.read(name))), func(s string) bool { return s == parent })
	p := newTape()
	for _, child := range children {
		c := stream.ConsumerConfig{Streams: []string{name}, Partitions: []string{child}}
		t.is(t.toEnd(c, p.all("", nil)), nil, "Run of one child alone")
	}
	t.check(len(p.values()) == 8, "the children alone have %d of 8 records", len(p.values()))
}

// endsSource is about Next itself: it is io.EOF when the last partition is given back as finished, not before.
// appearsLater adds partitions: they are read from their beginning, by a group that began at the end too.
func liveName(t *T) {
	name := t.stream(1)
	t.send(numbered(name, 1, 3)...)
	c := t.sourceConfig(t.name("group"), name)
	first := t.source(c)
	claim := t.next(first)
	_, err := t.Backend.OpenSource(t.ctx, c)
	t.is(err, stream.ErrInvalid, "OpenSource under a name that is alive")
	t.answer("OpenSource under a name that is alive", err)
	n, err := claim.Fetch(t.ctx, make([]stream.Record, 1))
	t.check(n == 1 && err == nil, "the member that was there first cannot read any more: %v", err)
	other := c
	other.Group = t.name("group")
	t.next(t.source(other))
	t.ok(claim.Release(t.ctx, false), "Release")
	t.ok(first.Close(t.ctx), "Source.Close")
	t.next(t.source(c))
}

func sourceClose(t *T) {
	name := t.stream(2)
	t.send(numbered(name, 4, 3)...)
	c := t.sourceConfig(t.name("group"), name)
	first := t.source(c)
	n := len(t.partitionNames(name))
	for range n {
		t.next(first)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := first.Next(t.ctx)
		waiting <- err
	}()
	t.sleep(10 * time.Millisecond)
	t.is(first.Close(t.ctx), nil, "Source.Close")
	t.is(<-waiting, stream.ErrClosed, "a Next that was waiting when the source was closed")
	_, err := first.Next(t.ctx)
	t.is(err, stream.ErrClosed, "Next after Close")
	t.is(first.Close(t.ctx), nil, "a second Close")
	c.Member = t.name("member")
	second := t.source(c)
	_ = t.within(2*time.Second, "granting what a member that left had", func() error {
		for range n {
			t.next(second)
		}
		return nil
	})
}
