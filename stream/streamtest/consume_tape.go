package streamtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// A tape writes down what consumers do, in one order.
type tape struct {
	mu     sync.Mutex // guards what follows
	list   []entry
	events []stream.Event
	holds  int
	more   chan struct{} // closed and replaced at each entry and event
}

// An entry is one record in one hold of one member.
type entry struct {
	member string
	hold   int // counts from 1
	rec    stream.Record
}

func newTape() *tape { return &tape{more: make(chan struct{})} }

// begin numbers a hold.
func (p *tape) begin() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
	return p.holds
}

func (p *tape) add(member string, hold int, recs ...stream.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rec := range recs {
		p.list = append(p.list, entry{member, hold, rec})
	}
	p.stir()
}

// observe is a ConsumerConfig.Observe.
func (p *tape) observe(e stream.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	p.stir()
}

// stir wakes those who wait. The caller holds p.mu.
func (p *tape) stir() {
	close(p.more)
	p.more = make(chan struct{})
}

// entries are what is written down by now.
func (p *tape) entries() []entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list)
}

// told gives the events of one kind by now.
func (p *tape) told(kind string) []stream.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []stream.Event
	for _, e := range p.events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// until waits for a condition on the tape, and ends the rule if it does not come true.
func (t *T) until(p *tape, what string, met func() bool) {
	for {
		p.mu.Lock()
		more := p.more
		p.mu.Unlock()
		if met() {
			return
		}
		select {
		case <-more:
		case <-t.ctx.Done():
			t.fatal("waited in vain until %s", what)
		}
	}
}

// handled waits until n different records were written down.
func (t *T) handled(p *tape, n int) {
	t.until(p, fmt.Sprintf("%d different records are handled", n), func() bool { return len(p.values()) >= n })
}

// eventually waits until an event of a kind was told n times.
func (t *T) eventually(p *tape, kind string, n int) {
	t.until(p, fmt.Sprintf("the event %q is told %d times", kind, n), func() bool { return len(p.told(kind)) >= n })
}

// values counts how often each value was written down.
func (p *tape) values() map[string]int {
	times := map[string]int{}
	for _, e := range p.entries() {
		times[string(e.rec.Value)]++
	}
	return times
}

// all is a Handler for a member that writes down every record and then calls after, if it is not nil.
func (p *tape) all(member string, after func(ctx context.Context, q *stream.Partition, rec *stream.Record) error) stream.Handler {
	return func(ctx context.Context, q *stream.Partition) error {
		hold := p.begin()
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			p.add(member, hold, *rec)
			if after == nil {
				continue
			}
			if err := after(ctx, q, rec); err != nil {
				return err
			}
		}
		return nil
	}
}

// save is an after that checkpoints every record.
func save(ctx context.Context, q *stream.Partition, rec *stream.Record) error {
	return q.Checkpoint(ctx, rec)
}

// exactly fails unless each of the values is on the tape exactly once, and nothing else is.
func (t *T) exactly(p *tape, recs []*stream.Record, what string) {
	times := p.values()
	for _, rec := range recs {
		t.check(times[string(rec.Value)] == 1, "%s: %s was handled %d times", what, rec.Value, times[string(rec.Value)])
	}
	t.check(len(times) == len(recs), "%s: %d different records of %d were handled", what, len(times), len(recs))
}

// ordered fails unless the records of each hold stand in partition order.
func (t *T) ordered(entries []entry) {
	last := map[int]stream.Position{}
	for _, e := range entries {
		if last[e.hold].Compare(e.rec.Position) >= 0 {
			t.fail("in one hold %s at %v came after %v", e.rec.Value, e.rec.Position, last[e.hold])
		}
		last[e.hold] = e.rec.Position
	}
}

// inKeyOrder fails if the record comes before one of its key that was sent earlier: the values are key/0, key/1 and on.
// It may come again. Next counts what has come of each key.
func (t *T) inKeyOrder(next map[string]int, rec stream.Record) {
	key, number, _ := strings.Cut(string(rec.Value), "/")
	n, err := strconv.Atoi(number)
	t.check(err == nil && key == string(rec.Key), "a record was altered: key %q, value %q", rec.Key, rec.Value)
	t.check(n <= next[key], "%s/%d was handled before %s/%d", key, n, key, next[key])
	next[key] = max(next[key], n+1)
}
