package lineage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// everything is what the service has not trimmed.
var everything = api.Filter{}

// A pass brings the rows in step with one listing. The table is read after the listing was.
type pass struct {
	*Syncer
	view
	rows map[string]lease.Row // as scanned, and as this pass made them
	kids map[string][]string  // of a shard or parent: what replaces it, as known lineage tells
	done map[string]bool      // rows that were ensured
}

// Pass lists the shards completely, reads the table, and makes the rows that are not there; a group without rows is born.
// Rows of Amazon's workers are annotated. What is gone is settled or removed. A pass that fails may have done a part;
// the next one goes on.
func (s *Syncer) Pass(ctx context.Context) error {
	v, created, err := s.list(ctx)
	if err != nil {
		return err
	}
	p := &pass{Syncer: s, view: v, done: map[string]bool{}}
	if err := p.join(ctx, created); err != nil {
		return err
	}
	s.mu.Lock()
	if !p.begun.Before(s.view.begun) {
		s.view = p.view
	}
	s.mu.Unlock()
	p.index()
	for _, id := range p.sorted() {
		if err := p.ensure(ctx, id); err != nil {
			return err
		}
	}
	if err := p.seek(ctx); err != nil {
		return err
	}
	p.trust()
	return p.collect(ctx)
}

// sorted are the ids of the listing. Every member works in the same order.
func (p *pass) sorted() []string {
	ids := make([]string, 0, len(p.shards))
	for id, sh := range p.shards {
		if !sh.Closed || !mutated("a closed shard is skipped") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// index notes what replaces what, from rows with known lineage and from listed shards without row.
func (p *pass) index() {
	p.kids = map[string][]string{}
	for key, r := range p.rows {
		if r.Own.Blind {
			continue
		}
		for _, up := range r.Parents {
			p.kids[up] = append(p.kids[up], key)
		}
	}
	for id, sh := range p.shards {
		if r, has := p.rows[id]; has && !(r.Own.Blind && mutated("a blind row proves its ancestors")) {
			continue
		}
		for _, up := range sh.Parents() {
			p.kids[up] = append(p.kids[up], id)
		}
	}
}

// had reports whether a shard without row once had one: a descendant's row with known lineage is there, and rows are made
// ancestors first.
func (p *pass) had(id string) bool {
	return slices.ContainsFunc(p.kids[id], func(kid string) bool {
		_, has := p.rows[kid]
		return has || p.had(kid)
	})
}

// ensure makes the row of a shard, listed or only named by one that it was replaced by, after those of its parents; or
// fills in what a blind row lacks.
func (p *pass) ensure(ctx context.Context, id string) error {
	if p.done[id] {
		return nil
	}
	p.done[id] = true
	row, has := p.rows[id]
	if !has && p.had(id) {
		// A scan is no snapshot: the row may have come after the scan had passed its place.
		var err error
		if row, has, err = p.fetch(ctx, id); err != nil || !has {
			return err
		}
	}
	sh, listed := p.shards[id]
	if has && !fillable(row, listed) {
		return nil
	}
	parents := sh.Parents()
	if mutated("rows are made children first") || mutated("a closed shard is skipped") {
		parents = nil
	}
	if err := p.ensureAll(ctx, parents); err != nil {
		return err
	}
	if has {
		return p.fill(ctx, sh)
	}
	if err := p.create(ctx, id, sh, listed); err != nil || !mutated("rows are made children first") {
		return err
	}
	return p.ensureAll(ctx, sh.Parents())
}

func fillable(r lease.Row, listed bool) bool { return r.Own.Blind && !r.Ended() && listed }

func (p *pass) ensureAll(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if err := p.ensure(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// create makes a row if it is not there; if it is, and is blind, it is filled in.
func (p *pass) create(ctx context.Context, id string, sh shard.Shard, listed bool) error {
	made, err := p.make(ctx, p.row(id, sh.Parents(), sh.Range, listed))
	if err != nil || made {
		return err
	}
	row, has, err := p.fetch(ctx, id)
	if err != nil || !has || !fillable(row, listed) {
		return err
	}
	return p.fill(ctx, sh)
}

// row is a new row. One whose lineage is not known is blind.
func (p *pass) row(id string, parents []string, r shard.Range, known bool) lease.Row {
	t, now, pos := p.threshold, p.now, p.inherited(parents)
	row := lease.Row{
		Key: id, Counter: time.Now().UnixMilli(), Checkpoint: lease.AtOldest,
		Own: lease.Own{Start: &t, Born: &now, Pos: &pos, Blind: !known},
	}
	if known {
		row.Parents, row.First, row.Last = parents, r.First.String(), r.Last.String()
	}
	return row
}

// inherited is what a new row knows to be settled: the least of its parents' rows.
func (p *pass) inherited(parents []string) int64 {
	if mutated("a new row has no past") {
		return p.now
	}
	pos, known := p.floor(), false
	for _, id := range parents {
		up, has := p.rows[id]
		if !has || up.Own.Pos == nil {
			continue
		}
		if known {
			pos = min(pos, *up.Own.Pos)
		} else {
			pos, known = *up.Own.Pos, true
		}
	}
	return pos
}

// make creates a row. An unknown outcome is looked up.
func (p *pass) make(ctx context.Context, row lease.Row) (bool, error) {
	made, err := p.c.Store.Create(ctx, row)
	switch {
	case errors.Is(err, stream.ErrUnknownOutcome):
		_, has, gone := p.fetch(ctx, row.Key)
		if gone != nil {
			return false, gone
		}
		if !has {
			return false, err
		}
		return false, nil
	case err != nil:
		return false, err
	case made:
		p.rows[row.Key] = row
	}
	return made, nil
}

// fill gives a blind row its lineage. The rows of its parents are there.
func (p *pass) fill(ctx context.Context, sh shard.Shard) error {
	first, last, blind := sh.Range.First.String(), sh.Range.Last.String(), false
	row, err := p.c.Store.Update(ctx, sh.ID, lease.Change{
		IsBlind: true, NotEnded: true, Blind: &blind, Parents: sh.Parents(), First: &first, Last: &last,
	})
	return p.changed(ctx, sh.ID, row, err)
}

// changed notes what a row became by a conditional write that any member may have made before.
func (p *pass) changed(ctx context.Context, id string, row lease.Row, err error) error {
	switch {
	case err == nil:
		p.rows[id] = row
		return nil
	case errors.Is(err, lease.ErrConflict), errors.Is(err, stream.ErrUnknownOutcome):
		_, _, err := p.fetch(ctx, id)
		return err
	}
	return err
}

// fetch reads a row anew.
func (p *pass) fetch(ctx context.Context, id string) (lease.Row, bool, error) {
	row, has, err := p.c.Store.Get(ctx, id)
	if err != nil {
		return row, false, err
	}
	if has {
		p.rows[id] = row
	} else {
		delete(p.rows, id)
	}
	return row, has, nil
}
