package memory

import (
	"github.com/streamport-go/streamport/stream"
)

// fewRoutes is how many partitions a stream may have for its batches to be sorted without an allocation.
const fewRoutes = 64

// run stores records of one stream, those whose topic is set, with one lock for each partition. The records of one
// partition keep their order.
func (s *sink) run(t *topic, recs []*stream.Record, admitted []*topic, parts []*partition, nums []uint64, now int64) {
	var few [fewRoutes]int16
	routes := t.routes.Load()
	heads, spread := few[:], t.spread.Add(1)
	if len(routes.open) > fewRoutes {
		heads = make([]int16, len(routes.open))
	}
	var next, tails [chunk]int16 // lists of the records of each partition: heads holds the first's index plus one
	var order [chunk]int16
	touched := 0
	for i, r := range recs {
		if admitted[i] == nil {
			continue
		}
		at := t.route(routes, r.Key, spread)
		if heads[at] == 0 {
			heads[at] = int16(touched + 1)
			order[touched] = int16(i)
			tails[touched] = int16(i)
			touched++
		} else {
			list := heads[at] - 1
			next[tails[list]] = int16(i) + 1
			tails[list] = int16(i)
		}
		parts[i] = routes.open[at]
	}
	for list := range touched {
		s.fill(t, int(order[list]), next[:], recs, parts, nums, now)
	}
}

// fill stores one list of records in its partition, or, if that was closed in between, each where it belongs now.
func (s *sink) fill(t *topic, first int, next []int16, recs []*stream.Record, parts []*partition, nums []uint64, now int64) {
	p := parts[first]
	p.mu.Lock()
	closed, count := p.closed, 0
	for i := first; !closed; i = int(next[i]) - 1 {
		r := recs[i]
		_, nums[i] = p.put(r, p.stamp(r, now), encodedBytes(r))
		count++
		if next[i] == 0 {
			break
		}
	}
	if !closed {
		p.settle(now)
	}
	p.mu.Unlock()
	if closed {
		for i := first; ; i = int(next[i]) - 1 {
			parts[i], nums[i] = t.store(recs[i], now)
			if next[i] == 0 {
				return
			}
		}
	}
	if s.config.Observed {
		s.producedList(t, p, first, next, recs, count)
	}
}

// producedList tells the observer of a list of records that are stored.
func (s *sink) producedList(t *topic, p *partition, first int, next []int16, recs []*stream.Record, count int) {
	size := int64(0)
	for i := first; ; i = int(next[i]) - 1 {
		size += payload(recs[i])
		if next[i] == 0 {
			break
		}
	}
	s.config.Observe(stream.Event{
		Kind: stream.EventProduced, Member: s.config.Member, Stream: t.name, Partition: p.name, Records: count, Bytes: size,
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
