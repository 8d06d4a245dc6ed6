package lineage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// A Fenced is a lease that is held: Update is refused as soon as it is not.
type Fenced interface {
	Row() lease.Row
	Update(ctx context.Context, c lease.Change) (lease.Row, error)
}

// End writes that everything of a shard is settled, after the rows of what replaces it are there. Children are as the end of
// the shard told them. Since is when it was read, for the case that they do not cover the shard: then they are taken from a
// listing, and there are no more than it has if it began Config.ListingLag later. False means that End must be asked again,
// after the next pass. P is the hold's progress; nil: unknown.
func (s *Syncer) End(ctx context.Context, l Fenced, p *Progress, children []shard.Child, since time.Time) (bool, error) {
	row := l.Row()
	children, known := s.replacing(row, children, since)
	if !known {
		s.await(since)
		return false, nil
	}
	end := lease.AtEnd
	c := lease.Change{Checkpoint: &end}
	for _, child := range children {
		c.Children = append(c.Children, child.ID)
	}
	if p != nil {
		c.Pos, row.Own.Pos = p.Pos(), p.Pos()
	}
	if row.Numeric() && !row.Own.Has {
		c.State = new([]byte) // says to the children that there was a checkpoint, which left no state
		*c.State = []byte{}
	}
	if mutated("the end is written before the children") {
		if _, err := l.Update(ctx, c); err != nil {
			return false, err
		}
		return true, s.bequeath(ctx, row, children)
	}
	if err := s.bequeath(ctx, row, children); err != nil {
		return false, err
	}
	_, err := l.Update(ctx, c)
	return err == nil, err
}

// replacing are the children of a shard that was read to its end. What the end told is not believed if it leaves a hole.
func (s *Syncer) replacing(row lease.Row, told []shard.Child, since time.Time) (children []shard.Child, known bool) {
	if len(told) > 0 && covered(row, told) {
		return told, true
	}
	v := s.last()
	children = slices.Clone(told)
	for _, sh := range v.shards {
		if !slices.Contains(sh.Parents(), row.Key) || slices.ContainsFunc(told, func(c shard.Child) bool { return c.ID == sh.ID }) {
			continue
		}
		children = append(children, shard.Child{ID: sh.ID, Parents: sh.Parents(), Range: sh.Range})
	}
	slices.SortFunc(children, func(a, b shard.Child) int { return cmp.Compare(a.ID, b.ID) })
	return children, len(children) > 0 && covered(row, children) || s.late(v, since)
}

// covered reports whether the children take all keys of a row's shard.
func covered(row lease.Row, children []shard.Child) bool {
	if row.First == "" || row.Last == "" {
		return true // a row that does not tell its range
	}
	of := rangeOf(row)
	children = slices.Clone(children)
	slices.SortFunc(children, func(a, b shard.Child) int { return a.Range.First.Compare(b.Range.First) })
	next, more := of.First, true
	for _, c := range children {
		if c.Range.First.Compare(next) > 0 {
			return false
		}
		if c.Range.Last.Compare(next) < 0 {
			continue
		}
		if next, more = c.Range.Last.Next(); !more {
			return true
		}
	}
	return next.Compare(of.Last) > 0
}

// bequeath makes the rows of a shard's children, after those of their other parents.
func (s *Syncer) bequeath(ctx context.Context, row lease.Row, children []shard.Child) error {
	if len(children) == 0 || mutated("children are left to the listing") {
		return nil
	}
	rows, err := s.c.Store.Scan(ctx)
	if err != nil {
		return err
	}
	p := &pass{Syncer: s, view: s.last(), rows: map[string]lease.Row{}, done: map[string]bool{}}
	for _, r := range rows {
		p.rows[r.Key] = r
	}
	if _, has := p.rows[row.Key]; !has {
		return fmt.Errorf("the row of %s is no more: %w", row.Key, lease.ErrConflict) // nothing is written before an anchor
	}
	p.rows[row.Key] = row
	p.shards = maps.Clone(p.shards)
	for _, c := range children {
		p.shards[c.ID] = known(c)
	}
	p.index()
	for _, c := range children {
		if err := p.ensure(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// known is a child as a listing would tell it.
func known(c shard.Child) shard.Shard {
	sh := shard.Shard{ID: c.ID, Range: c.Range}
	if len(c.Parents) > 0 {
		sh.Parent = c.Parents[0]
	}
	if len(c.Parents) > 1 {
		sh.Adjacent = c.Parents[1]
	}
	return sh
}
