package lineage_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/stream"
)

// A member is one life of a process of the group. A crash ends its goroutines wherever they are in a call.
type member struct {
	api.Service // the rest is not called
	w           *world
	name        string
	ctx         context.Context //nolint:containedctx // the process
	die         context.CancelFunc
	dice        dice // of the goroutine that works

	s     *lineage.Syncer
	holds map[string]*hold
	seen  map[string]sight
}

type sight struct {
	counter int64
	since   time.Time
}

// run is a member's lives, one after the other.
func (w *world) run(name string) {
	d := w.dice()
	for w.stop.Err() == nil {
		if rest := w.resting(); rest > 0 {
			sleep(w.stop, rest+d.some(3*time.Second))
			continue
		}
		m := &member{w: w, name: name, holds: map[string]*hold{}, seen: map[string]sight{}, dice: d.more()}
		m.ctx, m.die = context.WithCancel(context.WithValue(w.stop, diceKey{}, m.dice))
		var life sync.WaitGroup
		life.Go(m.work)
		life.Wait()
		m.die()
		sleep(w.stop, d.some(8*time.Second))
	}
}

// Dice are one goroutine's chances: goroutines that wake at the same instant must not draw from one source, or a seed would
// not always give the same run.
type dice struct {
	w *world
	r *rand.Rand
}

type diceKey struct{}

func (w *world) dice() dice {
	w.mu.Lock()
	defer w.mu.Unlock()
	return dice{w, rand.New(rand.NewPCG(w.r.Uint64(), 0))} //nolint:gosec // a seed
}

func (d dice) more() dice {
	return dice{d.w, rand.New(rand.NewPCG(d.r.Uint64(), 0))} //nolint:gosec // a seed
}

func rolling(ctx context.Context) dice { return ctx.Value(diceKey{}).(dice) }

func (d dice) some(most time.Duration) time.Duration { return time.Duration(d.r.Int64N(int64(most))) }

func (d dice) chance(p float64) bool { return d.r.Float64() < p }

// risk is chance while there are faults.
func (d dice) risk(p float64) bool {
	d.w.mu.Lock()
	calm := d.w.calm
	d.w.mu.Unlock()
	return d.r.Float64() < p && !calm
}

// step is where a process may crash or stand still.
func (m *member) step(d dice) {
	w := m.w
	if m.ctx.Err() != nil || d.risk(w.crash) || w.resting() > 0 {
		m.die()
		runtime.Goexit()
	}
	if d.risk(w.pause) {
		most := 25 * time.Second
		if d.chance(0.03) {
			most = 2 * retention
		}
		time.Sleep(d.some(most))
	}
}

// call makes f happen in the world, with what may go wrong around it.
func call[T any](ctx context.Context, m *member, write bool, f func() (T, error)) (T, error) {
	w, d := m.w, rolling(ctx)
	time.Sleep(d.some(40 * time.Millisecond))
	m.step(d)
	var none T
	if d.risk(w.fail) {
		return none, fmt.Errorf("%w: try later", stream.ErrThrottled)
	}
	v, err := f()
	m.step(d)
	if write && d.risk(w.fail) {
		return none, fmt.Errorf("%w: no answer", stream.ErrUnknownOutcome)
	}
	return v, err
}

// locked lets f see the stream.
func locked[T any](w *world, f func() (T, error)) func() (T, error) {
	return func() (T, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls++
		return f()
	}
}

func (m *member) Summary(context.Context, string) (api.Summary, error) {
	return api.Summary{Created: epoch, Retention: retention}, nil
}

func (m *member) Shards(ctx context.Context, _ string, _ api.Filter) (api.Listing, error) {
	return call(ctx, m, false, locked(m.w, func() (api.Listing, error) { return m.w.list(), nil }))
}

func (m *member) Iterator(ctx context.Context, _, id string, from api.From) (string, error) {
	return call(ctx, m, false, locked(m.w, func() (string, error) { return m.w.iterator(id, from) }))
}

func (m *member) Records(ctx context.Context, _, iterator string, limit int) (api.Page, error) {
	return call(ctx, m, false, locked(m.w, func() (api.Page, error) { return m.w.read(iterator, limit) }))
}

// A store is the table as a member sees it. A scan reads it in two parts, between which it changes.
type store struct{ *member }

