package producer

import "time"

// Limits of a shard for all who write to it (API operation PutRecords), and how a pace keeps to them.
const (
	shardRecords = 1000    // a second
	shardBytes   = 1 << 20 // a second

	burst    = 0.9 // of what a shard lets through at once, so that it never runs dry before its pace does
	cut      = 0.7 // by a throttle
	floor    = 0.05
	recovery = 0.05 // a second
	quantum  = 0.025
)

// A pace says how fast records may go to a shard: two buckets, of records and of bytes, which shrink when the service
// throttles and recover slowly. Times are nanoseconds.
type pace struct {
	scale          float64 // how many shards it stands for, times the share of their limits
	capacity       float64 // bytes of a full bucket of one shard
	factor         float64 // what throttles have left of it
	records, bytes float64 // that may go now
	at             int64   // when that was counted
	cutAt          int64   // the last throttle
}

// newPace returns a pace with full buckets.
func newPace(scale float64, recordBytes, now int64) pace {
	p := pace{scale: scale, factor: 1, at: now, cutAt: -1}
	p.resize(recordBytes)
	p.records, p.bytes = p.mostRecords(), p.mostBytes()
	return p
}

// resize sets the burst that the stream's record size allows: a shard lets a whole record through.
func (p *pace) resize(recordBytes int64) {
	p.capacity = burst * float64(min(max(recordBytes, shardBytes), mostRecordBytes))
}

// The burst is that of one shard even where a pace stands for many, since all may go to one. At its least it is a
// record.
func (p *pace) mostRecords() float64    { return max(burst*shardRecords*min(p.scale, 1), 1) }
func (p *pace) mostBytes() float64      { return p.capacity }
func (p *pace) recordRate() float64     { return shardRecords * p.scale * p.factor }
func (p *pace) byteRate() float64       { return shardBytes * p.scale * p.factor }
func (p *pace) quantumBytes() float64   { return p.byteRate() * quantum }
func (p *pace) quantumRecords() float64 { return max(p.recordRate()*quantum, 1) }

// fill counts what has come in since.
func (p *pace) fill(now int64) {
	seconds := float64(now-p.at) / float64(time.Second)
	if seconds <= 0 {
		return
	}
	p.at = now
	p.records = min(p.records+seconds*p.recordRate(), p.mostRecords())
	p.bytes = min(p.bytes+seconds*p.byteRate(), p.mostBytes())
	p.factor = min(p.factor+seconds*recovery, 1)
}

// allows reports whether a Kinesis record of so many bytes may go. One that is larger than the bucket goes when it is
// full.
func (p *pace) allows(bytes int) bool {
	return p.records >= 1 && p.bytes >= min(float64(bytes), p.mostBytes())
}

// take counts a Kinesis record that goes.
func (p *pace) take(bytes int) {
	p.records--
	p.bytes -= float64(bytes)
}

// wait is how long it takes until a record of so many bytes may go, and until it is worth while to go on.
func (p *pace) wait(bytes int) time.Duration {
	wantBytes := min(max(float64(bytes), p.quantumBytes()), p.mostBytes())
	wantRecords := min(p.quantumRecords(), p.mostRecords())
	seconds := max((wantBytes-p.bytes)/p.byteRate(), (wantRecords-p.records)/p.recordRate(), 0.001)
	return time.Duration(seconds*float64(time.Second)) + 1
}

// drain takes what may go now, so that only what comes in may.
func (p *pace) drain() { p.records, p.bytes = min(p.records, 0), min(p.bytes, 0) }

// throttled notes that the service refused what was sent at that time. What was sent before the last cut says nothing
// new.
func (p *pace) throttled(sent, now int64) {
	p.fill(now)
	p.drain()
	if sent > p.cutAt {
		p.factor, p.cutAt = max(p.factor*cut, floor), now
	}
}
