package producer_test

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// A fake is a stream that stores what it is sent, within the limits of its shards, and does what a test tells it to.
type fake struct {
	api.Service // what is not used

	trip    time.Duration // there and back
	slowest func() time.Duration
	limited bool
	burst   float64 // bytes
	fault   func(call int, entries []api.Entry) fault

	mu        sync.Mutex // guards what follows
	shards    []shard.Shard
	buckets   map[string]*bucket
	calls     int
	listings  int
	listErr   error
	listed    []shard.Shard // what listings tell; nil: the truth
	sequence  int64
	log       []entry
	requests  [][]api.Entry // sizes only matter
	throttles int
	entries   int
	after     []string
	under     map[string]int // requests under way with a key
	overlaps  int
}

// A fault is what befalls one request.
type fault struct {
	codes  map[int]string // by index of the entry
	all    string         // code of every entry
	before error          // nothing is stored
	later  error          // it is stored, and the answer is lost
	hang   bool           // until the context ends
	wait   time.Duration
	result func([]api.Result) []api.Result
}

// An entry is what is stored.
type entry struct {
	key, shard, sequence string
	data                 []byte
	call                 int
	time                 time.Time
}

type bucket struct {
	records, bytes float64
	at             time.Time
}

func newFake(shards int) *fake {
	f := &fake{buckets: map[string]*bucket{}, under: map[string]int{}, burst: 1 << 20}
	width := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(int64(shards)))
	for i := range shards {
		first := new(big.Int).Mul(width, big.NewInt(int64(i)))
		last := new(big.Int).Sub(new(big.Int).Add(first, width), big.NewInt(1))
		if i == shards-1 {
			last.Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
		}
		f.shards = append(f.shards, shard.Shard{ID: shardID(i), Range: shard.Range{First: hash(first), Last: hash(last)}})
	}
	return f
}

func shardID(i int) string { return fmt.Sprintf("shardId-%012d", i) }

func hash(n *big.Int) shard.Hash {
	h, _ := shard.ParseHash(n.String())
	return h
}

// split replaces the open shard at an index by two.
func (f *fake) split(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var open []int
	for j := range f.shards {
		if !f.shards[j].Closed {
			open = append(open, j)
		}
	}
	parent := &f.shards[open[i%len(open)]]
	first, _ := new(big.Int).SetString(parent.Range.First.String(), 10)
	last, _ := new(big.Int).SetString(parent.Range.Last.String(), 10)
	middle := new(big.Int).Rsh(new(big.Int).Add(first, last), 1)
	parent.Closed = true
	low := shard.Range{First: parent.Range.First, Last: hash(middle)}
	high := shard.Range{First: hash(middle.Add(middle, big.NewInt(1))), Last: parent.Range.Last}
	id := parent.ID
	f.shards = append(f.shards, shard.Shard{ID: shardID(len(f.shards)), Parent: id, Range: low},
		shard.Shard{ID: shardID(len(f.shards) + 1), Parent: id, Range: high})
}

