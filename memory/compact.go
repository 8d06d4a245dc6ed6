package memory

import "github.com/streamport-go/streamport/stream"

// tombstonesStay is how long a compacted stream keeps the tombstone of a key, so that readers see the deletion (Kafka:
// delete.retention.ms).
const tombstonesStay = int64(day / 1e6)

// compact keeps the last record of each key, in new slabs. The last slab, to which records are added, is left alone
// unless all is asked for. Its cost is amortised: it runs when the log has doubled. The caller holds p.mu.
func (p *partition) compact(now int64, all bool) {
	limit := p.stable()
	if limit < p.end && !all { // an open transaction holds places in the slabs
		return
	}
	n := len(p.slabs)
	if !all {
		n--
	}
	if n <= 0 || len(p.open) > 0 {
		return
	}
	last := p.lastOfKeys()
	fresh := &partition{topic: p.topic}
	for i, s := range p.slabs {
		if i >= n {
			s.serial = fresh.nextSerial()
			fresh.slabs = append(fresh.slabs, s)
			continue
		}
		at := 0
		if i == 0 {
			at = p.head
		}
		for ; at < len(s.buf); at = s.next(at) {
			if p.outlives(s, at, last, now) {
				fresh.tail(recordBytes(s.buf, at)).copyFrom(s, at)
			}
		}
	}
	p.slabs, p.head = fresh.slabs, 0
	p.remade++
	p.bytes = 0
	for _, s := range p.slabs {
		p.bytes += int64(len(s.buf))
	}
	p.clean = p.bytes
}

func (p *partition) nextSerial() int {
	if len(p.slabs) == 0 {
		return 0
	}
	return p.slabs[len(p.slabs)-1].serial + 1
}

// lastOfKeys tells the number of each key's last record.
func (p *partition) lastOfKeys() map[string]uint64 {
	last := map[string]uint64{}
	var r stream.Record
	for i, s := range p.slabs {
		at := 0
		if i == 0 {
			at = p.head
		}
		for at < len(s.buf) {
			n, hole := number(s.buf, at), isHole(s.buf, at)
			at = decode(&r, s.buf, at, "", "", stream.Position{})
			if !hole {
				last[string(r.Key)] = n
			}
		}
	}
	return last
}

// outlives reports whether compaction keeps a record: the last of its key, and no tombstone that has stood long enough.
func (p *partition) outlives(s *slab, at int, last map[string]uint64, now int64) bool {
	if isHole(s.buf, at) {
		return false
	}
	var r stream.Record
	decode(&r, s.buf, at, "", "", stream.Position{})
	if last[string(r.Key)] != number(s.buf, at) {
		return false
	}
	return r.Value != nil || now-millis(s.buf, at) < tombstonesStay
}
