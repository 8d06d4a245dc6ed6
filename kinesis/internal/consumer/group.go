package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A group is a member's share of a stream by leases.
type group struct {
	t       *track
	store   lease.Store
	syncer  *lineage.Syncer
	manager *lease.Manager

	mu       sync.Mutex      // guards what follows
	through  map[string]bool // shards in which the reading's end was reached: they are not taken again
	assigned bool            // somebody else assigns leases
}

func newGroup(ctx context.Context, t *track) (*group, error) {
	s := t.s.settings
	table := Table(s, t.s.config.Group, t.name)
	store, err := t.s.deps.Store(ctx, table, s.CreateTable)
	if err != nil {
		return nil, err
	}
	g := &group{t: t, store: store, through: map[string]bool{}}
	if err := g.ask(ctx); err != nil {
		return nil, err
	}
	g.syncer, err = lineage.Open(ctx, lineage.Config{
		Service: t.s.deps.Service, Store: store, Stream: t.name, Start: t.s.config.Start,
		ListingLag: s.ListingLag, SyncEvery: s.SyncEvery, Report: g.lost, Logger: s.Logger,
	})
	if err != nil {
		return nil, err
	}
	g.manager = lease.NewManager(lease.Config{
		Store: store, Stream: t.name, Group: t.s.config.Group, Owner: t.s.config.Member, Failover: s.Failover,
		MaxSteal: s.MaxSteal, GoOnly: s.GoOnly, Grace: t.s.config.Grace,
		Eligible: g.eligible, Confirm: g.syncer.Gate, Hold: g.hold, Observe: t.s.tell, Logger: s.Logger,
	})
	return g, nil
}

// eligible reports whether a row may be held.
func (g *group) eligible(r lease.Row, all map[string]lease.Row) bool {
	return lineage.Eligible(r, all) && !g.isThrough(r.Key)
}

func (g *group) isThrough(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.through[key]
}

// hold reports whether nothing is to be taken now.
func (g *group) hold() bool {
	if g.t.s.leaving() {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.assigned
}

// askEvery is how often it is asked whether a leader of KCL 3 assigns leases.
const askEvery = 30 * time.Second

// ask finds out whether somebody else assigns the leases.
func (g *group) ask(ctx context.Context) error {
	if g.t.s.deps.Assigned == nil || g.t.s.settings.GoOnly {
		return nil
	}
	assigned, err := g.t.s.deps.Assigned(ctx, g.store)
	if err != nil {
		return err
	}
	g.mu.Lock()
	was := g.assigned
	g.assigned = assigned
	g.mu.Unlock()
	switch {
	case assigned && !was:
		g.t.s.settings.Logger.Warn("a leader of KCL 3 assigns the leases: this member takes none",
			"stream", g.t.name, "group", g.t.s.config.Group)
	case was && !assigned:
		g.t.s.settings.Logger.Warn("no leader of KCL 3 assigns the leases any more: this member takes its share",
			"stream", g.t.name, "group", g.t.s.config.Group)
	}
	return nil
}

// run takes leases and makes claims of them, until ctx ends.
func (g *group) run(ctx context.Context) {
	g.manager.Start()
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() {
		if err := g.syncer.Run(ctx); err != nil && ctx.Err() == nil {
			g.t.s.fail(fault("join", g.t.name, "", err))
		}
	})
	beside.Go(func() { g.askAgain(ctx) })
	for {
		l, err := g.manager.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, stream.ErrClosed):
			return
		case err != nil:
			g.t.s.fail(fault("join", g.t.name, "", err))
			return
		}
		g.claim(ctx, l)
	}
}

func (g *group) askAgain(ctx context.Context) {
	if g.t.s.deps.Assigned == nil || g.t.s.settings.GoOnly {
		return
	}
	for {
		if rest(ctx, askEvery); ctx.Err() != nil {
			return
		}
		if err := g.ask(ctx); err != nil && ctx.Err() == nil {
			g.t.s.settings.Logger.Warn("it is not known whether KCL assigns leases", "stream", g.t.name, "error", err)
		}
	}
}

