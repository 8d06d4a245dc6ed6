package fakekinesis

import "time"

// Limits of a shard (developer guide, quotas and limits; API operations PutRecords and GetRecords).
const (
	shardRecords   = 1000     // a second
	shardBytes     = 1 * mib  // a second
	shardBurst     = 10 * mib // of bytes: what large records may use up at once
	shardReads     = 5        // GetRecords a second
	shardReadBytes = 2 * mib  // a second
	maxResponse    = 10 * mib
	afterMax       = 5 * time.Second // "subsequent calls made within the next 5 seconds"
)

// A bucket holds tokens up to size and gains rate a second. The zero bucket is full at its first use.
type bucket struct {
	level float64
	at    time.Time
}

// fill brings the bucket up to now.
func (b *bucket) fill(now time.Time, rate, size float64) {
	if b.at.IsZero() {
		b.level = size
	} else if d := now.Sub(b.at); d > 0 {
		b.level = min(size, b.level+d.Seconds()*rate)
	}
	b.at = now
}

// A writeLimit is what a shard may still take.
type writeLimit struct{ records, bytes bucket }

// take reports whether one more record fits, and counts it if so.
func (w *writeLimit) take(now time.Time, size int) bool {
	w.records.fill(now, shardRecords, shardRecords)
	w.bytes.fill(now, shardBytes, shardBurst)
	if w.records.level < 1 || w.bytes.level < float64(size) {
		return false
	}
	w.records.level--
	w.bytes.level -= float64(size)
	return true
}

// A readLimit is when a shard may be read again.
type readLimit struct {
	calls   window // GetRecords
	seeks   window // GetShardIterator
	bytes   bucket
	blocked time.Time
}

// allow reports whether GetRecords may read now.
func (r *readLimit) allow(now time.Time) bool {
	r.bytes.fill(now, shardReadBytes, shardReadBytes)
	return !now.Before(r.blocked) && r.bytes.level > 0 && r.calls.take(now, shardReads)
}

// count notes an answer of so many bytes.
func (r *readLimit) count(now time.Time, n int, full bool) {
	r.bytes.level -= float64(n)
	if full {
		r.blocked, r.bytes.level = now.Add(afterMax), shardReadBytes
	}
}

// A window counts calls within one second.
type window []time.Time

// take reports whether one more call is within limit a second, and counts it if so.
func (w *window) take(now time.Time, limit int) bool {
	old := 0
	for old < len(*w) && now.Sub((*w)[old]) >= time.Second {
		old++
	}
	*w = (*w)[old:]
	if len(*w) >= limit {
		return false
	}
	*w = append(*w, now)
	return true
}

// controlLimits are calls a second of an account, per operation (API reference, each operation); those marked are of a
// stream.
var controlLimits = map[string]struct {
	rate      int
	perStream bool
}{
	"CreateStream":                  {5, false},
	"DeleteStream":                  {5, false},
	"DescribeStream":                {10, false},
	"DescribeStreamSummary":         {20, false},
	"ListShards":                    {1000, true},
	"SplitShard":                    {5, false},
	"MergeShards":                   {5, false},
	"UpdateShardCount":              {10, false},
	"IncreaseStreamRetentionPeriod": {5, true},
	"DecreaseStreamRetentionPeriod": {5, true},
	"RegisterStreamConsumer":        {5, true},
	"DeregisterStreamConsumer":      {5, true},
	"ListStreamConsumers":           {5, true},
	"DescribeStreamConsumer":        {20, true},
}
