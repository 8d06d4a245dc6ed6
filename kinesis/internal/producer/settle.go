package producer

import (
	"log/slog"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// settle deals with the answer to a request: it answers what is stored, has tried again what may be stored yet, and
// fails the rest. The records of a lane are answered before the lane goes on.
func (r *request) settle(results []api.Result, err error) {
	o := r.outlet
	if err == nil && len(results) != len(r.parcels) {
		err = errCount
	}
	r.judge(results, err)
	o.tell(r, results, err) // first, since nobody may read a record that is answered
	for i, p := range r.parcels {
		if r.verdict[i].fate == stored {
			r.verdict[i].at, _ = shard.Position(results[i].Sequence, 0)
			o.acknowledge(p, &results[i], r.verdict[i].at)
		}
	}
	o.conclude(r, results)
}

func (r *request) judge(results []api.Result, err error) {
	whole := verdict{}
	if err != nil {
		whole = judge(err, len(r.parcels))
	}
	for i, p := range r.parcels {
		v := whole
		if err == nil {
			v = judgeResult(&results[i])
		}
		if v.fate == stored {
			v = r.outlet.locate(p, r.lines[i], &results[i])
		}
		r.verdict = append(r.verdict, v)
	}
}

// locate checks that an aggregate of several keys stands in a shard where all of them belong: else KCL drops it
// without a word, and all of it is stored again (ByShard).
func (o *outlet) locate(p *parcel, l *line, res *api.Result) verdict {
	if p.mate == nil || res.Shard == l.shard {
		return verdict{}
	}
	for _, s := range o.atlas.current.Load().Open() {
		if s.ID == res.Shard && p.within(s.Range) {
			return verdict{}
		}
	}
	return verdict{fate: uncertain, err: errElsewhere}
}

// within reports whether the keys of a parcel and its mates all belong to a range.
func (p *parcel) within(r shard.Range) bool {
	for q := p; q != nil; q = q.mate {
		if !r.Contains(q.hash) {
			return false
		}
	}
	return true
}

// acknowledge answers the records of a parcel and its mates.
func (o *outlet) acknowledge(p *parcel, res *api.Result, at stream.Position) {
	major, _, _ := at.Parts()
	for q := p; q != nil; q = q.mate {
		sub := q.first
		for it := q.items.head; it != nil; it = it.next {
			it.done(stream.Ack{
				Record: it.rec, Partition: res.Shard, Position: stream.MakePosition(major, sub, 0),
				Duplicate: q.unknown && !mutated("ambiguous is not stored"),
			}, nil)
			sub++
		}
	}
}

// An outcome is what remains to be done about a request when its parcels are dealt with.
type outcome struct {
	lost      []*parcel // that fail
	records   int       // that leave the space
	bytes     int64
	disorders int // keys whose order the service has not kept
}

// conclude does with each parcel what its verdict says, and ends the request.
func (o *outlet) conclude(r *request, results []api.Result) {
	end := o.sort(r, results)
	o.sink.space.leave(end.records, end.bytes)
	for _, p := range end.lost {
		o.fail(p, p.cause)
	}
	if end.disorders > 0 {
		o.sink.config.Logger.Error("the service has stored records of a key before earlier ones: their order is lost",
			slog.String("stream", o.name), slog.Int("keys", end.disorders))
	}
	o.nudge()
}

func (o *outlet) sort(r *request, results []api.Result) (end outcome) {
	now := o.sink.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clock = now
	for i, p := range r.parcels {
		v, l := r.verdict[i], r.lines[i]
		var res *api.Result
		switch v.fate {
		case stored:
			res = &results[i]
			o.atlas.surprise = o.atlas.surprise || res.Shard != l.shard && p.place == o.atlas.round
		case throttled:
			l.pace.throttled(r.sent, now)
		}
		for p != nil {
			q := p
			p, q.mate = q.mate, nil
			if res != nil {
				o.arrive(q, res, v.at, &end)
			} else if !o.again(q, v, len(r.parcels), now) {
				end.lost = append(end.lost, q)
			}
		}
	}
	o.inFlight--
	o.freeRequest(r)
	return end
}

// arrive ends a parcel that is stored, and lets its lane go on. The caller holds o.mu.
func (o *outlet) arrive(p *parcel, res *api.Result, at stream.Position, end *outcome) {
	end.records += p.items.n
	end.bytes += p.payload()
	for it := p.items.pop(); it != nil; it = p.items.pop() {
		o.release(it)
	}
	l := p.lane
	if l == nil || l.parcel != p {
		o.freeParcel(p)
		return
	}
	if !l.note(res, at) {
		end.disorders++
	}
	o.advance(p)
}

// note keeps what a lane knows of its last record, and reports whether that is behind the one before.
func (l *lane) note(res *api.Result, at stream.Position) bool {
	ok := res.Shard != l.shard || at.Compare(l.position) > 0
	l.shard, l.position, l.sequence = res.Shard, at, res.Sequence
	return ok
}

// advance lets a lane go on whose parcel is done. The caller holds o.mu.
func (o *outlet) advance(p *parcel) {
	if l := p.lane; l.queue.n == 0 {
		o.disengage(l)
		o.freeParcel(p)
		return
	}
	p.renew()
	o.queue(p, false)
}

// again has a parcel tried again, or reports false if it fails. The caller holds o.mu.
func (o *outlet) again(p *parcel, v verdict, together int, now int64) bool {
	p.cause = v.err
	p.unknown = p.unknown || v.fate == uncertain
	if cause := o.final(p, v, now); cause != nil {
		p.state, p.cause = failing, cause
		return false
	}
	if v.fate == tooMuch {
		p.most = max(together/2, 1)
		o.queue(p, true)
		return true
	}
	o.atlas.surprise = o.atlas.surprise || v.err == errElsewhere
	l := p.lane
	if mutated("reorder on partial failure") && l != nil && l.parcel == p && l.queue.n > 0 {
		o.overtake(p, now)
		return true
	}
	o.rest(p, backoff(p.tries), now)
	return true
}

// final is why a parcel is not tried again; nil if it is. The caller holds o.mu.
func (o *outlet) final(p *parcel, v verdict, now int64) error {
	switch {
	case o.ended != nil:
		return o.ended
	case v.fate == failed:
		return v.err
	case now-p.since >= int64(o.sink.config.DeliveryTimeout):
		return late(v.err)
	}
	return nil
}

// overtake is what no lane may do: what is behind a record goes first.
func (o *outlet) overtake(p *parcel, now int64) {
	for it := p.items.pop(); it != nil; it = p.items.pop() {
		it.parcel = nil
		p.lane.queue.push(it)
	}
	p.renew()
	o.rest(p, backoff(1), now)
}

// throttleEvery is how often throttles are told.
const throttleEvery = time.Second

// tell tells the observer what became of a request.
func (o *outlet) tell(r *request, results []api.Result, err error) {
	now := o.sink.now()
	took := time.Duration(now - r.sent)
	for i := range r.verdict {
		if r.verdict[i].fate == throttled {
			o.slowed(r.verdict[i].err, took, now)
			break
		}
	}
	if o.sink.config.Observed {
		o.produced(r, results, err, took)
	}
}

func (o *outlet) slowed(err error, took time.Duration, now int64) {
	o.mu.Lock()
	silent := now-o.told < int64(throttleEvery)
	if !silent {
		o.told = now
	}
	o.mu.Unlock()
	if !silent {
		o.sink.config.Observe(stream.Event{
			Kind: stream.EventThrottled, Member: o.sink.config.Member, Stream: o.name, Duration: took, Err: err,
		})
	}
}

// produced tells of what was stored, a shard at a time, or of the error of the whole.
func (o *outlet) produced(r *request, results []api.Result, err error, took time.Duration) {
	event := stream.Event{Kind: stream.EventProduced, Member: o.sink.config.Member, Stream: o.name, Duration: took}
	if err != nil {
		event.Err = err
		for _, p := range r.parcels {
			p.measure(&event)
		}
		o.sink.config.Observe(event)
		return
	}
	shards := make(map[string]*stream.Event)
	for i, p := range r.parcels {
		if r.verdict[i].fate != stored {
			continue
		}
		e := shards[results[i].Shard]
		if e == nil {
			own := event
			own.Partition = results[i].Shard
			e = &own
			shards[own.Partition] = e
		}
		p.measure(e)
	}
	for _, e := range shards {
		o.sink.config.Observe(*e)
	}
}

// measure adds the records of a parcel and its mates.
func (p *parcel) measure(e *stream.Event) {
	for q := p; q != nil; q = q.mate {
		for it := q.items.head; it != nil; it = it.next {
			e.Records++
			e.Bytes += int64(len(it.rec.Key) + len(it.rec.Value))
			for i := range it.rec.Headers {
				e.Bytes += int64(len(it.rec.Headers[i].Key) + len(it.rec.Headers[i].Value))
			}
		}
	}
}
