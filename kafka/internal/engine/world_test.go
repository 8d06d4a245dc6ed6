package engine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A world is a cluster that keeps offsets, serves logs of numbered records, and lets a test play the group.
type world struct {
	leaderless    int  // so many questions for offsets find no leader
	silent        bool // no broker answers who wants to join
	engine.Client      // the rest is not called

	mu       sync.Mutex // guards what follows
	logs     map[engine.Partition]*partitionLog
	id       [16]byte // of every topic
	offsets  map[engine.Partition]engine.Committed
	commits  []commitCall
	onCommit func(ctx context.Context, call commitCall) error // its error is the answer
	fetchers []*worldFetcher
	members  []*worldMember
}

type partitionLog struct {
	start, end int64
	markers    map[int64]bool // offsets without a record
	times      map[int64]time.Time
}

type commitCall struct {
	m       engine.Membership
	offsets map[int32]engine.Committed
}

func at(topic string, n int32) engine.Partition { return engine.Partition{Topic: topic, Number: n} }

// newWorld has topic t, each of whose partitions has so many records.
func newWorld(records ...int64) *world {
	w := &world{logs: map[engine.Partition]*partitionLog{}, offsets: map[engine.Partition]engine.Committed{}}
	for n, end := range records {
		w.logs[at("t", int32(n))] = &partitionLog{end: end, markers: map[int64]bool{}, times: map[int64]time.Time{}}
	}
	return w
}

func (w *world) Topics(context.Context) ([]string, error) { return []string{"t"}, nil }

func (w *world) Topic(_ context.Context, name string) (engine.Topic, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := engine.Topic{Name: name, ID: w.id}
	for p := range w.logs {
		if p.Topic == name {
			t.Partitions = append(t.Partitions, engine.TopicPartition{Number: p.Number})
		}
	}
	if len(t.Partitions) == 0 {
		return t, stream.ErrNotFound
	}
	return t, nil
}

func (w *world) Offsets(_ context.Context, topic string, ps []int32, edge engine.Edge) (map[int32]engine.Edged, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[int32]engine.Edged{}
	if w.leaderless--; w.leaderless >= 0 {
		return nil, engine.Map(engine.Failed(5, nil))
	}
	for _, n := range ps {
		log := w.logs[at(topic, n)]
		o := engine.Offset{At: log.end, Epoch: -1}
		switch edge.Kind {
		case engine.EdgeOldest:
			o.At = log.start
		case engine.EdgeSince:
			o.At = -1
			for offset := log.start; offset < log.end && o.At < 0; offset++ {
				if !log.times[offset].Before(edge.Time) {
					o.At = offset
				}
			}
		}
		found[n] = engine.Edged{Offset: o}
	}
	return found, nil
}

func (w *world) Committed(_ context.Context, _, topic string, ps []int32) (map[int32]engine.Committed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[int32]engine.Committed{}
	for _, n := range ps {
		if c, ok := w.offsets[at(topic, n)]; ok {
			found[n] = c
		}
	}
	return found, nil
}

func (w *world) Commit(
	ctx context.Context, m engine.Membership, topic string, offsets map[int32]engine.Committed,
) (map[int32]error, error) {
	call := commitCall{m, offsets}
	w.mu.Lock()
	hook := w.onCommit
	w.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, call); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits = append(w.commits, call)
	for n, c := range offsets {
		w.offsets[at(topic, n)] = c
	}
	return map[int32]error{}, nil
}

func (w *world) committed(n int32) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.offsets[at("t", n)]
	if !ok {
		return -1
	}
	return c.Offset.At
}

func (w *world) commit(n int32, offset int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offsets[at("t", n)] = engine.Committed{Offset: engine.Offset{At: offset, Epoch: -1}}
}

func (w *world) calls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.commits)
}

// change changes a log and lets fetchers look.
func (w *world) change(n int32, f func(*partitionLog)) {
	w.mu.Lock()
	f(w.logs[at("t", n)])
	fetchers := slices.Clone(w.fetchers)
	w.mu.Unlock()
	for _, f := range fetchers {
		f.nudge()
	}
}

