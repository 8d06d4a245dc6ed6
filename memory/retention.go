package memory

// sweepEvery is how often the age of records is looked at where the service does so at intervals (Kafka:
// log.retention.check.interval.ms); hashed profiles look at each use, but not twice in a millisecond if what is new
// cannot be old.
const sweepEvery = 5 * 60 * 1000

func (r *traits) sweep() int64 {
	switch {
	case !r.hashed:
		return sweepEvery
	case !r.eventTime:
		return 1
	}
	return 0
}

// tidy applies retention and compaction after an append, when it is time. The caller holds p.mu.
func (p *partition) tidy(now int64) {
	if p.topic.trims {
		p.expire(now, false)
	}
	if most := p.topic.b.config.PartitionBytes; most > 0 && !p.topic.compacted {
		p.shrink(most)
	}
	if p.topic.compacted && p.bytes-p.clean > max(p.clean, slabBytes) {
		p.compact(now, false)
	}
}

// expire deletes the records that are too old. Its cost is amortised: each record is passed once. With always it does
// not wait for the interval. The caller holds p.mu.
func (p *partition) expire(now int64, always bool) {
	if !always && now-p.swept < p.topic.sweep {
		return
	}
	keep := p.topic.retention().Milliseconds()
	if keep <= 0 || len(p.slabs) == 0 {
		return
	}
	p.swept = now
	limit := p.stable()
	for len(p.slabs) > 0 {
		s := p.slabs[0]
		for p.head < len(s.buf) {
			if millis(s.buf, p.head) > now-keep || number(s.buf, p.head) > limit {
				return
			}
			p.drop(s)
		}
		if !p.dropSlab() {
			return
		}
	}
}

// shrink deletes the oldest records until at most so many bytes are left.
func (p *partition) shrink(most int64) {
	limit := p.stable()
	for p.bytes > most && len(p.slabs) > 0 {
		s := p.slabs[0]
		if p.head < len(s.buf) && number(s.buf, p.head) <= limit {
			p.drop(s)
			continue
		}
		if p.head < len(s.buf) || !p.dropSlab() {
			return
		}
	}
}

// drop deletes the oldest record.
func (p *partition) drop(s *slab) {
	if !isHole(s.buf, p.head) {
		p.floor = number(s.buf, p.head)
		s.live--
	}
	next := s.next(p.head)
	p.bytes -= int64(next - p.head)
	p.head = next
}

// dropSlab forgets the oldest slab, of which all records are deleted. The last one stays while it has room for more.
func (p *partition) dropSlab() bool {
	if len(p.slabs) == 1 && !p.closed && p.slabs[0].room() > 0 {
		return false
	}
	p.slabs[0] = nil
	p.slabs, p.head = p.slabs[1:], 0
	return true
}

// trim deletes all records with a number up to upTo.
func (p *partition) trim(upTo uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	upTo = min(upTo, p.stable())
	for len(p.slabs) > 0 {
		s := p.slabs[0]
		for p.head < len(s.buf) {
			if number(s.buf, p.head) > upTo {
				p.wake()
				return
			}
			p.drop(s)
		}
		if !p.dropSlab() {
			break
		}
	}
	p.wake()
}
