package lineage_test

import (
	"cmp"
	"context"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// Times of the model. What a day is to the service is less than two minutes here.
const (
	retention  = 100 * time.Second
	mostLag    = 4 * time.Second // of a listing, and of a shard's first moments
	listingLag = 5 * time.Second
	syncEvery  = 15 * time.Second
	failover   = 10 * time.Second
	slots      = 16 // of the hash space: each is a key
)

// A span is a part of a run.
type span struct{ from, to time.Duration }

// A plan is what a seed makes of a run.
type plan struct {
	start       stream.Start
	members     int
	shards      int           // at first
	before      time.Duration // the stream is there before the group
	span        time.Duration // how long faults go on
	lag         int           // of listings: 0 none, 1 as a whole, 2 each shard by itself
	forgets     bool          // trimmed parents are no longer told
	secretive   bool          // the end of a shard does not always tell all children
	whole       bool          // Date has whole seconds
	skewed      bool          // arrivals go back a little
	java        bool          // the rows were begun by another library
	idle        [2]span       // when nobody runs; after the group's beginning
	crash       float64       // of a call
	pause, fail float64
	reshard     time.Duration // how often
}

func makePlan(r *rand.Rand) plan {
	p := plan{
		members: 1 + r.IntN(3), shards: 1 + r.IntN(3), before: time.Duration(r.IntN(250)) * time.Second, span: 200 * time.Second,
		lag: r.IntN(3), forgets: r.IntN(3) == 0, secretive: r.IntN(4) == 0, whole: r.IntN(4) != 0, java: r.IntN(10) == 0,
		reshard: time.Duration(5+r.IntN(40)) * time.Second,
	}
	if r.IntN(3) != 0 {
		p.crash, p.pause, p.fail = 0.004*r.Float64(), 0.01*r.Float64(), 0.03*r.Float64()
	}
	p.skewed = r.IntN(3) == 0
	for i, at := 0, time.Duration(0); i < r.IntN(len(p.idle)+1); i++ {
		at += time.Duration(r.IntN(100)) * time.Second
		p.idle[i] = span{at, at + time.Duration(r.IntN(200))*time.Second}
		at = p.idle[i].to
		p.span += p.idle[i].to - p.idle[i].from
	}
	return p
}

// A world is a stream, its group's table, and who sees all that happens.
type world struct {
	plan
	table *lease.Memory
	stop  context.Context //nolint:containedctx // ends the run

	mu      sync.Mutex // guards what follows
	r       *rand.Rand
	calm    bool // no faults any more
	shards  map[string]*simShard
	order   []*simShard
	records []*simRecord // by sequence number, from 1
	keys    [slots][]*simRecord
	lost    []lineage.Loss
	false_  int   // losses in which nothing was lost
	start   int64 // the threshold in the table
	born    int64
	opened  int64 // when the first member began
	faults  []string
	handled int
	calls   int
	had     map[string]bool // rows that ever were
	trace   bool
	digest  hash.Hash64 // of all writes
}

type simShard struct {
	id              string
	parents         []string
	children        []*simShard
	first, last     int // slots
	created, closed int64
	records         []*simRecord
}

type simRecord struct {
	sequence int
	slot     int
	arrival  int64
	done     bool
}

func newWorld(seed uint64) *world {
	w := &world{table: lease.NewMemory(), digest: fnv.New64(), had: map[string]bool{}, shards: map[string]*simShard{}, r: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // a seed
	w.plan = makePlan(w.r)
	w.trace = os.Getenv("LINEAGE_TRACE") != ""
	for i := range w.plan.shards {
		w.add(i*slots/w.plan.shards, (i+1)*slots/w.plan.shards-1)
	}
	now := time.Now()
	switch w.r.IntN(3) {
	case 0:
		w.plan.start = stream.Latest()
	case 1:
		w.plan.start = stream.Since(now.Add(w.before - time.Duration(w.r.IntN(150))*time.Second))
	}
	if w.java {
		w.plan.start = stream.Start{}
	}
	w.table.Watch(w.written)
	return w
}

func nowMs() int64 { return time.Now().UnixMilli() }

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

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble

// --- the stream

func (w *world) add(first, last int, parents ...*simShard) {
	s := &simShard{id: fmt.Sprintf("shardId-%012d", len(w.order)), first: first, last: last, created: nowMs()}
	for _, p := range parents {
		p.closed = s.created
		p.children = append(p.children, s)
		s.parents = append(s.parents, p.id)
	}
	w.note("%s [%d, %d] replaces %v", s.id, first, last, s.parents)
	w.shards[s.id] = s
	w.order = append(w.order, s)
}

func (w *world) open() []*simShard {
	var open []*simShard
	for _, s := range w.order {
		if s.closed == 0 {
			open = append(open, s)
		}
	}
	slices.SortFunc(open, func(a, b *simShard) int { return cmp.Compare(a.first, b.first) })
	return open
}

// reshard splits a shard, or merges two.
func (w *world) reshard() {
	open := w.open()
	i := w.r.IntN(len(open))
	s := open[i]
	if len(open) < 2 || (len(open) < 5 && w.r.IntN(2) == 0) {
		if s.first < s.last {
			at := s.first + w.r.IntN(s.last-s.first)
			w.add(s.first, at, s)
			w.add(at+1, s.last, s)
		}
		return
	}
	if i == len(open)-1 {
		i--
	}
	if w.r.IntN(2) == 0 {
		w.add(open[i].first, open[i+1].last, open[i], open[i+1])
	} else {
		w.add(open[i].first, open[i+1].last, open[i+1], open[i])
	}
}

func (w *world) put() {
	slot := w.r.IntN(slots)
	for _, s := range w.open() {
		if s.first <= slot && slot <= s.last {
			r := &simRecord{sequence: len(w.records) + 1, slot: slot, arrival: nowMs()}
			if w.skewed {
				r.arrival -= w.r.Int64N(500)
			}
			s.records, w.records = append(s.records, r), append(w.records, r)
			w.keys[slot] = append(w.keys[slot], r)
		}
	}
}

// live is what happens to the stream by itself.
func (w *world) live() {
	next := time.Now()
	for w.stop.Err() == nil {
		w.mu.Lock()
		if !w.calm {
			w.put()
			if now := time.Now(); now.After(next) {
				w.reshard()
				for w.r.IntN(4) == 0 { // chains
					w.reshard()
				}
				next = now.Add(time.Duration(w.r.Int64N(int64(2 * w.plan.reshard))))
			}
		}
		d := time.Duration(w.r.Int64N(int64(3 * time.Second)))
		w.mu.Unlock()
		sleep(w.stop, d)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (s *simShard) trimmed(at int64) bool {
	return s.closed != 0 && s.closed <= at-retention.Milliseconds()
}

func (s *simShard) space() shard.Range {
	return shard.Range{
		First: shard.Hash{High: uint64(s.first) << 60},
		Last:  shard.Hash{High: uint64(s.last)<<60 | (1<<60 - 1), Low: 1<<64 - 1},
	}
}

// lagging is an instant that a listing or a shard's first moments may be of.
func (w *world) lagging() int64 { return nowMs() - w.r.Int64N(mostLag.Milliseconds()) }

func (w *world) list() api.Listing {
	at := nowMs()
	if w.lag == 1 {
		at = w.lagging()
	}
	l := api.Listing{Date: w.date()}
	for _, s := range w.order {
		if w.lag == 2 {
			at = w.lagging()
		}
		if s.created > at || s.trimmed(at) {
			continue
		}
		told := shard.Shard{ID: s.id, Range: s.space(), First: strconv.Itoa(1), Closed: s.closed != 0 && s.closed <= at}
		for i, up := range s.parents {
			if w.forgets && w.shards[up].trimmed(at-20_000) {
				continue
			}
			if i == 0 {
				told.Parent = up
			} else {
				told.Adjacent = up
			}
		}
		l.Shards = append(l.Shards, told)
	}
	return l
}

func (w *world) date() time.Time {
	if w.whole {
		return time.Now().Truncate(time.Second)
	}
	return time.Now()
}

func missing(op string) error { return &api.Error{Op: op, Code: api.Missing, Status: 400} }

// find is a shard that can be read now.
func (w *world) find(op, id string) (*simShard, error) {
	s := w.shards[id]
	if s == nil || s.trimmed(nowMs()) || (w.lag > 0 && s.created > w.lagging()) {
		return nil, missing(op)
	}
	return s, nil
}

// iterator is "shard/n": the n-th record is the next.
func (w *world) iterator(id string, from api.From) (string, error) {
	s, err := w.find("GetShardIterator", id)
	if err != nil {
		return "", err
	}
	n := 0
	skip := func(f func(r *simRecord) bool) {
		for n < len(s.records) && f(s.records[n]) {
			n++
		}
	}
	at, _ := strconv.Atoi(from.Sequence)
	switch from.Kind {
	case api.Latest:
		n = len(s.records)
	case api.AtTime:
		if from.Time.After(time.Now()) {
			return "", &api.Error{Op: "GetShardIterator", Code: api.Argument, Status: 400}
		}
		skip(func(r *simRecord) bool { return r.arrival < from.Time.UnixMilli() })
	case api.AtSequence:
		skip(func(r *simRecord) bool { return r.sequence < at })
	case api.AfterSequence:
		skip(func(r *simRecord) bool { return r.sequence <= at })
	}
	return fmt.Sprintf("%s/%d", s.id, n), nil
}

func (w *world) read(iterator string, limit int) (api.Page, error) {
	id, at, _ := strings.Cut(iterator, "/")
	s, err := w.find("GetRecords", id)
	if err != nil {
		return api.Page{}, err
	}
	n, _ := strconv.Atoi(at)
	page := api.Page{Date: w.date()}
	trimmed := 0
	for trimmed < len(s.records) && s.records[trimmed].arrival <= nowMs()-retention.Milliseconds() {
		trimmed++
	}
	for n = max(n, trimmed); n < len(s.records) && len(page.Records) < limit; n++ {
		r := s.records[n]
		page.Records = append(page.Records, api.Record{
			Key: strconv.Itoa(r.slot), Sequence: strconv.Itoa(r.sequence), Arrival: time.UnixMilli(r.arrival),
		})
	}
	if n < len(s.records) {
		page.Behind = time.Since(time.UnixMilli(s.records[n].arrival))
	}
	if n == len(s.records) && s.closed != 0 && (len(page.Records) == 0 || w.r.IntN(2) == 0) {
		page.End = true
		for _, c := range s.children {
			if w.secretive && w.r.IntN(2) == 0 {
				continue
			}
			page.Children = append(page.Children, shard.Child{ID: c.id, Parents: c.parents, Range: c.space()})
		}
		return page, nil
	}
	page.Next = fmt.Sprintf("%s/%d", s.id, n)
	return page, nil
}

// --- the oracle

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
	w.note("LOSS at %s: [%x, %x] after %d to %d", l.Shard, l.Range.First.High>>60, l.Range.Last.High>>60, l.From.Sub(epoch).Milliseconds(), l.To.Sub(epoch).Milliseconds())
	if !slices.ContainsFunc(w.records, func(r *simRecord) bool { return !r.done && covers(l, r) }) {
		w.false_++
	}
}

func covers(l lineage.Loss, r *simRecord) bool {
	return l.Range.Contains(shard.Hash{High: uint64(r.slot)<<60 + 1}) && l.From.UnixMilli() < r.arrival && r.arrival <= l.To.UnixMilli()
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
