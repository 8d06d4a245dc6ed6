package streamtest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// acks collects what a sink answers. Its done may be called from many goroutines.
type acks struct {
	mu   sync.Mutex // guards what follows
	list []reply
	more chan struct{} // closed and replaced at each answer
}

// A reply is one call of done.
type reply struct {
	ack stream.Ack
	err error
}

func newAcks() *acks { return &acks{more: make(chan struct{})} }

func (a *acks) done(ack stream.Ack, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, reply{ack, err})
	close(a.more)
	a.more = make(chan struct{})
}

// wait waits until there are n answers or ctx ends, and returns them all.
func (a *acks) wait(ctx context.Context, n int) []reply {
	for {
		a.mu.Lock()
		list, more := slices.Clone(a.list), a.more
		a.mu.Unlock()
		if len(list) >= n {
			return list
		}
		select {
		case <-more:
		case <-ctx.Done():
			return list
		}
	}
}

// now returns the answers that are there.
func (a *acks) now() []reply { return a.wait(context.Background(), 0) }

// of gives the answers about one record.
func (a *acks) of(rec *stream.Record) []reply {
	var list []reply
	for _, r := range a.now() {
		if r.ack.Record == rec {
			list = append(list, r)
		}
	}
	return list
}

// once fails unless each record has exactly one answer, and none is about anything else.
func (t *T) once(a *acks, recs []*stream.Record) {
	times := map[*stream.Record]int{}
	for _, r := range a.now() {
		times[r.ack.Record]++
	}
	want := map[*stream.Record]int{}
	for _, rec := range recs {
		want[rec]++
	}
	for rec, n := range want {
		t.check(times[rec] == n, "a record was passed %d times and answered %d times", n, times[rec])
	}
	for rec := range times {
		t.check(want[rec] > 0, "an answer names a record that was not passed: %v", rec)
	}
}

// stored fails unless the stream holds what the answers say: each record that is acknowledged, none that failed, and
// either for an unknown outcome. Values must be unique.
func (t *T) stored(name string, a *acks) {
	count := map[string]int{}
	for _, rec := range all(t.read(name)) {
		count[string(rec.Value)]++
	}
	for _, r := range a.now() {
		if r.ack.Record == nil || r.ack.Record.Stream != name {
			continue
		}
		value := string(r.ack.Record.Value)
		n := count[value]
		switch {
		case r.err == nil && n == 0:
			t.fail("%.80q is acknowledged and not stored", value)
		case r.err == nil && n > 1 && !r.ack.Duplicate:
			t.fail("%.80q is stored %d times, and its Ack says nothing of a duplicate", value, n)
		case r.err != nil && !errors.Is(r.err, stream.ErrUnknownOutcome) && n > 0:
			t.fail("%.80q is stored, although it failed with: %v", value, r.err)
		}
	}
}

// doubled reports whether a record is told to stand twice, perhaps.
func (a *acks) doubled() bool {
	return slices.ContainsFunc(a.now(), func(r reply) bool { return r.ack.Duplicate })
}

// goods are the values that are acknowledged, by key, in the order of recs.
func (a *acks) goods(recs []*stream.Record) map[string][]string {
	good := map[*stream.Record]bool{}
	for _, r := range a.now() {
		if r.err == nil {
			good[r.ack.Record] = true
		}
	}
	values := map[string][]string{}
	for _, rec := range recs {
		if good[rec] {
			values[string(rec.Key)] = append(values[string(rec.Key)], string(rec.Value))
		}
	}
	return values
}
