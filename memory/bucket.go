package memory

// A bucket holds back what goes over a rate: it fills with as much as the rate allows in a second, and holds no more.
// Its owner's lock guards it.
type bucket struct {
	since          int64 // Unix nanoseconds at which the levels were right; 0: never used, full
	records, bytes float64
}

// take takes records and bytes out if both are there; a rate of 0 is no limit. One record larger than the whole bucket
// passes when it is full.
func (b *bucket) take(now, records, bytes, recordRate, byteRate int64) bool {
	if b.since == 0 {
		b.records, b.bytes = float64(recordRate), float64(byteRate)
	} else {
		passed := float64(max(now-b.since, 0)) / 1e9
		b.records = min(b.records+passed*float64(recordRate), float64(recordRate))
		b.bytes = min(b.bytes+passed*float64(byteRate), float64(byteRate))
	}
	b.since = now
	enoughRecords := recordRate == 0 || b.records >= float64(records)
	enoughBytes := byteRate == 0 || b.bytes >= min(float64(bytes), float64(byteRate))
	if !enoughRecords || !enoughBytes {
		return false
	}
	b.records -= float64(records)
	b.bytes -= float64(bytes)
	return true
}

// level fills the bucket for the time that has passed and returns its bytes; below 0 it is overdrawn.
func (b *bucket) level(now, byteRate int64) float64 {
	b.take(now, 0, 0, 0, byteRate)
	return b.bytes
}
