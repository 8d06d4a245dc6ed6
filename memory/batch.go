package memory

import (
	"github.com/streamport-go/streamport/stream"
)

// fewRoutes is how many partitions a stream may have for its batches to be sorted without an allocation.
const fewRoutes = 64

// run stores records of one stream, those whose topic is set, with one lock for each partition, and notes the answers.
// The records of one partition keep their order.
func (s *sink) run(t *topic, recs []*stream.Record, admitted []*topic, acks []stream.Ack, now int64) {
	var order [chunk]uint8 // of the records, a partition after the other
	routes, spread := t.routes.Load(), t.spread.Add(1)
	if len(routes.open) == 1 {
		n := 0
		for i := range recs {
			if admitted[i] != nil {
				order[n] = uint8(i)
				n++
			}
		}
		s.fill(t, routes.open[0], order[:n], recs, acks, now)
		return
	}
	var (
		few     [fewRoutes]uint8
		lists   = few[:]          // a partition's list plus one
		parts   [chunk]*partition // of each list
		ends    [chunk]uint8      // of each list in order; before that its length
		member  [chunk]uint8      // the list of each record
		touched int
	)
	if len(routes.open) > fewRoutes {
		lists = make([]uint8, len(routes.open))
	}
	for i, r := range recs {
		if admitted[i] == nil {
			continue
		}
		at := t.route(routes, r.Key, spread)
		if lists[at] == 0 {
			parts[touched] = routes.open[at]
			touched++
			lists[at] = uint8(touched)
		}
		member[i] = lists[at] - 1
		ends[member[i]]++
	}
	var next [chunk]uint8 // free place of each list
	for list, end := 0, uint8(0); list < touched; list++ {
		next[list] = end
		end += ends[list]
		ends[list] = end
	}
	for i := range recs {
		if admitted[i] != nil {
			order[next[member[i]]] = uint8(i)
			next[member[i]]++
		}
	}
	from := uint8(0)
	for list, p := range parts[:touched] {
		s.fill(t, p, order[from:ends[list]], recs, acks, now)
		from = ends[list]
	}
}

// fill stores the records at the given places in one partition, or, if that was closed in between, each where it
// belongs now.
func (s *sink) fill(t *topic, p *partition, places []uint8, recs []*stream.Record, acks []stream.Ack, now int64) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		for _, i := range places {
			r := recs[i]
			_, n := p.put(r, p.stamp(r, now), encodedBytes(r))
			p.answer(&acks[i], r, n)
		}
		p.settle(now)
	}
	p.mu.Unlock()
	if closed {
		for _, i := range places {
			q, n := t.store(recs[i], now)
			q.answer(&acks[i], recs[i], n)
			s.produced(t, q, 1, recs[i])
		}
		return
	}
	if s.config.Observed {
		s.producedList(t, p, places, recs)
	}
}

// answer notes that r is stored under the number n.
func (p *partition) answer(a *stream.Ack, r *stream.Record, n uint64) {
	a.Record, a.Partition, a.Position = r, p.name, p.scale.position(n)
}

// producedList tells the observer of records that are stored in one partition.
func (s *sink) producedList(t *topic, p *partition, places []uint8, recs []*stream.Record) {
	size := int64(0)
	for _, i := range places {
		size += payload(recs[i])
	}
	s.config.Observe(stream.Event{
		Kind: stream.EventProduced, Member: s.config.Member, Stream: t.name, Partition: p.name,
		Records: len(places), Bytes: size,
	})
}

// produced tells the observer of records that are stored, if it wants to know.
func (s *sink) produced(t *topic, p *partition, count int, r *stream.Record) {
	if s.config.Observed {
		s.config.Observe(stream.Event{
			Kind: stream.EventProduced, Member: s.config.Member, Stream: t.name, Partition: p.name,
			Records: count, Bytes: payload(r),
		})
	}
}

// payload is the size of key, value and headers.
func payload(r *stream.Record) int64 {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return int64(n)
}
