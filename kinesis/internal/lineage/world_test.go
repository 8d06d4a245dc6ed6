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

// A world is a stream, its group's table, and who sees all that happens.
type world struct {
	plan
	table *lease.Memory
	stop  context.Context //nolint:containedctx // ends the run

	mu       sync.Mutex // guards what follows
	r        *rand.Rand
	calm     bool // no faults any more
	shards   map[string]*simShard
	order    []*simShard
	records  []*simRecord // by sequence number, from 1
	keys     [slots][]*simRecord
	lost     []lineage.Loss
	unneeded int   // losses in which nothing was lost
	start    int64 // the threshold in the table
	born     int64
	opened   int64 // when the first member began
	faults   []string
	handled  int
	calls    int
	had      map[string]bool // rows that ever were
	trace    bool
	digest   hash.Hash64 // of all writes
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
	w := &world{table: lease.NewMemory(), digest: fnv.New64(), had: map[string]bool{}, shards: map[string]*simShard{}}
	w.r = rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a seed
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

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble

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
