package producer

import "github.com/streamport-go/streamport/kinesis/internal/settings"

// turnParcels is how many parcels of a line go in its turn, so that no shard holds up another.
const turnParcels = 16

// build makes a request of what may go now; nil if nothing may. The caller holds o.mu.
func (o *outlet) build(now int64) *request {
	r := o.newRequest(now)
	var last *line
	for !r.full() && len(o.doomed) == 0 {
		l := o.turn()
		if l == nil {
			break
		}
		o.load(r, l, now)
		switch {
		case l.status == aside:
			l.next, last = last, l
		case l.status == serving && l.n > 0:
			o.activate(l)
		case l.status == serving:
			l.status = empty
		}
	}
	for last != nil {
		l := last
		last = l.next
		o.activate(l)
	}
	if o.firstActive == nil {
		o.due = never
	}
	if len(r.parcels) == 0 {
		o.freeRequest(r)
		return nil
	}
	o.inFlight++
	return r
}

// load takes parcels of one line into a request, as many as its turn allows. The caller holds o.mu.
func (o *outlet) load(r *request, l *line, now int64) {
	l.pace.fill(now)
	for range turnParcels {
		p := l.head
		if p == nil || r.full() {
			return
		}
		if p.place != o.atlas.round && o.move(p) != l {
			continue
		}
		if o.auto && o.ordered() {
			o.doom(p, errAuto)
			return
		}
		if least := o.least(p, &l.pace); !l.pace.allows(least) {
			o.pause(l, least, now)
			return
		}
		if !p.sealed() {
			o.seal(p, o.room(p, l))
		}
		if !r.takes(p, o.sink, now) {
			l.status = aside
			return
		}
		o.send(r, p, now)
	}
}

// least is how many bytes a pace must allow for a parcel: all of what is sealed; of a lane that is packed as much as is
// worth while. The caller holds o.mu.
func (o *outlet) least(p *parcel, pace *pace) int {
	if p.sealed() {
		return p.bytes
	}
	l := p.lane
	head := l.queue.head
	alone := len(l.key) + len(head.data())
	if head.sealed != nil {
		alone = len(l.key) + frame(l.key) + head.part()
	}
	if !o.aggregates() || l.queue.n == 1 {
		return alone
	}
	return max(alone, min(l.queue.bytes, o.sink.settings.AggregateBytes, int(pace.quantumBytes())))
}

// room is how large a parcel may become, its key counted. The caller holds o.mu.
func (o *outlet) room(p *parcel, l *line) int {
	return min(o.sink.settings.AggregateBytes+len(p.lane.key), int(o.facts.RecordBytes), int(l.pace.bytes))
}

// send puts the first parcel of a line into a request, and in ByShard those behind it that fit into the same Kinesis
// record. The caller holds o.mu.
func (o *outlet) send(r *request, p *parcel, now int64) {
	l := p.line
	o.depart(p)
	p.tries++
	p.first = 0
	bytes := p.bytes
	if o.sink.settings.Aggregation == settings.ByShard && l.shard != "" && p.most == 0 {
		bytes = o.bundle(r, p, l, now)
	}
	l.pace.take(bytes)
	if l.shard == "" {
		o.astray = now
	}
	r.add(p, l, bytes)
}

// depart takes a parcel out of its line to be sent.
func (o *outlet) depart(p *parcel) {
	o.unqueue(p)
	p.state = underway
}

// payload is the bytes that a parcel's items take in the space.
func (p *parcel) payload() int64 { return int64(p.items.bytes) }

// indexBytes bounds what the index of a key takes in an aggregate of many keys, beyond the one byte of an aggregate
// of one.
const indexBytes = 4

// bundle adds to p the parcels behind it that fit into one aggregate, and returns the size of that with its key. The
// caller holds o.mu.
func (o *outlet) bundle(r *request, p *parcel, l *line, now int64) int {
	own, s := p.keyLen(), o.sink.settings
	most := min(s.AggregateBytes+own, int(o.facts.RecordBytes), mostRequestBytes-r.bytes, int(l.pace.bytes))
	size, records, last := own+frame("")+p.share(), p.items.n, p
	for {
		q := l.head
		if q == nil || q.place != o.atlas.round || q.most > 0 || r.isLate(q.since, o.sink, now) != r.late {
			break
		}
		if !q.sealed() {
			o.seal(q, most-size)
		}
		if size+q.share() > most || records+q.items.n > s.AggregateRecords {
			break
		}
		o.depart(q)
		q.tries++
		q.first = uint32(records)
		size += q.share()
		records += q.items.n
		last.mate, last = q, q
	}
	if last == p {
		return p.bytes
	}
	return size
}

// share bounds what a parcel takes in an aggregate with others.
func (p *parcel) share() int { return indexBytes + p.keyLen() + p.inner + indexBytes*p.items.n }
