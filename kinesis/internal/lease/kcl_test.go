package lease_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
)

// A java is a worker of KCL 2.x as far as leases are concerned: it renews and saves by the counter alone, every third of
// the failover time, looks for leases every two failover times, takes up to its share of what expired, and otherwise
// steals one. What is ended it goes on renewing.
type java struct {
	name  string
	store lease.Store
	own   map[string]lease.Row
	seen  map[string]lease.Row
	since map[string]time.Time
}

func (w *world) java(ctx context.Context, name string) *sync.WaitGroup {
	j := &java{
		name: name, store: w.table.Way(name, nil), own: map[string]lease.Row{}, seen: map[string]lease.Row{},
		since: map[string]time.Time{},
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		renew, take := time.NewTicker(failover/3-25*time.Millisecond), time.NewTicker(2*failover+50*time.Millisecond)
		defer renew.Stop()
		defer take.Stop()
		j.take(ctx)
		for {
			select {
			case <-renew.C:
				j.renew(ctx)
			case <-take.C:
				j.take(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return &wg
}

func (j *java) renew(ctx context.Context) {
	for key, r := range j.own {
		c := lease.Change{Counter: &r.Counter, Raise: true}
		if !r.Ended() {
			c.Checkpoint = checkpoint(at(r) + 1).Checkpoint
		}
		got, err := j.store.Update(ctx, key, c)
		if err != nil {
			delete(j.own, key)
			continue
		}
		j.own[key] = got
	}
}

func (j *java) take(ctx context.Context) {
	all, err := j.store.Scan(ctx)
	if err != nil {
		return
	}
	owners, expired := map[string][]lease.Row{j.name: nil}, []lease.Row{}
	for _, r := range all {
		if before, seen := j.seen[r.Key]; !seen || before.Counter != r.Counter {
			j.seen[r.Key], j.since[r.Key] = r, time.Now()
		}
		_, mine := j.own[r.Key]
		if r.Owner == "" || !mine && time.Since(j.since[r.Key]) > failover {
			expired = append(expired, r)
			continue
		}
		owners[r.Owner] = append(owners[r.Owner], r)
	}
	target := (len(all) + len(owners) - 1) / len(owners)
	need := target - len(owners[j.name])
	if len(expired) == 0 && need > 0 {
		most := j.name
		for owner, rows := range owners {
			if len(rows) > len(owners[most]) {
				most = owner
			}
		}
		if over := len(owners[most]) - target; most != j.name && (over > 0 || over == 0 && need > 1) {
			expired = owners[most][:1]
		}
	}
	for _, r := range expired[:min(max(need, 0), len(expired))] {
		c := lease.Change{Counter: &r.Counter, Raise: true, SetOwner: &j.name, AddSwitch: r.Owner != "" && r.Owner != j.name}
		if got, err := j.store.Update(ctx, r.Key, c); err == nil {
			j.own[r.Key] = got
		}
	}
}

// Beside workers of KCL 2.x the fleet comes to rest with an even share for everybody, what they save is kept, and what a
// dead one leaves is taken.
func TestBesideJava(t *testing.T) {
	bubble(t, 12, false, func(t *testing.T, w *world) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		one := w.java(ctx, "java-1")
		defer one.Wait()
		second, kill := context.WithCancel(ctx)
		two := w.java(second, "java-2")
		defer two.Wait()
		defer stop()
		time.Sleep(20 * failover)
		require.Equal(t, "map[java-1:6 java-2:6]", w.owners())
		w.join("go-1")
		took := until(20*failover, func() bool { return w.owners() == "map[go-1:4 java-1:4 java-2:4]" })
		require.LessOrEqual(t, took, 2*failover, w.owners())
		moves := w.moved()
		time.Sleep(30 * failover)
		require.Equal(t, moves, w.moved(), "leases go on moving: %s", w.owners())
		w.join("go-2")
		until(20*failover, func() bool { return w.owners() == "map[go-1:3 go-2:3 java-1:3 java-2:3]" })
		require.Equal(t, "map[go-1:3 go-2:3 java-1:3 java-2:3]", w.owners())
		kill()
		two.Wait()
		took = until(20*failover, func() bool { return w.owners() == "map[go-1:4 go-2:4 java-1:4]" })
		require.LessOrEqual(t, took, 8*failover, w.owners())
		w.leave("go-1")
		w.leave("go-2")
		until(20*failover, func() bool { return w.owners() == "map[java-1:12]" })
		require.Equal(t, "map[java-1:12]", w.owners())
	})
}

// owners is how many rows each owner has.
func (w *world) owners() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := map[string]int{}
	for _, r := range w.rows {
		n[r.Owner]++
	}
	return fmt.Sprint(n)
}

func (w *world) moved() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moves
}

func (w *world) wrote() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}
