package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// A sender is one producer with what it has sent so far.
type sender struct {
	*run
	*pace
	name string
	kseq map[string]uint64
	out  stream.Producer
}

// keysOf is how many keys a producer has.
const keysOf = 16

// produce sends so many records by a producer of its own, and closes it.
func (r *run) produce(ctx context.Context, number, records int) {
	s := r.openSender(ctx, number)
	if s == nil {
		return
	}
	for records > 0 {
		n := min(1+s.IntN(8), records)
		records -= n
		s.send(ctx, n)
		s.sleep(20 * time.Millisecond)
	}
	s.close(ctx)
}

// openSender opens a producer, as often as it takes; nil if it does not open at all, which is recorded.
func (r *run) openSender(ctx context.Context, number int) *sender {
	s := &sender{run: r, pace: actor(r.Seed, roleProducer, number), name: fmt.Sprintf("p%d", number), kseq: map[string]uint64{}}
	for tries := 0; s.out == nil; tries++ {
		s.sleep(time.Millisecond)
		var err error
		s.out, err = stream.NewProducer(ctx, r.backend, stream.ProducerConfig{Member: s.name, DeliveryTimeout: r.delivery()})
		if err != nil && tries == mostTries {
			r.note(history.Op{F: history.Close, Proc: s.name, Err: class(err)})
			return nil
		}
		if err != nil {
			s.sleep(10 * time.Millisecond)
		}
	}
	return s
}

// close waits until every record is answered.
func (s *sender) close(ctx context.Context) {
	begun := time.Now()
	err := s.out.Close(ctx)
	late := max(0, time.Since(begun)-s.delivery()-time.Second)
	s.note(history.Op{F: history.Close, Proc: s.name, Err: class(err), Dur: int64(late)})
}

// send sends a batch in one of the ways that there are.
func (s *sender) send(ctx context.Context, n int) {
	recs := make([]*stream.Record, n)
	ops := make([]history.Op, n)
	for i := range recs {
		recs[i], ops[i] = s.record()
		s.rec.Add(ops[i])
	}
	switch {
	case s.percent(70):
		for i, rec := range recs {
			s.out.SendAsync(ctx, rec, func(a stream.Ack, err error) { s.answered(ops[i], a, err) })
		}
		if s.percent(30) {
			_ = s.out.Flush(ctx) // every record has an answer of its own
		}
	default:
		if s.percent(10) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(s.Int64N(int64(3*time.Millisecond)))/tick*tick)
			defer cancel()
		}
		s.sent(recs, ops, s.out.Send(ctx, recs...))
	}
}

// sent records what Send says of each record.
func (s *sender) sent(recs []*stream.Record, ops []history.Op, err error) {
	failed := map[*stream.Record]error{}
	var failures stream.Failures
	if errors.As(err, &failures) {
		for _, f := range failures {
			failed[f.Record] = f.Err
		}
	} else if err != nil {
		for _, rec := range recs {
			failed[rec] = err
		}
	}
	for i, rec := range recs {
		s.answered(ops[i], stream.Ack{Record: rec, Duplicate: true}, failed[rec])
	}
}

// answered records the answer about one record.
func (s *sender) answered(op history.Op, a stream.Ack, err error) {
	op.Type, op.Err, op.Dup = history.Outcome(err), class(err), a.Duplicate
	copied := s.Chunked && a.Duplicate // of copies in chunks the first that is complete is read, which may be another
	if err == nil && a.Partition != "" && !copied {
		op.Part, op.Pos = a.Record.Stream+"/"+a.Partition, a.Position
		s.mu.Lock()
		s.known[op.Part] = append(s.known[op.Part], a.Position)
		s.mu.Unlock()
	}
	s.rec.Add(op)
}

// record makes the next record.
func (s *sender) record() (*stream.Record, history.Op) {
	s.mu.Lock()
	s.uid++
	p := payload{uid: s.uid}
	s.mu.Unlock()
	rec := &stream.Record{Stream: Input}
	if s.traits.EventTime {
		rec.Time = time.Now().Truncate(time.Millisecond)
	}
	key := fmt.Sprintf("%s-k%d", s.name, int(min(s.ExpFloat64()*3, keysOf-1))) // few keys have most records
	kind := s.IntN(100)
	lone := !s.traits.Headers && kind < 5
	if lone {
		key = string(p.loneKey())
	}
	nilKey := s.traits.NilKeys && s.percent(5)
	if !nilKey {
		rec.Key = []byte(key)
		s.kseq[key]++
		p.kseq = s.kseq[key]
	}
	switch {
	case kind < 5:
		rec.Value = []byte{}
	case kind < 9 && s.traits.Tombstones:
		rec.Value = nil
	case kind == 9 && s.Large:
		rec.Value = p.value(s.traits.RecordBytes - restAt - len(key))
	default:
		rec.Value = p.value(s.IntN(200))
	}
	if s.traits.Headers {
		s.addHeaders(rec, p)
	}
	return rec, history.Op{
		Type: history.Invoke, F: history.Produce, Proc: s.name, UID: p.uid, Key: string(rec.Key), KSeq: p.kseq,
		Sum: sum(rec, s.traits.EventTime),
	}
}

// addHeaders adds up to eight, with keys that repeat, and values that are nil or empty.
func (s *sender) addHeaders(rec *stream.Record, p payload) {
	rec.Headers = append(rec.Headers, p.header())
	for i := range s.IntN(8) {
		h := stream.Header{Key: fmt.Sprint("h", s.IntN(3)), Value: fmt.Append(nil, i)}
		switch s.IntN(8) {
		case 0:
			h.Value = nil
		case 1:
			h.Value = []byte{}
		}
		rec.Headers = append(rec.Headers, h)
	}
}
