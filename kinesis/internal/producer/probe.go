package producer

import (
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
)

// A Probe tells what was found out about a stream last, without I/O. Facts may be called from many goroutines.
type Probe interface {
	Facts(stream string) Facts
}

// Facts are what a producer must know of a stream.
type Facts struct {
	RecordBytes int64 // the most that a record may count, key included; 0: not known
	Shards      int   // open ones; 0: not known
	Auto        bool  // the service spreads records by itself and ignores keys
}

// factsAge is how long facts are kept: the probe is asked less than once a record.
const factsAge = 100 * time.Millisecond

// mostRecordBytes is what no stream exceeds (API operation UpdateMaxRecordSize).
const mostRecordBytes = 10 << 20

// A known is what is known of a stream for some time.
type known struct {
	Facts
	until int64
	err   error // why nothing is taken
}

// know returns what is known of the outlet's stream.
func (o *outlet) know(now int64) *known {
	if k := o.known.Load(); k != nil && now < k.until {
		return k
	}
	k := &known{Facts: o.sink.probe.Facts(o.name), until: now + int64(factsAge)}
	if k.RecordBytes <= 0 || k.RecordBytes > mostRecordBytes {
		k.RecordBytes = mostRecordBytes
	}
	if k.Auto && o.sink.settings.Mode != settings.Unordered {
		k.err = errAuto
	}
	o.known.Store(k)
	return k
}
