package lineage_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
)

// A verdict is what a seed came to.
type verdict struct {
	faults           []string
	records, handled int
	calls            int
	losses, unneeded int
	digest           uint64
}

// tidy is which part of the seeds goes on until all rows must be gone that can go.
const tidy = 4

// try runs one seed: the stream's life before the group, the group with faults, and a calm in which it must get all that it
// is owed.
func try(t *testing.T, seed uint64) (v verdict) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed)
		ctx, cancel := context.WithCancel(context.Background())
		w.stop = ctx
		var wg sync.WaitGroup
		wg.Go(w.live)
		time.Sleep(w.before)
		if w.java {
			w.begin(ctx)
		}
		w.opened = nowMs()
		for i := range w.members {
			wg.Go(func() {
				time.Sleep(time.Duration(i)) // so that a seed always gives the same run
				w.run(fmt.Sprintf("m%d", i))
			})
		}
		time.Sleep(w.span)
		w.mu.Lock()
		w.calm = true
		w.mu.Unlock()
		patience := 2*retention + time.Duration(len(w.order))*15*time.Second
		for end := time.Now().Add(patience); len(w.owed()) > 0 && time.Now().Before(end); {
			time.Sleep(5 * time.Second)
		}
		if seed%tidy == 0 {
			time.Sleep(retention)
			for end := time.Now().Add(patience); len(w.kept(ctx)) > 0 && time.Now().Before(end); {
				time.Sleep(syncEvery)
			}
			if kept := w.kept(ctx); len(kept) > 0 {
				w.fault("rows are kept of shards that are long trimmed: %v", kept)
			}
		}
		cancel()
		wg.Wait()
		for _, r := range w.owed() {
			w.fault("record %d of key %d, which arrived at %d, was neither handled nor told as lost",
				r.sequence, r.slot, r.arrival-epoch.UnixMilli())
		}
		v = verdict{
			faults: w.faults, records: len(w.records), handled: w.handled, calls: w.calls,
			losses: len(w.lost), unneeded: w.unneeded, digest: w.digest.Sum64(),
		}
	})
	return v
}

// begin writes rows as Amazon's library does: for the oldest shards that are there, without what is ours.
func (w *world) begin(ctx context.Context) {
	w.mu.Lock()
	lag := w.lag
	w.lag = 0 // with a listing that lags that library breaks the order by itself
	l := w.list()
	w.lag = lag
	w.mu.Unlock()
	listed := map[string]bool{}
	for _, s := range l.Shards {
		listed[s.ID] = true
	}
	for _, s := range l.Shards {
		child := false
		for _, up := range s.Parents() {
			child = child || listed[up]
		}
		if !child {
			_, _ = w.table.Create(ctx, lease.Row{
				Key: s.ID, Checkpoint: lease.AtOldest, Parents: s.Parents(), First: s.Range.First.String(), Last: s.Range.Last.String(),
			})
		}
	}
}

// seeds is how many the model runs, and from which on: LINEAGE_SEEDS and LINEAGE_FROM say more.
func seeds(t *testing.T, n uint64) (from, to uint64) {
	t.Helper()
	number := func(name string, or uint64) uint64 {
		if text := os.Getenv(name); text != "" {
			v, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		return or
	}
	from = number("LINEAGE_FROM", 0)
	return from, from + number("LINEAGE_SEEDS", n)
}

// TestModel runs members on this very code over a stream that is resharded all the time, with crashes between any two calls,
// pauses past the lease, lost answers, listings that lag, and fleets that are down for longer than the retention. No record
// that the group wants is lost without a word, none before its threshold is given to it, and no key's records are handled
// out of order.
func TestModel(t *testing.T) {
	const normal, short, parts = 2000, 100, 4
	n := uint64(normal)
	if testing.Short() || slow {
		n = short
	}
	from, to := seeds(t, n)
	for part := range uint64(parts) {
		t.Run(strconv.FormatUint(part, 10), func(t *testing.T) {
			t.Parallel()
			var total verdict
			for seed := from + part; seed < to && !t.Failed(); seed += parts {
				v := try(t, seed)
				if len(v.faults) > 0 {
					t.Errorf("seed %d: %q", seed, v.faults)
				}
				total.add(v)
			}
			t.Logf("%d records, %d handled, %d calls, %d losses told, %d of them of nothing",
				total.records, total.handled, total.calls, total.losses, total.unneeded)
			if total.handled < total.records/8 {
				t.Errorf("only %d of %d records were handled: the model does not model", total.handled, total.records)
			}
		})
	}
}

func (v *verdict) add(o verdict) {
	v.records += o.records
	v.handled += o.handled
	v.calls += o.calls
	v.losses += o.losses
	v.unneeded += o.unneeded
}

// TestModelRepeats runs seeds twice: what is found can be looked at.
func TestModelRepeats(t *testing.T) {
	for seed := range uint64(40) {
		a, b := try(t, seed), try(t, seed)
		if a.digest != b.digest {
			t.Errorf("seed %d: two runs differ", seed)
		}
	}
}
