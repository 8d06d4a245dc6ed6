package lineage

import (
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// A Loss is what retention may have taken before the group read it: every record whose hash key is in Range, and that
// arrived after From and not after To. A shard that was made and trimmed between two listings has no name, so that Shard
// does not tell all that is lost. That nothing is missing after all is possible: nobody can see it any more.
type Loss struct {
	Shard    string // where it was noticed
	Range    shard.Range
	From, To time.Time
}

var whole = shard.Whole()

func lossOf(r lease.Row, from, to int64) Loss {
	return Loss{Shard: r.Key, Range: rangeOf(r), From: time.UnixMilli(from), To: time.UnixMilli(to)}
}

// rangeOf is a row's range; where the row does not tell, everything.
func rangeOf(r lease.Row) shard.Range {
	first, ok := shard.ParseHash(r.First)
	last, also := shard.ParseHash(r.Last)
	if !ok || !also || r.Own.Blind {
		return whole
	}
	return shard.Range{First: first, Last: last}
}
