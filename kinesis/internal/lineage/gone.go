package lineage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
)

// Gone settles a shard that the service says it does not have (ResourceNotFoundException), after all that was read of it is
// settled. Since is when the service first said so, with no other answer after it. It counts only if a complete listing
// that began more than Config.ListingLag later does not tell the shard either: false means that reading must be tried
// again, and this be asked again after the next pass. P is the hold's progress; nil: none was begun.
//
// What retention may have taken is reported before it is written, so that it is told at least once.
func (s *Syncer) Gone(ctx context.Context, l Fenced, p *Progress, since time.Time) (bool, error) {
	row := l.Row()
	if open, err := s.Gate(ctx, row); err != nil || !open {
		return false, err
	}
	if earlier, doubted := s.doubt(row.Key); doubted && earlier.Before(since) {
		since = earlier
	}
	v := s.last()
	if !s.late(v, since) {
		s.await(since)
		return false, nil
	}
	if _, listed := v.shards[row.Key]; listed && !mutated("gone without asking a listing") {
		return false, nil
	}
	if p == nil {
		var err error
		if p, err = s.Follow(ctx, row); err != nil {
			return false, err
		}
	}
	rows, err := s.c.Store.Scan(ctx)
	if err != nil {
		return false, err
	}
	end := lease.AtEnd
	c := lease.Change{Checkpoint: &end, Pos: s.mourn(v, row, p.unread(), rows)}
	for _, r := range rows {
		if slices.Contains(r.Parents, row.Key) {
			c.Children = append(c.Children, r.Key) // as far as they have rows
		}
	}
	_, err = l.Update(ctx, c)
	return err == nil, err
}

// mourn reports what is lost with a shard that is gone, unless a child of it was begun: then the row was made anew after
// everything had been settled. It returns what xPosMs becomes.
func (s *Syncer) mourn(v view, row lease.Row, pos int64, rows []lease.Row) *int64 {
	limit := v.expired(v.now)
	if limit <= pos {
		return &pos
	}
	began := slices.ContainsFunc(rows, func(r lease.Row) bool {
		return !r.Own.Blind && slices.Contains(r.Parents, row.Key) && (r.Numeric() || r.Ended())
	})
	if !began && !mutated("a loss is not told") {
		s.c.Report(lossOf(row, pos, limit))
	}
	return &limit
}

// late reports whether a listing began so long after since that it tells what was true then.
func (s *Syncer) late(v view, since time.Time) bool {
	return v.begun.After(since.Add(s.c.ListingLag)) || mutated("gone without asking a listing")
}

// expect makes Run pass as soon as a listing can settle a doubt, and reports whether that is sooner than it was to.
func (s *Syncer) expect(since time.Time) bool {
	due := since.Add(s.c.ListingLag + time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	sooner := s.due.IsZero() || due.Before(s.due)
	if sooner {
		s.due = due
	}
	return sooner
}

// await is expect beside Run, which looks at its timer again.
func (s *Syncer) await(since time.Time) {
	if s.expect(since) {
		s.Wake()
	}
}

// seek looks for shards that nobody lists. A blind row waits for lineage, or for proof that there is none: then it is
// settled. Others are settled by who holds them, and by then the doubt is old: generations of shards that went while nobody
// read need not wait for the listing lag one after the other. One that cannot be asked for does not keep the others.
func (p *pass) seek(ctx context.Context) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		row := p.rows[key]
		if _, listed := p.shards[key]; listed || row.Ended() {
			continue
		}
		if err := p.question(ctx, row); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// question asks for a shard that is not listed, once, and settles it if it is blind and the doubt is old enough.
func (p *pass) question(ctx context.Context, row lease.Row) error {
	since, doubted := p.doubt(row.Key)
	if !doubted {
		gone, err := p.missing(ctx, row.Key)
		if err != nil || !gone {
			return err
		}
		since = p.doubtFrom(row.Key, time.Now())
	}
	switch {
	case !p.late(p.view, since):
		p.expect(since)
		return nil
	case !row.Own.Blind:
		return nil
	}
	return p.settle(ctx, row.Key)
}

func (s *Syncer) doubt(key string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, has := s.doubts[key]
	return since, has
}

func (s *Syncer) doubtFrom(key string, since time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubts[key] = since
	return since
}

// trust forgets doubts about shards that are listed or settled, and that a pass is due for what it has looked at.
func (p *pass) trust() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.due.After(p.begun) {
		p.due = time.Time{}
	}
	maps.DeleteFunc(p.doubts, func(key string, _ time.Time) bool {
		row, has := p.rows[key]
		_, listed := p.shards[key]
		return listed || !has || row.Ended()
	})
}

// settle writes that a blind row's shard is gone.
func (p *pass) settle(ctx context.Context, key string) error {
	row, has, err := p.fetch(ctx, key)
	if err != nil || !has || !row.Own.Blind || row.Ended() {
		return err
	}
	pos := p.floor()
	if row.Own.Pos != nil {
		pos = *row.Own.Pos
	}
	end := lease.AtEnd
	after, err := p.c.Store.Update(ctx, key, lease.Change{
		Counter: &row.Counter, IsBlind: true, NotEnded: true, Raise: true,
		Checkpoint: &end, Pos: p.mourn(p.view, row, pos, slices.Collect(maps.Values(p.rows))),
	})
	return p.changed(ctx, key, after, err)
}

// missing reports whether the service says that it does not have a shard.
func (p *pass) missing(ctx context.Context, id string) (bool, error) {
	_, err := p.c.Service.Iterator(ctx, p.c.Stream, id, api.From{Kind: api.Oldest})
	if api.CodeOf(err) == api.Missing {
		return true, nil
	}
	return false, err
}
