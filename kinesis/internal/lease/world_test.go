package lease_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

const failover = 10 * time.Second

// A world is a table with members around it, and judges every write to it.
type world struct {
	t      *testing.T
	name   string // put before what is wrong
	table  *lease.Memory
	shards int
	goOnly bool
	save   time.Duration // how often handlers save
	drain  time.Duration // how long a handler needs when it is asked for its lease
	wg     sync.WaitGroup

	mu      sync.Mutex
	members map[string]*member
	faults  map[string]func(lease.Call) lease.Fault
	leases  map[string][]grant // all that were granted, by row
	rows    map[string]lease.Row
	writes  int
	moves   int // of a row to another owner
	tally   ran
	wrong   []string
}

type grant struct {
	by string
	l  *lease.Lease
}

type member struct {
	*lease.Manager
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error // of Next
}

func newWorld(t *testing.T, shards int, goOnly bool) *world {
	w := &world{
		t: t, shards: shards, goOnly: goOnly, save: 5 * time.Second, members: map[string]*member{}, leases: map[string][]grant{},
		faults: map[string]func(lease.Call) lease.Fault{}, rows: map[string]lease.Row{},
	}
	var rows []lease.Row
	for i := range shards {
		rows = append(rows, row(i))
	}
	for _, r := range rows {
		w.rows[r.Key] = r
	}
	w.table = lease.NewMemory(rows...)
	w.table.Watch(w.judge)
	return w
}

func row(i int) lease.Row {
	return lease.Row{
		Key: fmt.Sprintf("shardId-%012d", i), Counter: lease.FirstCounter(time.Now()), Checkpoint: lease.AtOldest,
		Own: lease.Own{Start: new(int64)},
	}
}

// judge looks at every write as it happens.
func (w *world) judge(x lease.Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	w.rows[x.Key] = x.After
	if x.Before.Owner != x.After.Owner && x.After.Owner != "" {
		w.moves++
	}
	if x.Before.Counter > x.After.Counter || at(x.Before) > at(x.After) {
		w.say("%s took %s back: %+v to %+v", x.By, x.Key, x.Before, x.After)
	}
	if x.Change.Checkpoint != nil && x.Before.Owner != x.By && (!w.goOnly || x.Before.HandOver != x.By) {
		w.say("%s saved %s, which %s holds", x.By, x.Key, x.Before.Owner)
	}
	if x.Op == "update" && x.Before.Owner == x.After.Owner && x.Before.HandOver == "" && x.Before.Owner != x.By {
		w.say("%s wrote to %s, which %s holds", x.By, x.Key, x.Before.Owner)
	}
	if x.Before.Owner != "" && x.After.Owner == "" && x.Before.Owner != x.By {
		w.say("%s gave back %s, which %s holds", x.By, x.Key, x.Before.Owner)
	}
	w.single(x.Key)
}

// single says so if a row has two valid leases. The caller holds mu.
func (w *world) single(key string) {
	valid := ""
	for _, g := range w.leases[key] {
		if g.l.Valid() {
			if valid != "" {
				w.say("%s and %s hold %s at %v", valid, g.by, key, time.Now())
			}
			valid = g.by
		}
	}
}

func (w *world) say(format string, args ...any) {
	w.wrong = append(w.wrong, w.name+fmt.Sprintf(format, args...))
}

func at(r lease.Row) int {
	n, _ := strconv.Atoi(r.Checkpoint)
	return n
}

// via sets what happens to a member's calls; nil: nothing.
func (w *world) via(name string, fault func(lease.Call) lease.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[name] = fault
}

func (w *world) store(name string) lease.Store {
	return w.table.Way(name, func(c lease.Call) lease.Fault {
		w.mu.Lock()
		f := w.faults[name]
		w.mu.Unlock()
		if f == nil {
			return lease.Fault{}
		}
		return f(c)
	})
}

func (w *world) config(name string) lease.Config {
	return lease.Config{
		Store: w.store(name), Stream: "orders", Group: "g", Owner: name, Failover: failover, GoOnly: w.goOnly,
	}
}

