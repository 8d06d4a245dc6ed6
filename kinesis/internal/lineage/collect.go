package lineage

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// collections is how many rows a pass removes: each costs two calls, and there is no hurry.
const collections = 50

// collect removes rows that nothing can ask for again: the shard is settled and trimmed, what replaces it has its rows, and
// the rows of what it replaced are gone.
func (p *pass) collect(ctx context.Context) error {
	removed := 0
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		row := p.rows[key]
		if !p.collectable(row) {
			continue
		}
		if removed++; removed > collections {
			return nil
		}
		gone, err := p.missing(ctx, key)
		if err != nil {
			return err
		}
		if !gone {
			continue
		}
		err = p.c.Store.Delete(ctx, key, row.Counter)
		switch {
		case err == nil:
			delete(p.rows, key) // so that the next generation can go too
		case errors.Is(err, lease.ErrConflict), errors.Is(err, stream.ErrUnknownOutcome):
		default:
			return err
		}
	}
	return nil
}

func (p *pass) collectable(row lease.Row) bool {
	if _, listed := p.shards[row.Key]; listed || !row.Ended() {
		return false
	}
	if row.Key == Anchor && !mutated("the anchor is made again") {
		return false
	}
	for _, id := range row.Children {
		if kid, has := p.rows[id]; !has || kid.Own.Blind {
			return false
		}
	}
	for _, id := range row.Parents {
		if up, has := p.rows[id]; has && !p.settledAnchor(up) && !mutated("a row is removed before its parents'") {
			return false
		}
	}
	return true
}

// settledAnchor reports whether a row is the anchor with nothing left to do: it stays for ever, and must not keep all that
// came after it.
func (p *pass) settledAnchor(r lease.Row) bool { return r.Key == Anchor && r.Ended() }