func (w *world) OpenFetcher(r engine.Receiver, _ engine.FetchConfig) (engine.Fetcher, error) {
	f := &worldFetcher{w: w, r: r, places: map[engine.Partition]*place{}, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	w.mu.Lock()
	w.fetchers = append(w.fetchers, f)
	w.mu.Unlock()
	f.wg.Go(f.run)
	return f, nil
}

// A worldFetcher serves blocks of three offsets.
type worldFetcher struct {
	closing time.Duration // what Close takes
	w       *world
	r       engine.Receiver
	wake    chan struct{}
	stop    chan struct{}
	wg      sync.WaitGroup

	mu     sync.Mutex // guards what follows
	places map[engine.Partition]*place
}

type place struct {
	at     int64
	number int64
	paused bool
	served int
}

func (f *worldFetcher) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *worldFetcher) with(g func()) {
	f.mu.Lock()
	g()
	f.mu.Unlock()
	f.nudge()
}

func (f *worldFetcher) Add(to map[engine.Partition]engine.Offset, number int64) {
	f.with(func() {
		for p, o := range to {
			f.places[p] = &place{at: o.At, number: number}
		}
	})
}

func (f *worldFetcher) Remove(ps ...engine.Partition) {
	f.with(func() {
		for _, p := range ps {
			delete(f.places, p)
		}
	})
}

func (f *worldFetcher) Pause(ps ...engine.Partition)  { f.pause(ps, true) }
func (f *worldFetcher) Resume(ps ...engine.Partition) { f.pause(ps, false) }

func (f *worldFetcher) pause(ps []engine.Partition, paused bool) {
	f.with(func() {
		for _, p := range ps {
			if at := f.places[p]; at != nil {
				at.paused = paused
			}
		}
	})
}

func (f *worldFetcher) Close() {
	time.Sleep(f.closing)
	close(f.stop)
	f.wg.Wait()
}

// reading tells how a partition is being read.
func (f *worldFetcher) reading(p engine.Partition) (place, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := f.places[p]; at != nil {
		return *at, true
	}
	return place{}, false
}

func (f *worldFetcher) run() {
	for {
		select {
		case <-f.stop:
			return
		case <-f.wake:
		}
		for f.serve() {
		}
	}
}

// serve delivers one block of each partition that has one.
func (f *worldFetcher) serve() (more bool) {
	type delivery struct {
		p     engine.Partition
		block engine.Block
		err   error
	}
	var all []delivery
	f.mu.Lock()
	f.w.mu.Lock()
	for p, place := range f.places {
		log := f.w.logs[p]
		switch {
		case place.paused:
		case place.at < log.start || place.at > log.end:
			all = append(all, delivery{p: p, err: engine.Map(engine.Failed(1, nil))})
			delete(f.places, p)
		case place.at < log.end:
			b := log.block(p, place)
			place.at = b.Next.At
			place.served++
			all = append(all, delivery{p: p, block: b})
		}
	}
	f.w.mu.Unlock()
	f.mu.Unlock()
	for _, d := range all {
		if d.err != nil {
			f.r.Broken(d.p, d.err)
		} else {
			f.r.Fetched(d.p, d.block)
		}
	}
	return len(all) > 0
}

func (l *partitionLog) block(p engine.Partition, from *place) engine.Block {
	next := min(from.at+3, l.end)
	var recs numbered
	for o := from.at; o < next; o++ {
		if !l.markers[o] {
			recs = append(recs, stream.Record{
				Stream: p.Topic, Partition: p.String(), Position: engine.Position(o, 7), Time: l.times[o],
				Value: fmt.Appendf(nil, "%d", o),
			})
		}
	}
	b := engine.Block{Next: engine.Offset{At: next, Epoch: 7}, Stable: l.end, Oldest: l.start, Added: from.number}
	if len(recs) > 0 {
		b.Records, b.Bytes = recs, 10*len(recs)
	}
	return b
}

type numbered []stream.Record

func (n numbered) Len() int                             { return len(n) }
func (n numbered) Read(first int, into []stream.Record) { copy(into, n[first:]) }

// A worldMember is in the group as the test says.
type worldMember struct {
	closing time.Duration // what Close takes
	engine.Listener
	w      *world
	doubts atomic.Int32

	mu         sync.Mutex // guards what follows
	generation int32
	forgotten  bool // the group has let it join again, as somebody else
	killed     bool
	left       bool
	owned      []engine.Partition
}

