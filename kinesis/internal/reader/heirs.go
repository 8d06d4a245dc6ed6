package reader

import (
	"context"
	"errors"
	"slices"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

var (
	// errDoubt says that an end is not believed yet.
	errDoubt = errors.New("the shard's end is told without its children")
	errOpen  = errors.New("the shard's end is told, but the shard is listed as open")
)

// heirs are the children of a shard whose end came without them. The service always tells them, so such an answer may be
// damaged (KCL takes it for invalid): it is asked for again, and then the listing must confirm it.
func (p *Polling) heirs(ctx context.Context) ([]shard.Child, error) {
	if !p.doubted {
		p.doubted = true
		return nil, errDoubt
	}
	listing, err := p.config.Service.Shards(ctx, p.config.Stream, api.Filter{})
	if err != nil {
		return nil, err
	}
	return p.confirm(listing.Shards)
}

// confirm believes in the end of a shard that is listed with all that replaces it, or not at all any more. A listing may lag:
// in time, a closed shard is believed to have the children that are listed, perhaps none.
func (p *Polling) confirm(all []shard.Shard) ([]shard.Child, error) {
	id := p.config.Shard
	var children []shard.Child
	for _, s := range all {
		if slices.Contains(s.Parents(), id) {
			children = append(children, shard.Child{ID: s.ID, Parents: s.Parents(), Range: s.Range})
		}
	}
	i := slices.IndexFunc(all, func(s shard.Shard) bool { return s.ID == id })
	switch {
	case i < 0, all[i].Closed && covers(children, all[i].Range):
		return children, nil
	case p.trouble.count < doubts:
		return nil, errDoubt
	case all[i].Closed:
		return children, nil
	}
	return nil, &api.Error{Op: "GetRecords", Code: "", Status: 200, Err: errOpen}
}

// doubts is how many waits, of about half a minute together, a listing has to catch up.
const doubts = 8

// covers reports whether the children take every key of r.
func covers(children []shard.Child, r shard.Range) bool {
	slices.SortFunc(children, func(a, b shard.Child) int { return a.Range.First.Compare(b.Range.First) })
	next := r.First
	for _, c := range children {
		if c.Range.First.Compare(next) > 0 {
			return false
		}
		if c.Range.Last.Compare(r.Last) >= 0 {
			return true
		}
		if after, ok := c.Range.Last.Next(); ok && after.Compare(next) > 0 {
			next = after
		}
	}
	return false
}