// claim makes a claim of a lease. Where that fails for now the lease is given back, and comes again.
func (g *group) claim(ctx context.Context, l *lease.Lease) {
	o, err := g.opening(ctx, l)
	if err == nil && g.t.s.offer(newClaim(g.t.s, o, &leased{g: g, Lease: l})) {
		return
	}
	if err != nil && ctx.Err() == nil {
		if final(err) {
			g.t.s.fail(fault("join", g.t.name, l.Row().Key, err))
		}
		g.t.s.settings.Logger.Warn("a lease cannot be used now", "stream", g.t.name, "partition", l.Row().Key, "error", err)
		rest(ctx, pumpPause)
	}
	giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	_ = l.Release(giving) // otherwise it expires
}

// final reports whether trying again is of no use.
func final(err error) bool {
	for _, one := range []error{stream.ErrUnauthorized, stream.ErrInvalid, stream.ErrUnsupported, stream.ErrCorrupt} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// opening is where the claim of a lease begins.
func (g *group) opening(ctx context.Context, l *lease.Lease) (opening, error) {
	row := l.Row()
	o := opening{track: g.t, shard: row.Key, from: g.syncer.From(row), wanted: wanted(g.syncer.Threshold())}
	followed, err := g.syncer.Follow(ctx, row)
	if err != nil {
		return o, err
	}
	o.progress = followed
	if o.replaces, err = g.syncer.Parents(ctx, row); err != nil {
		return o, err
	}
	if !g.t.s.config.External {
		o.saved = stream.Checkpoint{Position: row.Position()}
		if row.Own.Has {
			o.saved.State = append([]byte{}, row.Own.State...)
		}
	}
	first, ok := shard.ParseHash(row.First)
	last, also := shard.ParseHash(row.Last)
	if ok && also {
		o.area = &shard.Range{First: first, Last: last}
	}
	return o, nil
}

// lost tells what nobody will read.
func (g *group) lost(l lineage.Loss) {
	gap := lossError(g.t.name, l)
	g.t.s.settings.Logger.Warn("records expired unread", "stream", g.t.name, "partition", l.Shard,
		"from", l.From, "to", l.To, "first", l.Range.First.String(), "last", l.Range.Last.String())
	g.t.s.tell(stream.Event{Kind: stream.EventGap, Stream: g.t.name, Partition: l.Shard, Err: gap})
}

func (g *group) close(ctx context.Context) error { return g.manager.Close(ctx) }

func (g *group) abandon() { g.manager.Abandon() }

func (g *group) released(id string, ended, through bool) {
	if through {
		g.mu.Lock()
		g.through[id] = true
		g.mu.Unlock()
	}
	if ended {
		g.syncer.Wake()
	}
	g.manager.Wake()
}

// over reports whether the reading has ended in every shard: this member has seen it, or the rows tell.
func (g *group) over() bool {
	rows := g.manager.Rows()
	for key := range rows {
		if !g.reached(key, rows) {
			return false
		}
	}
	return len(rows) > 0
}

// reached reports whether the reading has ended in a shard. The row of a parent is at its end only after its
// children's rows are there, but a table is not read at one moment. What replaces a shard that goes on behind the
// reading's end lies behind it too.
func (g *group) reached(key string, rows map[string]lease.Row) bool {
	r, settles := rows[key], g.t.bound.settles()
	switch {
	case r.Ended():
		return !slices.ContainsFunc(r.Children, func(child string) bool { return rows[child].Key == "" })
	case g.isThrough(key), settles > 0 && r.Own.Pos != nil && *r.Own.Pos >= settles:
		return true
	}
	return !r.Numeric() && slices.ContainsFunc(r.Parents, func(up string) bool {
		parent, has := rows[up]
		return has && !parent.Ended() && g.reached(up, rows)
	})
}