func (w *world) OpenMember(ctx context.Context, l engine.Listener, _ engine.MemberConfig) (engine.Member, error) {
	if w.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	m := &worldMember{Listener: l, w: w, generation: 1}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.members = append(w.members, m)
	return m, nil
}

func (m *worldMember) Membership() engine.Membership {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgotten {
		return engine.Membership{Group: "g", Member: "m, again", Generation: m.generation}
	}
	return engine.Membership{Group: "g", Member: "m", Generation: m.generation}
}

func (m *worldMember) Doubt() { m.doubts.Add(1) }

func (m *worldMember) become(generation int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation = generation
}

// give assigns partitions of t.
func (m *worldMember) give(numbers ...int32) {
	var ps []engine.Partition
	for _, n := range numbers {
		ps = append(ps, at("t", n))
	}
	m.mu.Lock()
	m.owned = append(m.owned, ps...)
	m.mu.Unlock()
	m.Assigned(ps)
}

// take revokes partitions of t in the background. What it returns is closed when they are given away.
func (m *worldMember) take(numbers ...int32) <-chan struct{} {
	var ps []engine.Partition
	for _, n := range numbers {
		ps = append(ps, at("t", n))
	}
	m.mu.Lock()
	m.owned = slices.DeleteFunc(m.owned, func(p engine.Partition) bool { return slices.Contains(ps, p) })
	m.mu.Unlock()
	given := make(chan struct{})
	go func() {
		defer close(given)
		m.Revoked(ps)
	}()
	return given
}

func (m *worldMember) Close(context.Context) error {
	time.Sleep(m.closing)
	m.mu.Lock()
	owned := m.owned
	m.owned, m.left = nil, true
	m.mu.Unlock()
	m.Revoked(owned)
	return nil
}

func (m *worldMember) Kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.killed = true
}

func worldSettings() engine.Settings {
	return engine.Settings{
		BufferBytes: 100, Rebalance: 10 * time.Second, MetadataMaxAge: time.Minute, Logger: slog.New(slog.DiscardHandler),
	}
}

func sourceConfig() stream.SourceConfig {
	return stream.SourceConfig{
		Group: "g", Member: "m", Streams: []string{"t"}, Grace: 20 * time.Second, Observe: func(stream.Event) {},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// A reader is one source under test.
type reader struct {
	t *testing.T
	*engine.Source
	w *world
	m *worldMember
	f *worldFetcher
}

func open(t *testing.T, w *world, change ...func(*engine.Settings, *stream.SourceConfig)) *reader {
	t.Helper()
	return openIn(t, w, &engine.Sources{}, change...)
}

func openIn(t *testing.T, w *world, all *engine.Sources, change ...func(*engine.Settings, *stream.SourceConfig)) *reader {
	t.Helper()
	s, c := worldSettings(), sourceConfig()
	for _, f := range change {
		f(&s, &c)
	}
	src, err := engine.NewSource(t.Context(), w, s, c, all)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close(context.Background())) })
	r := &reader{t: t, Source: src, w: w, f: w.fetchers[len(w.fetchers)-1]}
	if c.Group != "" {
		r.m = w.members[len(w.members)-1]
	}
	return r
}

// grant waits for the next claim.
func (r *reader) grant() *engine.Claim {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	c, err := r.Next(ctx)
	require.NoError(r.t, err)
	return c.(*engine.Claim)
}

// nothing is granted for a while.
func (r *reader) nothing() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
	defer cancel()
	_, err := r.Next(ctx)
	require.ErrorIs(r.t, err, context.DeadlineExceeded)
}

// read fetches until there is an error or nothing more for a while.
func (r *reader) read(c stream.Claim) (values []string, err error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
	defer cancel()
	for {
		into := make([]stream.Record, 2)
		n, err := c.Fetch(ctx, into)
		if err != nil {
			if ctx.Err() != nil {
				err = nil
			}
			return values, err
		}
		for _, rec := range into[:n] {
			values = append(values, string(rec.Value))
		}
	}
}

func (r *reader) save(c stream.Claim, offset int64) error {
	return c.Checkpoint(r.t.Context(), stream.Checkpoint{Position: engine.Position(offset, 7)})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

var errEnd = io.EOF
