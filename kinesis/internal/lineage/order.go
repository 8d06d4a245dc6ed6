package lineage

import (
	"fmt"
	"slices"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// Order picks the named shards of a listing, all if none is named, parents before children. A name that the listing lacks
// is stream.ErrNotFound.
func Order(all []shard.Shard, ids []string) ([]shard.Shard, error) {
	left := make(map[string]shard.Shard, len(all))
	for _, sh := range all {
		if len(ids) == 0 || slices.Contains(ids, sh.ID) {
			left[sh.ID] = sh
		}
	}
	for _, id := range ids {
		if _, has := left[id]; !has {
			return nil, fmt.Errorf("%w: shard %s", stream.ErrNotFound, id)
		}
	}
	ordered := make([]shard.Shard, 0, len(left))
	var put func(id string)
	put = func(id string) {
		sh, has := left[id]
		if !has {
			return
		}
		delete(left, id)
		for _, up := range sh.Parents() {
			put(up)
		}
		ordered = append(ordered, sh)
	}
	for _, sh := range all {
		put(sh.ID)
	}
	return ordered, nil
}

// Ready reports whether a shard of a reading without group may be read: each of its parents is finished, or is not among
// the selected shards, trimmed ones included.
func Ready(sh shard.Shard, selected map[string]shard.Shard, finished func(id string) bool) bool {
	return !slices.ContainsFunc(sh.Parents(), func(up string) bool {
		_, has := selected[up]
		return has && !finished(up)
	})
}
