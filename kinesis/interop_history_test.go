package kinesis_test

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// A happening is something that a worker did: "granted", "record", "saved" (all that it was given in this hold) or
// "ended".
type happening struct {
	kind, worker, shard string
	at                  stream.Position // of a record
	key, value          string          // of a record
}

// A stored record is one that the service has accepted.
type stored struct {
	at         stream.Position
	key, value string
}

// A history is what was stored in a stream and what workers that share it did, in the order in which it was seen. The
// value of a record is its key, a slash and how many of the key were stored before it. Methods may be called from many
// goroutines.
type history struct {
	mu      sync.Mutex // guards what follows
	stored  map[string][]stored
	events  []happening
	parents map[string][]string
	changed chan struct{} // closed at the next change
}

func newHistory() *history {
	return &history{stored: map[string][]stored{}, parents: map[string][]string{}, changed: make(chan struct{})}
}

// store notes a record that the service has accepted.
func (h *history) store(shard string, s stored) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stored[shard] = append(h.stored[shard], s)
}

// replace notes which shards a shard replaces.
func (h *history) replace(child string, parents ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parents[child] = parents
}

// add notes what a worker did.
func (h *history) add(e happening) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	close(h.changed)
	h.changed = make(chan struct{})
}

// A trace is how far a shard has come in a history.
type trace struct {
	stored    []stored
	delivered int            // the records up to this index were given to somebody
	saved     int            // and up to this one somebody has checkpointed them
	holder    string         // who was granted the shard last
	savedBy   string         // who saved last
	last      map[string]int // by worker: the index behind the last record that it was given in this hold; -1: none yet
}

// check returns every rule that the history breaks. With whole, everything must have been delivered and saved. Redelivered
// is how many records came again.
func (h *history) check(whole bool) (redelivered int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := checking{traces: map[string]*trace{}, parents: h.parents, next: map[string]int{}}
	for shard, all := range h.stored {
		all = slices.Clone(all)
		sort.Slice(all, func(i, j int) bool { return all[i].at.Compare(all[j].at) < 0 })
		c.traces[shard] = &trace{stored: all, last: map[string]int{}}
	}
	for _, e := range h.events {
		c.event(e)
	}
	if whole {
		c.end()
	}
	return c.again, errors.Join(c.wrong...)
}

// A checking is a history being checked.
type checking struct {
	traces  map[string]*trace
	parents map[string][]string
	next    map[string]int // by key: the number of the record that nobody was given yet
	again   int
	wrong   []error
}

// mostWrong bounds the breaches that are told.
const mostWrong = 10

func (c *checking) fail(format string, args ...any) {
	if len(c.wrong) < mostWrong {
		c.wrong = append(c.wrong, fmt.Errorf(format, args...))
	}
}

func (c *checking) trace(shard string) *trace {
	t := c.traces[shard]
	if t == nil {
		t = &trace{last: map[string]int{}}
		c.traces[shard] = t
	}
	return t
}

func (c *checking) event(e happening) {
	t := c.trace(e.shard)
	switch e.kind {
	case "granted":
		t.last[e.worker], t.holder = -1, e.worker
	case "record":
		c.record(t, e)
	case "saved":
		if t.savedBy == t.holder && t.holder != e.worker {
			c.fail("%s: %s saved although %s holds it and has saved", e.shard, e.worker, t.holder)
		}
		if n := t.last[e.worker]; n >= 0 {
			t.saved, t.savedBy = max(t.saved, n), e.worker
		}
	}
}

// record checks one delivery: in a hold nothing is skipped or comes twice, and the first record is neither behind one that
// nobody was given, nor one that was checkpointed before.
func (c *checking) record(t *trace, e happening) {
	i, found := slices.BinarySearchFunc(t.stored, e.at, func(s stored, at stream.Position) int {
		return s.at.Compare(at)
	})
	if !found {
		c.fail("%s: %s was given a record at %v, where none was stored", e.shard, e.worker, e.at)
		return
	}
	if s := t.stored[i]; s.key != e.key || s.value != e.value {
		c.fail("%s: %s was given another record at %v than was stored: %q of %q, not %q of %q",
			e.shard, e.worker, e.at, e.value, e.key, s.value, s.key)
	}
	last, granted := t.last[e.worker]
	switch {
	case !granted:
		c.fail("%s: %s was given a record without a hold", e.shard, e.worker)
	case last < 0 && i < t.saved:
		c.fail("%s: %s began at %d of %d although %d are checkpointed", e.shard, e.worker, i, len(t.stored), t.saved)
	case last < 0 && i > t.delivered:
		c.fail("%s: %s began at %d although nobody was given what follows %d", e.shard, e.worker, i, t.delivered)
	case last >= 0 && i != last:
		c.fail("%s: %s was given %d where %d follows", e.shard, e.worker, i, last)
	}
	for _, up := range c.parents[e.shard] {
		if p := c.trace(up); p.delivered < len(p.stored) {
			c.fail("%s: %s was given a record although %s has %d that nobody was given",
				e.shard, e.worker, up, len(p.stored)-p.delivered)
		}
	}
	t.last[e.worker] = i + 1
	if i < t.delivered {
		c.again++
		return
	}
	t.delivered = i + 1
	c.order(e)
}

// order checks that the records of a key are first given to somebody in the order in which they were sent, from one shard
// to those that replace it.
func (c *checking) order(e happening) {
	_, number, _ := strings.Cut(e.value, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n != c.next[e.key] {
		c.fail("%s: %s was given %q of %q where number %d follows", e.shard, e.worker, e.value, e.key, c.next[e.key])
	}
	c.next[e.key] = n + 1
}

// end requires that nothing is left.
func (c *checking) end() {
	for shard, t := range c.traces {
		if t.delivered < len(t.stored) || t.saved < len(t.stored) {
			c.fail("%s: %d were stored, %d delivered, %d checkpointed", shard, len(t.stored), t.delivered, t.saved)
		}
	}
}
