package lineage_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// note tells what happens, if LINEAGE_TRACE is set: for one seed.
func (w *world) note(format string, args ...any) {
	if w.trace {
		fmt.Printf("%9.3f ", time.Since(epoch).Seconds())
		fmt.Printf(format+"\n", args...)
	}
}

// fault notes what must not be.
func (w *world) fault(format string, args ...any) {
	if len(w.faults) < 5 {
		w.faults = append(w.faults, fmt.Sprintf("%v: ", time.Since(epoch).Round(time.Millisecond))+fmt.Sprintf(format, args...))
	}
}

// written sees every write of the table.
func (w *world) written(c lease.Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b, a := c.Before, c.After
	_, _ = w.digest.Write(strconv.AppendInt([]byte(a.Key+a.Checkpoint), nowMs(), 10))
	if w.trace && (a.Key == "" || a.Checkpoint != b.Checkpoint || a.Own.Blind != b.Own.Blind || a.Owner != b.Owner) {
		w.note("%s %s: %s", c.Op, c.Key, rowText(a))
	}
	if a.Key != "" && a.Own.Start != nil {
		if w.born == 0 {
			w.start, w.born = *a.Own.Start, *a.Own.Born
			if kind, _, _ := w.plan.start.Parts(); kind == stream.StartLatest && (w.start < w.opened-1000 || w.start > nowMs()) {
				w.fault("the threshold is %d, the first member began at %d", w.start, w.opened)
			}
		}
		if *a.Own.Start != w.start {
			w.fault("the row of %s has another threshold", a.Key)
		}
	}
	w.had[a.Key] = true
	for _, child := range a.Children {
		if !w.had[child] {
			w.fault("the row of %s names %s, which has none", a.Key, child)
		}
	}
	switch {
	case b.Key == "" || a.Key == "":
	case b.Ended() && !a.Ended():
		w.fault("the row of %s has ended, and goes on", a.Key)
	case b.Numeric() && a.Numeric() && a.Position().Compare(b.Position()) < 0:
		w.fault("the checkpoint of %s goes back", a.Key)
	}
}

// handle is a handler that is done with a record.
func (w *world) handle(by, id string, sequence int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.records[sequence-1]
	if r.arrival < w.start {
		w.fault("%s is given record %d of %s, which arrived before the group's threshold", by, r.sequence, id)
	}
	if !r.done {
		for _, q := range w.keys[r.slot] {
			if q.sequence >= r.sequence {
				break
			}
			if !q.done && w.wanted(q) && q.arrival > nowMs()-retention.Milliseconds() {
				w.fault("%s handles record %d of %s before record %d of the same key", by, r.sequence, id, q.sequence)
			}
		}
	}
	if !r.done {
		w.handled++
	}
	r.done = true
}

// wanted reports whether the group is owed a record.
func (w *world) wanted(r *simRecord) bool {
	grace := retention.Milliseconds() / 100
	return w.born != 0 && r.arrival >= w.start && r.arrival > w.born-retention.Milliseconds()+grace
}

func (w *world) report(l lineage.Loss) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = append(w.lost, l)
	w.note("LOSS at %s: [%x, %x] after %v to %v", l.Shard, l.Range.First.High>>60, l.Range.Last.High>>60, l.From.Sub(epoch), l.To.Sub(epoch))
	if !slices.ContainsFunc(w.records, func(r *simRecord) bool { return !r.done && covers(l, r) }) {
		w.unneeded++
	}
}

func covers(l lineage.Loss, r *simRecord) bool {
	return l.Range.Contains(shard.Hash{High: uint64(r.slot)<<60 + 1}) &&
		l.From.UnixMilli() < r.arrival && r.arrival <= l.To.UnixMilli()
}

// owed are records that the group did not get and was not told of.
func (w *world) owed() []*simRecord {
	w.mu.Lock()
	defer w.mu.Unlock()
	var owed []*simRecord
	for _, r := range w.records {
		if !r.done && w.wanted(r) && !slices.ContainsFunc(w.lost, func(l lineage.Loss) bool { return covers(l, r) }) {
			owed = append(owed, r)
		}
	}
	return owed
}

// kept are rows that nothing can ask for again.
func (w *world) kept(ctx context.Context) []string {
	rows, err := w.table.Scan(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.fault("scan: %v", err)
	}
	var kept []string
	for _, r := range rows {
		if w.shards[r.Key].trimmed(nowMs()) && r.Key != lineage.Anchor {
			kept = append(kept, rowText(r))
		}
	}
	return kept
}

// resting is how long nobody runs from now on.
func (w *world) resting() time.Duration {
	now := time.Since(epoch) - w.before
	for _, i := range w.idle {
		if i.from <= now && now < i.to {
			return i.to - now
		}
	}
	return 0
}

func rowText(r lease.Row) string {
	if r.Key == "" {
		return "removed"
	}
	text := fmt.Sprintf("%s owner %q checkpoint %s parents %v children %v", r.Key, r.Owner, r.Checkpoint, r.Parents, r.Children)
	if r.Own.Pos != nil {
		text += fmt.Sprintf(" pos %d", *r.Own.Pos-epoch.UnixMilli())
	}
	if r.Own.Blind {
		text += " blind"
	}
	return text
}
