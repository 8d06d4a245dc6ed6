package producer

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
)

// A request is one call of the service. Outlets reuse requests with their buffers.
type request struct {
	outlet  *outlet
	parcels []*parcel // a Kinesis record each, with its mates
	lines   []*line   // where they were expected
	bytes   int       // data and keys
	most    int       // Kinesis records
	late    bool      // it is cut short, since its records have little time left
	until   int64     // the end of its context
	sent    int64
	after   string // Strict: the sequence number before

	entries []api.Entry
	encoder aggregate.Encoder
	data    []byte // of aggregates
	keys    []byte // that are no strings yet
	verdict []verdict
	next    *request
}

// keptBytes is the largest buffer that a request keeps for the next one.
const keptBytes = 1 << 20

// newRequest returns an empty request. The caller holds o.mu.
func (o *outlet) newRequest(now int64) *request {
	r := o.requests
	if r == nil {
		r = &request{outlet: o}
	} else {
		o.requests = r.next
	}
	r.next, r.bytes, r.most, r.sent = nil, 0, mostEntries, now
	r.until = now + int64(o.sink.settings.PutTimeout)
	if o.sink.settings.Mode == settings.Strict {
		r.most = 1
	}
	return r
}

// freeRequest gives a request back. The caller holds o.mu.
func (o *outlet) freeRequest(r *request) {
	clear(r.parcels)
	clear(r.lines)
	clear(r.entries)
	r.parcels, r.lines, r.entries, r.verdict = r.parcels[:0], r.lines[:0], r.entries[:0], r.verdict[:0]
	r.data, r.keys, r.after = r.data[:0], r.keys[:0], ""
	if cap(r.data) > keptBytes {
		r.data, r.encoder = nil, aggregate.Encoder{}
	}
	r.next, o.requests = o.requests, r
}

func (r *request) full() bool { return len(r.parcels) >= r.most || r.bytes >= mostRequestBytes }

// takes reports whether a parcel may go with the others.
func (r *request) takes(p *parcel, s *Sink, now int64) bool {
	late := r.isLate(p.since, s, now)
	switch {
	case len(r.parcels) == 0:
		r.late = late
		if p.most > 0 {
			r.most = min(r.most, p.most)
		}
	case late != r.late, r.bytes+p.bytes > mostRequestBytes, p.most > 0 && len(r.parcels) >= p.most:
		return false
	case p.most > 0:
		r.most = min(r.most, p.most)
	}
	return true
}

// isLate reports whether a record that was accepted at that time has less time left than a request may take. Such
// records go apart: their request is cut short, which leaves the outcome of all that is in it unknown.
func (*request) isLate(accepted int64, s *Sink, now int64) bool {
	return accepted+int64(s.config.DeliveryTimeout)-now < int64(s.settings.PutTimeout)
}

func (r *request) add(p *parcel, l *line, bytes int) {
	o := r.outlet
	for q := p; q != nil; q = q.mate {
		r.until = min(r.until, q.since+int64(o.sink.config.DeliveryTimeout))
	}
	if o.sink.settings.Mode == settings.Strict && p.lane != nil {
		r.after = p.lane.sequence
	}
	r.parcels = append(r.parcels, p)
	r.lines = append(r.lines, l)
	r.bytes += bytes
}

// run is the goroutine of a request.
func (r *request) run() {
	o := r.outlet
	r.write()
	ctx, cancel := context.WithTimeout(o.base, time.Duration(r.until-r.sent))
	defer cancel()
	if o.sink.settings.Mode != settings.Strict {
		results, err := o.sink.service.PutRecords(ctx, o.name, r.entries)
		r.settle(results, err)
		return
	}
	result, err := o.sink.service.PutRecord(ctx, o.name, r.entries[0], r.after)
	r.settle([]api.Result{result}, err)
}

// write makes the entries.
func (r *request) write() {
	for _, p := range r.parcels {
		r.entries = append(r.entries, r.entry(p))
	}
	if len(r.keys) == 0 {
		return
	}
	keys := string(r.keys)
	for i, p := range r.parcels {
		if _, text := p.key(); !text && r.entries[i].Key == "" {
			n := p.keyLen()
			r.entries[i].Key, keys = keys[:n], keys[n:]
		}
	}
}

// entry makes the Kinesis record of a parcel and its mates. A key that is no text yet is left out, and put to the
// others.
func (r *request) entry(p *parcel) api.Entry {
	key, text := p.key()
	if p.mate == nil && !p.wrapped {
		if !text {
			r.keys = append(r.keys, p.items.head.rec.Key...)
		}
		return api.Entry{Key: key, Data: p.items.head.data()}
	}
	if !text {
		key = string(p.items.head.rec.Key)
	}
	r.encoder.Reset()
	for q := p; q != nil; q = q.mate {
		own, text := q.key()
		if !text {
			own = string(q.items.head.rec.Key)
		}
		for it := q.items.head; it != nil; it = it.next {
			r.encoder.Add(own, "", it.data(), it.tags())
		}
	}
	from := len(r.data)
	r.data = r.encoder.AppendTo(r.data)
	return api.Entry{Key: key, Data: r.data[from:len(r.data):len(r.data)]}
}