func (f *fake) Shards(ctx context.Context, _ string, filter api.Filter) (api.Listing, error) {
	if err := f.rest(ctx, f.trip); err != nil {
		return api.Listing{}, &api.Error{Op: "ListShards", Err: err}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listings++
	if f.listErr != nil {
		return api.Listing{}, f.listErr
	}
	all := f.shards
	if f.listed != nil {
		all = f.listed
	}
	var open []shard.Shard
	for _, s := range all {
		if filter.Type != "AT_LATEST" || !s.Closed {
			open = append(open, s)
		}
	}
	return api.Listing{Shards: open}, nil
}

func (f *fake) PutRecords(ctx context.Context, _ string, entries []api.Entry) ([]api.Result, error) {
	call, fault := f.begin(entries)
	defer f.end(entries)
	trip := f.trip + fault.wait
	if f.slowest != nil {
		trip += f.slowest()
	}
	if err := f.rest(ctx, trip/2); err != nil || fault.hang {
		if fault.hang {
			<-ctx.Done()
			err = context.Cause(ctx)
		}
		return nil, &api.Error{Op: "PutRecords", Unknown: true, Err: err}
	}
	if fault.before != nil {
		return nil, fault.before
	}
	results := f.store(call, entries, fault)
	if err := f.rest(ctx, trip/2); err != nil {
		return nil, &api.Error{Op: "PutRecords", Unknown: true, Err: err}
	}
	if fault.later != nil {
		return nil, fault.later
	}
	if fault.result != nil {
		results = fault.result(results)
	}
	return results, nil
}

func (f *fake) PutRecord(ctx context.Context, stream string, e api.Entry, after string) (api.Result, error) {
	f.mu.Lock()
	f.after = append(f.after, after)
	f.mu.Unlock()
	results, err := f.PutRecords(ctx, stream, []api.Entry{e})
	if err != nil {
		return api.Result{}, err
	}
	return results[0], nil
}

func (f *fake) begin(entries []api.Entry) (int, fault) {
	f.mu.Lock()
	f.calls++
	call := f.calls
	for _, e := range entries {
		if f.under[e.Key]++; f.under[e.Key] > 1 {
			f.overlaps++
		}
	}
	f.mu.Unlock()
	if f.fault == nil {
		return call, fault{}
	}
	return call, f.fault(call, entries)
}

func (f *fake) end(entries []api.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range entries {
		f.under[e.Key]--
	}
}

func (f *fake) rest(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// store stores entries one by one, as the service does: what fails does not stop the others.
func (f *fake) store(call int, entries []api.Entry, fault fault) []api.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, entries)
	results := make([]api.Result, len(entries))
	total := 0
	for i, e := range entries {
		total += len(e.Key) + len(e.Data)
		code := fault.codes[i]
		if code == "" {
			code = fault.all
		}
		s := f.place(e)
		if code == "" && f.limited && !f.passes(s.ID, len(e.Key)+len(e.Data)) {
			code = api.Throughput
			f.throttles++
		}
		f.entries++
		if code != "" {
			results[i] = api.Result{Code: code, Message: "Rate exceeded"}
			continue
		}
		f.sequence++
		number := fmt.Sprintf("496%053d", f.sequence)
		results[i] = api.Result{Shard: s.ID, Sequence: number}
		f.log = append(f.log, entry{
			key: e.Key, shard: s.ID, sequence: number, data: slices.Clone(e.Data), call: call, time: time.Now(),
		})
	}
	if len(entries) > 500 || total > 10<<20 {
		panic("a request over the limits")
	}
	return results
}

func (f *fake) place(e api.Entry) shard.Shard {
	h := shard.HashKey(e.Key)
	for _, s := range f.shards {
		if !s.Closed && s.Range.Contains(h) {
			return s
		}
	}
	panic("no shard")
}

// passes takes from a shard's buckets: 1,000 records and 1 MiB a second.
func (f *fake) passes(id string, size int) bool {
	b := f.buckets[id]
	if b == nil {
		b = &bucket{records: 1000, bytes: f.burst, at: time.Now()}
		f.buckets[id] = b
	}
	seconds := time.Since(b.at).Seconds()
	b.at = time.Now()
	b.records = min(b.records+1000*seconds, 1000)
	b.bytes = min(b.bytes+(1<<20)*seconds, f.burst)
	if b.records < 1 || b.bytes < float64(size) {
		return false
	}
	b.records--
	b.bytes -= float64(size)
	return true
}

// A piece is a record as a reader gets it.
type piece struct {
	key, value, shard, sequence string
	sub                         int
}

// stored is the log as a reader sees it.
func (f *fake) stored() []piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []piece
	var d aggregate.Decoder
	for _, e := range f.log {
		if !d.Parse(e.data) {
			all = append(all, piece{e.key, string(e.data), e.shard, e.sequence, 0})
			continue
		}
		for i := 0; ; i++ {
			p, more, err := d.Next()
			if err != nil {
				panic(err)
			}
			if !more {
				break
			}
			all = append(all, piece{string(p.Key), string(p.Data), e.shard, e.sequence, i})
		}
	}
	return all
}

// values are the stored values of a key, in order.
func (f *fake) values(key string) []string {
	var all []string
	for _, p := range f.stored() {
		if p.key == key {
			all = append(all, p.value)
		}
	}
	return all
}