func (s store) Scan(ctx context.Context) ([]lease.Row, error) {
	rows, err := call(ctx, s.member, false, func() ([]lease.Row, error) { return s.w.table.Scan(ctx) })
	if err != nil || len(rows) == 0 || !rolling(ctx).chance(0.2) {
		return rows, err
	}
	rows = slices.Clone(rows[:int(rolling(ctx).some(time.Duration(len(rows))))])
	rest, err := call(ctx, s.member, false, func() ([]lease.Row, error) { return s.w.table.Scan(ctx) })
	for _, r := range rest {
		if len(rows) == 0 || r.Key > rows[len(rows)-1].Key {
			rows = append(rows, r)
		}
	}
	return rows, err
}

func (s store) Get(ctx context.Context, key string) (lease.Row, bool, error) {
	r, err := call(ctx, s.member, false, func() (lease.Row, error) {
		r, _, err := s.w.table.Get(ctx, key)
		return r, err
	})
	return r, r.Key != "", err
}

func (s store) Create(ctx context.Context, r lease.Row) (bool, error) {
	return call(ctx, s.member, true, func() (bool, error) { return s.w.table.Create(ctx, r) })
}

func (s store) Update(ctx context.Context, key string, c lease.Change) (lease.Row, error) {
	return call(ctx, s.member, true, func() (lease.Row, error) { return s.w.table.Update(ctx, key, c) })
}

func (s store) Delete(ctx context.Context, key string, counter int64) error {
	_, err := call(ctx, s.member, true, func() (bool, error) { return true, s.w.table.Delete(ctx, key, counter) })
	return err
}

// work is a process: it opens, then reads what it can get.
func (m *member) work() {
	behind := m.w.dice() // of the goroutine that lists
	for m.s == nil {
		m.step(m.dice)
		s, err := lineage.Open(m.ctx, lineage.Config{
			Service: m, Store: store{m}, Stream: "s", Start: m.w.plan.start, ListingLag: listingLag, SyncEvery: syncEvery,
			Report: m.w.report, Logger: slog.New(slog.DiscardHandler),
			Jitter: func() float64 { return float64(behind.some(1000)) / 1000 },
		})
		if err == nil {
			m.s = s
			break
		}
		sleep(m.ctx, time.Second)
	}
	var run sync.WaitGroup
	run.Go(func() {
		defer m.die()
		if err := m.s.Run(context.WithValue(m.ctx, diceKey{}, behind)); err != nil {
			m.w.fault("Run: %v", err)
		}
	})
	defer run.Wait()
	defer m.die()
	for {
		m.step(m.dice)
		for _, key := range slices.Sorted(maps.Keys(m.holds)) {
			if !m.holds[key].read() {
				delete(m.holds, key)
			}
		}
		if m.dice.chance(0.6) {
			m.take()
		}
		sleep(m.ctx, 3*time.Second+m.dice.some(2*time.Second))
	}
}

// take looks for rows that nobody renews, and steals some.
func (m *member) take() {
	rows, err := store{m}.Scan(m.ctx)
	if err != nil {
		return
	}
	all := map[string]lease.Row{}
	for _, r := range rows {
		all[r.Key] = r
		if s, has := m.seen[r.Key]; !has || s.counter != r.Counter {
			m.seen[r.Key] = sight{counter: r.Counter, since: time.Now()}
		}
	}
	taken := 0
	for _, r := range rows {
		if _, held := m.holds[r.Key]; held || !lineage.Eligible(r, all) {
			continue
		}
		free := r.Owner == "" || r.Owner == m.name || time.Since(m.seen[r.Key].since) > failover
		if (free && taken < 2) || m.dice.risk(0.01) {
			m.hold(r)
			taken++
		}
	}
}

func (m *member) hold(r lease.Row) {
	sent := time.Now()
	r, err := store{m}.Update(m.ctx, r.Key, lease.Change{Counter: &r.Counter, SetOwner: &m.name, Raise: true, AddSwitch: true})
	if err != nil {
		return
	}
	h := &hold{m: m, row: r, until: sent.Add(failover * 8 / 10)}
	open, err := m.s.Gate(m.ctx, r)
	if err == nil && open {
		if h.p, err = m.s.Follow(m.ctx, r); err == nil {
			m.holds[r.Key] = h
			return
		}
	}
	nobody := ""
	_, _ = h.Update(m.ctx, lease.Change{SetOwner: &nobody})
}
