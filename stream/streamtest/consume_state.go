package streamtest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func stateHanded(t *T) {
	for where, kept := range map[string]stream.Checkpointer{"the backend": nil, "a Checkpointer": stream.MemoryCheckpointer()} {
		name := t.stream(1)
		c := t.group(name)
		c.Checkpointer = kept
		t.stateAfterCrash(where, name, c)
		if t.Split == nil {
			t.partly("the harness cannot split a partition: states of parents were not tried")
		} else if t.splits() { // else no partition has parents
			t.stateAfterSplit(where, kept)
		}
	}
}

// stateAfterCrash counts records in the state: whatever comes twice, the count at the end is right.
func (t *T) stateAfterCrash(where, name string, c stream.ConsumerConfig) {
	t.send(numbered(name, 1, 20)...)
	p := newTape()
	const saves = 4 // of the first member: nothing of it is under way when it crashes, which might be stored unheard
	counting := func(member string) stream.Handler {
		return func(ctx context.Context, q *stream.Partition) error {
			count := ""
			for _, s := range q.State() {
				count += string(s)
			}
			for rec, err := range q.Records(ctx) {
				if err != nil {
					return err
				}
				count += "."
				if len(count)%3 != 0 || member == "first" && len(count) > 3*saves {
					continue
				}
				if err := q.CheckpointState(ctx, rec, []byte(count)); err != nil {
					return err
				}
				t.check(len(q.State()) == 1 && string(q.State()[0]) == count, "State is not what was saved last")
				p.add(member, 1, *rec)
			}
			return nil
		}
	}
	r := t.on(t.Backend, c, counting("first"))
	t.handled(p, saves)
	if t.Crash != nil {
		t.ok(t.Crash(c.Group, c.Member), "Crash")
		_ = r.wait()
	} else {
		t.is(r.end(), nil, "Run")
	}
	c = t.another(c)
	r = t.on(t.Backend, c, counting("second"))
	t.handled(p, 6)
	t.is(r.end(), nil, "Run of the next member")
	left := t.left(c, name)
	t.check(len(left) == 2, "18 of 20 records were counted and saved in %s, and %d are left", where, len(left))
	var state []string
	c = t.another(c)
	c.End = stream.Latest()
	t.is(t.on(t.Backend, c, func(ctx context.Context, q *stream.Partition) error {
		for _, s := range q.State() {
			state = append(state, string(s))
		}
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			t.is(q.Checkpoint(ctx, rec), nil, "Checkpoint")
		}
		return nil
	}).wait(), nil, "Run")
	t.check(slices.Equal(state, []string{strings.Repeat(".", 18)}), "the state in %s is %q after 18 records", where, state)
}

// stateAfterSplit saves the keys that it has seen as the state. Children get all of the parent's and keep what they
// own; what the merged partition gets is, together, every key once.
func (t *T) stateAfterSplit(where string, kept stream.Checkpointer) {
	name := t.stream(1)
	recs := numbered(name, 12, 1)
	t.send(recs...)
	c := t.group(name)
	c.Checkpointer = kept
	var mu sync.Mutex
	given := map[string][]string{} // the states that each partition began with
	owned := map[string][]string{}
	p := newTape()
	handler := func(ctx context.Context, q *stream.Partition) error {
		mu.Lock()
		seen := map[string]bool{}
		for _, s := range q.State() {
			given[q.Name] = append(given[q.Name], string(s))
			for key := range strings.FieldsSeq(string(s)) {
				seen[key] = q.Owns([]byte(key))
			}
		}
		mu.Unlock()
		for rec, err := range q.Records(ctx) {
			if err != nil {
				return err
			}
			seen[string(rec.Key)] = true
			t.check(q.Owns(rec.Key), "the partition %s does not own the key of its record %s", q.Name, rec.Value)
			var keys []string
			for key, own := range seen {
				if own {
					keys = append(keys, key)
				}
			}
			slices.Sort(keys)
			mu.Lock()
			owned[q.Name] = keys
			mu.Unlock()
			if err := q.CheckpointState(ctx, rec, []byte(strings.Join(keys, " "))); err != nil {
				return err
			}
			p.add("", 1, *rec)
		}
		return nil
	}
	parent := t.partitionNames(name)[0]
	r := t.on(t.Backend, c, handler)
	t.handled(p, 12)
	t.ok(t.Split(name, parent), "Split")
	more := numbered(name, 12, 2)[12:]
	t.send(more...)
	t.handled(p, 24)
	mu.Lock()
	whole := owned[parent]
	var children, together []string
	for part, keys := range owned {
		if part != parent {
			children, together = append(children, part), append(together, keys...)
			t.check(slices.Equal(given[part], []string{strings.Join(whole,
				" ")}), "a child was handed %q from %s, want the parent's whole state %q",
				given[part], where, whole)
		}
	}
	mu.Unlock()
	slices.Sort(together)
	t.check(slices.Equal(together, whole), "the children own %v, the parent had %v", together, whole)
	if len(children) == 2 && t.Merge != nil {
		slices.Sort(children)
		t.ok(t.mergeAny(name, children[0], children[1]), "Merge")
		t.send(numbered(name, 12, 3)[24:]...)
		t.handled(p, 36)
		mu.Lock()
		for part, states := range given {
			if part != parent && !slices.Contains(children, part) {
				keys := strings.Fields(strings.Join(states, " "))
				slices.Sort(keys)
				t.check(len(states) == 2 && slices.Equal(keys, whole),
					"the merged partition was handed %q, want both of its parents' states", states)
			}
		}
		t.check(len(given) >= 3, "no merged partition was handed a state")
		mu.Unlock()
	}
	t.is(r.end(), nil, "Run")
	t.sleep(time.Millisecond)
}

// mergeAny merges two adjacent partitions, whichever is the left one.
func (t *T) mergeAny(name, one, other string) error {
	err := t.Merge(name, one, other)
	if err != nil {
		err = t.Merge(name, other, one)
	}
	return err
}
