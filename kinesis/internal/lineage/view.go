package lineage

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// A view is what a pass saw of the service, and what it knows of the group. It does not change.
type view struct {
	begun     time.Time // before the listing was asked for
	now       int64     // the service's clock then, in milliseconds
	retention int64     // milliseconds
	shards    map[string]shard.Shard
	threshold int64
	birth     int64
}

// dateStep is how far the service's clock may be ahead of what an answer's Date says, which has whole seconds; and how far the
// arrival of a record may be before that of the one in front of it.
const dateStep = 1000 // milliseconds

// rebornAfter is how much later than the group the stream must have been made for the rows to be of another stream.
const rebornAfter = 5 * time.Second

// listTries is how often a listing with a hole is asked for again within the listing lag.
const listTries = 10

func (s *Syncer) last() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

// list asks for a listing until it is complete: its open shards cover the whole space.
func (s *Syncer) list(ctx context.Context) (v view, created time.Time, err error) {
	sum, err := s.c.Service.Summary(ctx, s.c.Stream)
	if err != nil {
		return v, created, err
	}
	for try := 0; ; try++ {
		v.begun = time.Now()
		l, err := s.c.Service.Shards(ctx, s.c.Stream, everything)
		if mutated("a part of the listing is believed") {
			l.Shards = l.Shards[:min(len(l.Shards), 3)]
		}
		switch {
		case err != nil:
			return v, created, err
		case !shard.NewMap(l.Shards).Covers() && !mutated("a part of the listing is believed"):
			if try == listTries {
				return v, created, fmt.Errorf("the listing of %s is not complete: its open shards leave a hole", s.c.Stream)
			}
			if err := sleep(ctx, s.c.ListingLag/listTries); err != nil {
				return v, created, err
			}
			continue
		}
		v.now, v.retention = clock(l.Date), sum.Retention.Milliseconds()
		v.shards = make(map[string]shard.Shard, len(l.Shards))
		for _, sh := range l.Shards {
			v.shards[sh.ID] = sh
		}
		return v, sum.Created, nil
	}
}

// clock is the service's time, or this machine's where an answer does not tell.
func clock(date time.Time) int64 {
	if date.IsZero() {
		date = time.Now()
	}
	return date.UnixMilli()
}

// floor is before everything that the group may want and still find at its birth. What would expire in the first moments
// of a group is not promised: a new group at the oldest record would otherwise begin with a loss.
func (v view) floor() int64 {
	const part, most = 100, 15 * 60 * 1000
	return max(v.threshold-1, v.birth-v.retention+min(v.retention/part, most))
}

// expired is up to when records may be trimmed.
func (v view) expired(now int64) int64 {
	if mutated("a date is believed to the millisecond") {
		return now - v.retention
	}
	return now + dateStep - v.retention
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