// join starts a member whose handlers save and give leases back when asked.
func (w *world) join(name string, change ...func(*lease.Config)) *member {
	c := w.config(name)
	for _, f := range change {
		f(&c)
	}
	m := &member{Manager: lease.NewManager(c), name: name, done: make(chan struct{})}
	ctx, stop := context.WithCancel(w.t.Context())
	m.stop = stop
	w.mu.Lock()
	w.members[name] = m
	w.mu.Unlock()
	m.Start()
	w.wg.Go(func() {
		defer close(m.done)
		var handlers sync.WaitGroup
		defer handlers.Wait()
		for {
			l, err := m.Next(ctx)
			if err != nil {
				m.err = err
				return
			}
			w.grant(name, l)
			handlers.Go(func() { w.handle(ctx, l) })
		}
	})
	return m
}

func (w *world) grant(name string, l *lease.Lease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := l.Row().Key
	w.leases[key] = append(w.leases[key], grant{name, l})
	w.single(key)
}

// handle is a handler: it saves, and gives the lease back when it is asked or stopped.
func (w *world) handle(ctx context.Context, l *lease.Lease) {
	tick := time.NewTicker(w.save)
	defer tick.Stop()
	defer func() { _ = l.Release(context.Background()) }()
	for {
		select {
		case <-l.Lost():
			return
		case <-ctx.Done():
			return
		case <-l.Asked():
			time.Sleep(w.drain)
			_ = w.saves(l)
			return
		case <-tick.C:
			_ = w.saves(l)
		}
	}
}

func (w *world) saves(l *lease.Lease) error {
	to := strconv.Itoa(at(l.Row()) + 1)
	ctx, cancel := context.WithTimeout(context.Background(), 3*failover) // longer than any lease without a renewal
	defer cancel()
	_, err := l.Update(ctx, lease.Change{Checkpoint: &to})
	w.count(l, err)
	return err
}

// leave is an orderly end, crash is kill -9.
func (w *world) leave(name string) {
	m := w.out(name)
	m.stop()
	<-m.done
	if err := m.Close(w.t.Context()); err != nil {
		w.t.Errorf("%s left with %v", name, err)
	}
}

func (w *world) crash(name string) {
	m := w.out(name)
	m.Abandon()
	m.stop()
	<-m.done
}

func (w *world) out(name string) *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.members[name]
	delete(w.members, name)
	return m
}

// end ends every member, and says what was wrong.
func (w *world) end() {
	for _, name := range w.names() {
		m := w.out(name)
		m.stop()
		<-m.done
		_ = m.Close(context.Background())
	}
	w.wg.Wait()
	w.table.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.wrong {
		w.t.Error(s)
	}
}

func (w *world) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for name := range w.members {
		names = append(names, name)
	}
	return names
}

// counts is how many leases each member holds and uses now.
func (w *world) counts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := map[string]int{}
	for name := range w.members {
		n[name] = 0
	}
	for _, grants := range w.leases {
		for _, g := range grants {
			if _, in := n[g.by]; in && g.l.Valid() {
				n[g.by]++
			}
		}
	}
	return n
}

// even reports whether all leases are used, by each member as many as by the others, or one more.
func (w *world) even() bool {
	least, most, total := 1<<30, 0, 0
	for _, n := range w.counts() {
		least, most, total = min(least, n), max(most, n), total+n
	}
	return total == w.shards && most-least <= 1
}

// until waits for something to be so, and returns how long that took, or bound.
func until(bound time.Duration, so func() bool) time.Duration {
	began := time.Now()
	for time.Since(began) < bound {
		synctest.Wait()
		if so() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// bubble runs f with a world in a bubble.
func bubble(t *testing.T, shards int, goOnly bool, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shards, goOnly)
		defer w.end()
		f(t, w)
	})
}

// cut is a table that cannot be reached.
func cut(lease.Call) lease.Fault {
	return lease.Fault{Before: time.Hour, Err: stream.ErrUnknownOutcome}
}

// chance is a source for a seed.
func chance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }
