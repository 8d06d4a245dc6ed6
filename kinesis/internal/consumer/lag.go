package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// What Lag asks of the service. A shard takes 5 GetRecords calls a second, of all who poll it.
const (
	lagCalls   = 5 // of a shard, at most, to find the first record behind the checkpoint
	lagGap     = 250 * time.Millisecond
	lagRecords = 100 // of a call; more than one, since an aggregate at the checkpoint comes first
	lagShards  = 16  // asked at a time
)

// Lag tells how far a group is behind in every shard that it has not settled, without joining it: in time only, since
// the service counts no records. The time is the age of the first record behind the checkpoint, which is read; it is
// not known where the service refuses to tell for its rates, or the shard is gone. At, if not nil, tells checkpoints
// that live elsewhere.
func Lag(
	ctx context.Context, d Deps, s settings.Settings, c stream.SourceConfig,
	at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	if err := check(s, c); err != nil {
		return nil, fault("lag", "", "", err)
	}
	var lags []stream.Lag
	for _, name := range c.Streams {
		l := &lagging{d: d, s: s, c: c, name: name, at: at}
		found, err := l.all(ctx)
		if err != nil {
			return nil, fault("lag", name, "", err)
		}
		lags = append(lags, found...)
	}
	return lags, nil
}

// A lagging is one stream of which the lag is asked.
type lagging struct {
	d    Deps
	s    settings.Settings
	c    stream.SourceConfig
	name string
	at   func(stream, partition string) (stream.Position, error)
	rows map[string]lease.Row
	now  time.Time // the service's
}

// all asks each shard, several at a time.
func (l *lagging) all(ctx context.Context) ([]stream.Lag, error) {
	listing, err := l.d.Service.Shards(ctx, l.name, api.Filter{})
	if err != nil {
		return nil, err
	}
	l.now = clock(listing.Date)
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	shards, err := lineage.Order(listing.Shards, l.c.Partitions)
	if err != nil {
		return nil, err
	}
	shards = slices.DeleteFunc(shards, func(sh shard.Shard) bool { return l.rows[sh.ID].Ended() })
	lags, errs := make([]stream.Lag, len(shards)), make([]error, len(shards))
	var wg sync.WaitGroup
	slots := make(chan struct{}, lagShards)
	for i, sh := range shards {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			lags[i], errs[i] = l.of(ctx, sh.ID)
		})
	}
	wg.Wait()
	return lags, errors.Join(errs...)
}

// load reads the group's rows; there are none without a table.
func (l *lagging) load(ctx context.Context) error {
	if l.c.Group == "" || l.s.LeaseTable == "" {
		return nil
	}
	store, err := l.d.Store(ctx, Table(l.s, l.c.Group, l.name), false)
	if errors.Is(err, stream.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	rows, err := store.Scan(ctx)
	if err != nil {
		return err
	}
	l.rows = map[string]lease.Row{}
	for _, r := range rows {
		l.rows[r.Key] = r
	}
	return nil
}

// of is the lag of one shard.
func (l *lagging) of(ctx context.Context, id string) (stream.Lag, error) {
	lag := stream.Lag{Stream: l.name, Partition: id, Checkpoint: l.rows[id].Position()}
	if l.at != nil {
		var err error
		if lag.Checkpoint, err = l.at(l.name, id); err != nil {
			return lag, err
		}
	}
	from, threshold, none := l.from(id, lag.Checkpoint)
	if none {
		lag.Millis.Known = true
		return lag, nil
	}
	cur := cursor{after: lag.Checkpoint, wanted: threshold}
	cur.opener.Stream, cur.opener.Shard, cur.opener.Range = l.name, id, shard.Whole()
	age, known, err := l.age(ctx, id, from, &cur)
	if err != nil && !unknowable(err) {
		return lag, fault("lag", l.name, id, err)
	}
	lag.Millis = stream.Count{N: age, Known: known && err == nil}
	return lag, nil
}

// from is where the group would go on in a shard. None: it begins at the end, and has not begun.
func (l *lagging) from(id string, checkpoint stream.Position) (from api.From, threshold time.Time, none bool) {
	if !checkpoint.IsZero() {
		sequence, _ := shard.Sequence(checkpoint)
		return api.From{Kind: api.AtSequence, Sequence: sequence}, time.Time{}, false
	}
	since := time.Time{}
	kind, t, after := l.c.Start.Parts()
	row, has := l.rows[id]
	if !has {
		row, has = l.rows[lineage.Anchor]
	}
	switch {
	case has && row.Own.Start != nil:
		since = wanted(*row.Own.Start)
	case kind == stream.StartLatest:
		return from, since, true
	case kind == stream.StartSince:
		since = t
	case kind == stream.StartAfter:
		sequence, _ := shard.Sequence(after)
		return api.From{Kind: api.AfterSequence, Sequence: sequence}, since, false
	}
	if since.IsZero() {
		return api.From{Kind: api.Oldest}, since, false
	}
	at := since
	if at.After(l.now) { // the service refuses a time that it has not reached
		at = l.now
	}
	return api.From{Kind: api.AtTime, Time: at}, since, false
}

// age reads the first record that the cursor lets through, and says how many milliseconds old it is; 0: there is none.
func (l *lagging) age(ctx context.Context, id string, from api.From, cur *cursor) (ms int64, known bool, err error) {
	iterator, err := l.d.Service.Iterator(ctx, l.name, id, from)
	if err != nil && from.Kind == api.AtSequence && unknownSequence(err) {
		iterator, err = l.d.Service.Iterator(ctx, l.name, id, api.From{Kind: api.Oldest})
	}
	if err != nil {
		return 0, false, err
	}
	behind := time.Duration(0)
	for range lagCalls {
		page, err := l.d.Service.Records(ctx, l.name, iterator, lagRecords)
		if err != nil {
			return 0, false, err
		}
		cur.load(page)
		var rec [1]stream.Record
		ok, corrupt := cur.next(&rec[0])
		switch {
		case ok || corrupt != nil:
			return l.old(page, cur.page.Records[min(cur.at, len(page.Records)-1)].Arrival), true, nil
		case page.End || page.Behind == 0 || page.Next == "":
			return 0, true, nil
		}
		iterator, behind = page.Next, page.Behind
		if rest(ctx, lagGap); ctx.Err() != nil {
			return 0, false, ctx.Err()
		}
	}
	return max(behind.Milliseconds(), 1), true, nil // it is at least so old
}

// old is the age of a record in milliseconds: by this machine's clock if that is as right as the service's, which has
// steps of a second, can tell.
func (l *lagging) old(p api.Page, arrival time.Time) int64 {
	now := time.Now()
	if off := now.Sub(clock(p.Date)); off < -dateStep || off > 2*dateStep {
		now = p.Date
	}
	return max(now.Sub(arrival).Milliseconds(), 1)
}

// unknowable reports whether a failure only means that a lag is not known.
func unknowable(err error) bool {
	return errors.Is(err, stream.ErrThrottled) || errors.Is(err, stream.ErrNotFound) && api.CodeOf(err) != ""
}
