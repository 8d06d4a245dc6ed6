package consumer

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A static is a reading's share of a stream without leases: all shards, or a list, parents before what replaces them.
// What it knows is in memory.
type static struct {
	t         *track
	threshold int64         // what arrived before is not wanted, in Unix milliseconds
	opened    time.Time     // by the service's clock
	wake      chan struct{} // holds a token when shards should be looked at

	mu    sync.Mutex // guards what follows
	seats map[string]*staticSeat
	order []string // of seats
}

// A staticSeat is one shard.
type staticSeat struct {
	shard    shard.Shard
	taken    bool // a claim is not released
	finished bool // all of it is settled
	through  bool // the reading's end was reached

	seen  int64 // what arrived up to then was read before it was finished, in Unix milliseconds
	begun bool  // seen is known
}

func newStatic(t *track, listing api.Listing) (*static, error) {
	now := clock(listing.Date)
	s := &static{t: t, opened: now, wake: make(chan struct{}, 1), seats: map[string]*staticSeat{}}
	switch kind, since, _ := t.s.config.Start.Parts(); kind {
	case stream.StartLatest:
		s.threshold = lineage.Tip(now.UnixMilli())
	case stream.StartSince:
		s.threshold = since.Add(time.Millisecond - 1).UnixMilli()
	}
	all, err := lineage.Order(listing.Shards, t.s.config.Partitions)
	if err != nil {
		return nil, err
	}
	for _, sh := range all {
		s.add(sh)
	}
	return s, nil
}

// add makes a shard known. The caller holds s.mu, or is the only one that knows s.
func (s *static) add(sh shard.Shard) {
	if _, has := s.seats[sh.ID]; has {
		return
	}
	s.seats[sh.ID] = &staticSeat{shard: sh}
	s.order = append(s.order, sh.ID)
}

// run grants what may be read, and lists the shards again now and then.
func (s *static) run(ctx context.Context) {
	ticker := time.NewTicker(s.t.s.settings.SyncEvery)
	defer ticker.Stop()
	for {
		for _, sh := range s.ready() {
			seat := sh
			if !s.t.s.offer(newClaim(s.t.s, s.opening(seat), &unshared{s: s, id: seat.ID})) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-ticker.C:
			s.list(ctx)
		}
	}
}

// ready takes the shards that may be read now.
func (s *static) ready() []shard.Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	selected := make(map[string]shard.Shard, len(s.seats))
	for id, seat := range s.seats {
		selected[id] = seat.shard
	}
	var ready []shard.Shard
	for _, id := range s.order {
		seat := s.seats[id]
		if seat.taken || seat.finished || seat.through || !lineage.Ready(seat.shard, selected, s.isFinished) {
			continue
		}
		seat.taken = true
		ready = append(ready, seat.shard)
	}
	return ready
}

// isFinished reports whether what replaces a shard may be read. The caller holds s.mu.
func (s *static) isFinished(id string) bool { return s.seats[id].finished || s.seats[id].through }

// opening is where the claim of a shard begins.
func (s *static) opening(sh shard.Shard) opening {
	area := sh.Range
	o := opening{
		track: s.t, shard: sh.ID, area: &area, from: api.From{Kind: api.Oldest}, wanted: wanted(s.threshold),
		progress: &trail{t: s.t, id: sh.ID, area: area, seen: s.reached(sh)},
		replaces: s.parents(sh, map[string][]stream.Parent{}),
	}
	if s.threshold > 0 { // the service refuses a time that it has not reached
		o.from = api.From{Kind: api.AtTime, Time: time.UnixMilli(min(s.threshold, s.opened.UnixMilli()))}
	}
	if kind, _, after := s.t.s.config.Start.Parts(); kind == stream.StartAfter {
		o.saved.Position = after
	}
	return o
}

// reached is up to which time of arrival nothing of a shard can be missing: what its parents had is read, and it has only
// what arrived later.
func (s *static) reached(sh shard.Shard) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	born, least := s.t.begin(s.opened, s.threshold), int64(math.MaxInt64)
	for _, id := range sh.Parents() {
		up := s.seats[id]
		if up == nil || !up.begun {
			return born
		}
		least = min(least, up.seen)
	}
	if least == math.MaxInt64 {
		return born
	}
	return max(born, least)
}

// parents are what a shard replaces, for as far back as it is known.
func (s *static) parents(sh shard.Shard, seen map[string][]stream.Parent) []stream.Parent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parentsOf(sh, seen)
}

// parentsOf is parents. The caller holds s.mu.
func (s *static) parentsOf(sh shard.Shard, seen map[string][]stream.Parent) []stream.Parent {
	if known, has := seen[sh.ID]; has {
		return known
	}
	seen[sh.ID] = nil
	var all []stream.Parent
	for _, id := range sh.Parents() {
		parent := stream.Parent{Partition: id}
		if seat := s.seats[id]; seat != nil {
			parent.Replaces = s.parentsOf(seat.shard, seen)
		}
		all = append(all, parent)
	}
	seen[sh.ID] = all
	return all
}

// list makes shards known that appeared. A failure is made good by the next listing.
func (s *static) list(ctx context.Context) {
	listing, err := s.t.s.deps.Service.Shards(ctx, s.t.name, api.Filter{})
	if err != nil {
		if ctx.Err() == nil {
			s.t.s.settings.Logger.Warn("the shards were not listed", "stream", s.t.name, "error", err)
		}
		return
	}
	if len(s.t.s.config.Partitions) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range listing.Shards {
		s.add(sh)
	}
}

// heirs makes the shards known that replace one that was read to its end.
func (s *static) heirs(children []shard.Child) {
	if len(s.t.s.config.Partitions) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range children {
		sh := shard.Shard{ID: c.ID, Range: c.Range}
		if len(c.Parents) > 0 {
			sh.Parent = c.Parents[0]
		}
		if len(c.Parents) > 1 {
			sh.Adjacent = c.Parents[1]
		}
		s.add(sh)
	}
}

// note keeps up to when a shard was read.
func (s *static) note(id string, seen int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seats[id].seen, s.seats[id].begun = seen, true
}

func (s *static) close(context.Context) error { return nil }

func (s *static) abandon() {}

func (s *static) released(id string, ended, through bool) {
	s.mu.Lock()
	seat := s.seats[id]
	seat.taken = false
	seat.finished = seat.finished || ended
	seat.through = seat.through || through
	s.mu.Unlock()
	signal(s.wake)
}

// over reports whether the reading has ended in every shard.
func (s *static) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.order, func(id string) bool { return !s.seats[id].finished && !s.seats[id].through })
}

// unshared is a tenure of a shard that nobody else wants.
type unshared struct {
	s  *static
	id string
}

func (u *unshared) Asked() <-chan struct{} { return nil }

func (u *unshared) Lost() <-chan struct{} { return nil }

func (u *unshared) save(context.Context, stream.Checkpoint, *int64) error {
	return stream.ErrUnsupported
}

func (u *unshared) note(context.Context, int64) error { return nil }

func (u *unshared) finish(_ context.Context, e ending) error {
	if read, ok := e.progress.(*trail); ok {
		u.s.note(u.id, read.seen)
	}
	u.s.heirs(e.children)
	return nil
}

func (u *unshared) free(context.Context) error { return nil }

func (u *unshared) verify(context.Context) error { return nil }
