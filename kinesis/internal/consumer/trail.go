package consumer

import (
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A trail is the progress of a reading without leases: it sees where retention was faster, and keeps nothing. It is
// used by one goroutine at a time.
type trail struct {
	t    *track
	id   string
	area shard.Range
	seen int64 // what arrived up to then was read, in Unix milliseconds
}

// What would expire in the first moments of a reading is no loss: a hundredth of the retention, at most 15 minutes.
const (
	birthPart = 100
	birthMost = 15 * time.Minute
)

// begin is up to which time a reading that begins now, at a threshold, has read everything that it wants.
func (t *track) begin(now time.Time, threshold int64) int64 {
	keep := t.retention()
	if keep <= 0 {
		return max(threshold-1, 0)
	}
	return max(threshold-1, now.Add(min(keep/birthPart, birthMost)-keep).UnixMilli())
}

// Read implements progress.
func (r *trail) Read(p api.Page, _ stream.Position) (lineage.Loss, bool) {
	keep, now := r.t.retention(), clock(p.Date)
	if limit := now.Add(dateStep - keep).UnixMilli(); keep > 0 && limit > r.seen {
		return lineage.Loss{Shard: r.id, Range: r.area, From: time.UnixMilli(r.seen), To: time.UnixMilli(limit)}, true
	}
	for _, rec := range p.Records {
		r.seen = max(r.seen, rec.Arrival.UnixMilli()-1)
	}
	if p.Behind == 0 && !p.End {
		r.seen = max(r.seen, now.UnixMilli()-1)
	}
	return lineage.Loss{}, false
}

// Accept implements progress.
func (r *trail) Accept(l lineage.Loss) { r.seen = max(r.seen, l.To.UnixMilli()) }

// Settle implements progress.
func (r *trail) Settle(stream.Position) {}

// Pos implements progress.
func (r *trail) Pos() *int64 { return nil }
