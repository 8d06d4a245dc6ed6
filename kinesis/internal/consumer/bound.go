package consumer

import (
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

// A bound is where a reading ends in a shard, SourceConfig.End. The zero bound is nowhere.
//
// The end of a stream at a moment is found by the time of arrival, which the service tells to the second: up to a
// second more is read.
type bound struct {
	until   time.Time       // it ends before the first record that arrived then or later; zero: see last
	last    stream.Position // it ends with this record, or before the first that follows it; zero: see until
	latest  bool            // until is about when the reading began
	reached bool
}

// newBound is where a reading that begins now, by the service's clock, ends.
func newBound(end stream.Start, now time.Time) bound {
	switch kind, at, after := end.Parts(); kind {
	case stream.StartLatest:
		return bound{until: now.Add(dateStep), latest: true}
	case stream.StartSince:
		return bound{until: at}
	case stream.StartAfter:
		return bound{last: after}
	}
	return bound{}
}

// dateStep is how exactly the service tells its time (HTTP's Date).
const dateStep = time.Second

// none reports whether the reading goes on for ever.
func (b *bound) none() bool { return b.until.IsZero() && b.last.IsZero() }

// before reports whether a Kinesis record lies behind the bound. Of an aggregate at the bound some records may lie
// before.
func (b *bound) before(p stream.Position, arrival time.Time) bool {
	switch {
	case !b.until.IsZero():
		return !arrival.Before(b.until)
	case !b.last.IsZero():
		return p.Compare(b.last) > 0
	}
	return false
}

// past reports whether a record lies behind a bound that is a position.
func (b *bound) past(p stream.Position) bool { return !b.last.IsZero() && p.Compare(b.last) > 0 }

// at notes that everything up to a position is read.
func (b *bound) at(p stream.Position) {
	if !b.last.IsZero() && p.Compare(b.last) >= 0 {
		b.reached = true
	}
}

// tip notes that a page is read up to the tip, after the reading was opened. Latest is then reached; a time is if it
// has come. The page has no records: the end of a closed shard may come only after its last ones.
func (b *bound) tip(p api.Page) {
	if !b.until.IsZero() && p.Behind == 0 && len(p.Records) == 0 && (b.latest || !clock(p.Date).Before(b.until)) {
		b.reached = true
	}
}

// settles is the time of arrival up to which a shard must be settled for the reading to have ended in it, in Unix
// milliseconds; 0: no time tells.
func (b *bound) settles() int64 {
	if b.until.IsZero() {
		return 0
	}
	return b.until.UnixMilli() - 1
}

// clock is the service's time in an answer; our own where it does not tell.
func clock(date time.Time) time.Time {
	if date.IsZero() {
		return time.Now()
	}
	return date
}
