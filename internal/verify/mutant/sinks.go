package mutant

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// done and appending are the signatures that mutants of sinks break.
type (
	done      = func(stream.Ack, error)
	appending = func(stream.Sink, context.Context, []*stream.Record, done)
)

// some picks one record in so many, by what it says, so that a replay picks the same.
func some(rec *stream.Record, of uint32) bool {
	h := uint32(2166136261)
	for _, b := range rec.Value {
		h = (h ^ uint32(b)) * 16777619
	}
	for _, b := range rec.Key {
		h = (h ^ uint32(b)) * 16777619
	}
	return (h>>8)%of == 0 && len(rec.Value) > 0
}

// each appends record by record.
func each(f func(s stream.Sink, ctx context.Context, rec *stream.Record, done done)) appending {
	return func(s stream.Sink, ctx context.Context, recs []*stream.Record, d done) {
		for _, rec := range recs {
			f(s, ctx, rec, d)
		}
	}
}

func one(rec *stream.Record) []*stream.Record { return []*stream.Record{rec} }

// sinks are producers' mutants.
func sinks() []Mutant {
	return []Mutant{
		{Name: "a write is answered before it is stored, and lost", By: "P1", shim: shim{append: each(
			func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
				if some(rec, 20) {
					d(stream.Ack{Record: rec}, nil)
					return
				}
				s.Append(ctx, one(rec), d)
			})}},
		{Name: "an unknown outcome is told as a failure", By: "P2", shim: shim{append: each(
			func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
				s.Append(ctx, one(rec), func(a stream.Ack, err error) {
					if some(rec, 20) {
						err = fmt.Errorf("%w: a timeout", stream.ErrThrottled)
					}
					d(a, err)
				})
			})}},
		{Name: "a failure is told as success", By: "P1", shim: shim{append: each(
			func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
				if some(rec, 20) {
					over, cancel := context.WithCancel(ctx)
					cancel()
					s.Append(over, one(rec), func(a stream.Ack, _ error) { d(a, nil) })
					return
				}
				s.Append(ctx, one(rec), d)
			})}, config: func(c *memory.Config) { c.Faults.Delay = .1 }},
		{Name: "a retry is stored again", By: "P3", Profile: memory.Kafka, shim: shim{append: each(
			func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
				if some(rec, 20) {
					s.Append(ctx, one(rec), func(stream.Ack, error) {})
				}
				s.Append(ctx, one(rec), d)
			})}},
		{Name: "a retry overtakes", By: "P5", shim: shim{append: func(s stream.Sink, ctx context.Context, recs []*stream.Record, d done) {
			recs = slices.Clone(recs)
			if len(recs) > 1 {
				recs = slices.Concat(recs[1:], recs[:1])
			}
			s.Append(ctx, recs, d)
		}}},
		{Name: "the position of another record is answered", By: "P8", Profile: memory.Kafka, shim: shim{append: each(
			func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
				s.Append(ctx, one(rec), func(a stream.Ack, err error) {
					if major, sub, term := a.Position.Parts(); err == nil {
						major[2]++
						a.Position = stream.MakePosition(major, sub, term)
					}
					d(a, err)
				})
			})}},
		{Name: "keys are ignored where key order is claimed", By: "P6", Profile: memory.Kinesis, narrow: severalPartitions, opened: func(b *memory.Backend) {
			_ = b.Distribute("in", true) // the stream exists
		}},
		{Name: "closing does not flush", By: "P1", shim: buffered()},
		{Name: "empty becomes nil", By: "P7", Profile: memory.Kafka, shim: shim{append: rewrite(func(r *stream.Record) {
			if len(r.Value) == 0 {
				r.Value = nil
			}
		})}},
		{Name: "the order of headers is lost", By: "P7", Profile: memory.Kafka, shim: shim{append: rewrite(func(r *stream.Record) {
			slices.Reverse(r.Headers)
		})}},
		{Name: "a repeated header is dropped", By: "P7", Profile: memory.Kafka, shim: shim{append: rewrite(func(r *stream.Record) {
			r.Headers = slices.CompactFunc(r.Headers, func(a, b stream.Header) bool { return a.Key == b.Key })
		})}},
		{Name: "the time is cut to seconds", By: "P7", Profile: memory.Kafka, shim: shim{append: rewrite(func(r *stream.Record) {
			r.Time = r.Time.Truncate(1e9)
		})}},
		{Name: "a value is damaged", By: "P7", shim: shim{append: rewrite(func(r *stream.Record) {
			if some(r, 20) {
				r.Value = slices.Clone(r.Value)
				r.Value[len(r.Value)-1]++
			}
		})}},
	}
}

// rewrite stores something else than was sent.
func rewrite(f func(*stream.Record)) appending {
	return each(func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
		other := *rec
		other.Headers = slices.Clone(rec.Headers)
		f(&other)
		s.Append(ctx, one(&other), func(a stream.Ack, err error) { a.Record = rec; d(a, err) })
	})
}

// buffered is a sink that answers when a record is buffered, and forgets on Close what is left.
func buffered() shim {
	var mu sync.Mutex
	kept := map[stream.Sink][]*stream.Record{} // at most one a sink
	return shim{append: each(func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
		mu.Lock()
		before := kept[s]
		kept[s] = one(rec)
		mu.Unlock()
		s.Append(ctx, before, func(stream.Ack, error) {})
		d(stream.Ack{Record: rec}, nil)
	})}
}

func severalPartitions(p *workload.Plan) { p.Partitions, p.Script = 3, nil }
