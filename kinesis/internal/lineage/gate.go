package lineage

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// Eligible reports whether the gate of a row is open, as far as a scan can tell: all are the rows that it found.
func Eligible(r lease.Row, all map[string]lease.Row) bool {
	switch {
	case r.Ended(), r.Own.Blind && !mutated("a blind row starts"):
		return false
	case r.Numeric():
		return true
	}
	for _, id := range awaited(r) {
		if up, has := all[id]; has && !up.Ended() {
			return false
		}
	}
	return true
}

// Gate reports whether the shard of r may be read: it has a checkpoint, or the row of every parent is at its end or was
// removed after it was. R is as it was read or taken before. It reads the parents' rows.
func (s *Syncer) Gate(ctx context.Context, r lease.Row) (bool, error) {
	switch {
	case r.Ended():
		return false, nil
	case r.Own.Blind:
		return mutated("a blind row starts"), nil
	case r.Numeric():
		return true, nil
	}
	for _, id := range awaited(r) {
		up, has, err := s.c.Store.Get(ctx, id)
		if err != nil {
			return false, err
		}
		if has && !up.Ended() {
			return false, nil
		}
	}
	return true, nil
}

// awaited are the shards that must be settled before that of r begins.
func awaited(r lease.Row) []string {
	switch {
	case mutated("a child does not wait"):
		return nil
	case mutated("one parent only at a merge") && len(r.Parents) > 1:
		return r.Parents[:1]
	}
	return r.Parents
}

// From is where reading the shard of r begins. With a checkpoint it is the record there: records up to the checkpoint are
// left out by who reads, since it may be in the middle of an aggregate. Otherwise it is the group's threshold, for every
// shard; older records come with it where the service's clock went back, and are not Wanted.
func (s *Syncer) From(r lease.Row) api.From {
	if r.Numeric() {
		return api.From{Kind: api.AtSequence, Sequence: r.Checkpoint}
	}
	v := s.last()
	switch {
	case mutated("a child starts at the tip") && len(r.Parents) > 0:
		return api.From{Kind: api.Latest}
	case mutated("the tip is a sentinel") && v.threshold > 0:
		return api.From{Kind: api.Latest}
	case v.threshold == 0, mutated("children start at the oldest record") && len(r.Parents) > 0:
		return api.From{Kind: api.Oldest}
	}
	// The service refuses a time that it has not reached.
	return api.From{Kind: api.AtTime, Time: time.UnixMilli(min(v.threshold, v.now))}
}

// Wanted reports whether the group wants a record. One that it does not want counts as settled.
func (s *Syncer) Wanted(r api.Record) bool {
	if mutated("children start at the oldest record") {
		return true
	}
	return r.Arrival.UnixMilli() >= s.Threshold()
}

// Parents tells what a shard replaces, with the parents' last states. A parent that left no checkpoint is told with its own
// parents. Rows that are removed are left out. A row at its end no longer tells its position: it is given as 1.
func (s *Syncer) Parents(ctx context.Context, r lease.Row) ([]stream.Parent, error) {
	return s.parents(ctx, r, map[string][]stream.Parent{})
}

func (s *Syncer) parents(ctx context.Context, r lease.Row, seen map[string][]stream.Parent) ([]stream.Parent, error) {
	if known, has := seen[r.Key]; has {
		return known, nil
	}
	seen[r.Key] = nil // rows of a lineage that goes in a circle end here
	var all []stream.Parent
	for _, id := range r.Parents {
		up, has, err := s.c.Store.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if !has {
			continue
		}
		parent := stream.Parent{Partition: id, Saved: saved(up)}
		if parent.Saved.Position.IsZero() {
			if parent.Replaces, err = s.parents(ctx, up, seen); err != nil {
				return nil, err
			}
		}
		all = append(all, parent)
	}
	seen[r.Key] = all
	return all, nil
}

// saved is the last checkpoint of a row.
func saved(r lease.Row) stream.Checkpoint {
	c := stream.Checkpoint{Position: r.Position()}
	if r.Own.Has {
		if r.Ended() {
			c.Position = stream.MakePosition([3]uint64{0, 0, 1}, 0, 0)
		}
		if len(r.Own.State) > 0 || !r.Ended() {
			c.State = append([]byte{}, r.Own.State...)
		}
	}
	return c
}
