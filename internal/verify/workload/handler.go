package workload

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// explicit reports whether the handlers ask for checkpoints themselves.
func (p Plan) explicit() bool {
	switch p.Policy {
	case Shuffled, Each, DeadLetter, ByKey:
		return false
	}
	return true
}

// retries reports whether a record can come to a handler's function twice in one hold.
func (p Plan) retries() bool { return p.Policy == Each || p.Policy == DeadLetter || p.Policy == ByKey }

// handler makes the plan's handler for a member. Done frees what it needs.
func (r *run) handler(ctx context.Context, member string) (h stream.Handler, done func(), err error) {
	done = func() {}
	retry := stream.Policy{Attempts: 3, Backoff: 2000 * tick, MaxBackoff: 4000 * tick}
	switch r.Policy {
	case PerBatch:
		h = r.holding(member, (*session).batches)
	case Shuffled:
		h = r.holding(member, (*session).shuffle)
	case Each:
		retry.Skip = true
		h = r.each(member, func(f function) stream.Handler { return stream.Each(f, retry) })
	case ByKey:
		h = r.each(member, func(f function) stream.Handler { return stream.ByKey(2, f, retry) })
	case DeadLetter:
		var out stream.Producer
		out, err = stream.NewProducer(ctx, r.backend, stream.ProducerConfig{Member: member + "-dead", DeliveryTimeout: r.delivery()})
		if err != nil {
			return nil, done, err
		}
		done = func() { _ = out.Close(context.WithoutCancel(ctx)) } // dead letters are answered already
		retry.Producer, retry.Stream = out, letters
		h = r.each(member, func(f function) stream.Handler { return stream.Each(f, retry) })
	case Transact:
		var out stream.Producer
		out, err = stream.NewProducer(ctx, r.backend, stream.ProducerConfig{
			Member: cmp.Or(r.name, member) + "-out", Streams: []string{Output}, Require: stream.Requirements{Transactions: stream.Native}, DeliveryTimeout: r.delivery(),
		})
		if err != nil {
			return nil, done, err
		}
		done = func() { _ = out.Close(context.WithoutCancel(ctx)) } // nothing is outside a transaction
		h = r.holding(member, func(s *session, ctx context.Context, p *stream.Partition) error { return s.transact(ctx, p, out) })
	default:
		h = r.holding(member, (*session).records)
	}
	return h, done, nil
}

// holding is a handler that works on the session of its hold.
func (r *run) holding(member string, f func(*session, context.Context, *stream.Partition) error) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		r.handlers.Add(1)
		defer r.handlers.Done()
		return f(r.session(place{member, p.Name}), ctx, p)
	}
}

// function is what Each and ByKey take.
type function = func(context.Context, *stream.Record) error

// each gives every hold a function of its own.
func (r *run) each(member string, of func(function) stream.Handler) stream.Handler {
	return r.holding(member, func(s *session, ctx context.Context, p *stream.Partition) error {
		return of(s.one)(ctx, p)
	})
}

// one handles one record as Each and ByKey ask.
func (s *session) one(_ context.Context, rec *stream.Record) error {
	s.deliver(rec)
	if err := s.work(rec); err != nil {
		return err
	}
	s.settle(rec)
	return nil
}

// work takes some time, and sometimes fails.
func (s *session) work(rec *stream.Record) error {
	p := s.pace
	if s.Policy == ByKey { // several at a time: each has choices of its own
		p = s.paceOf(rec)
	}
	p.sleep(2 * time.Millisecond)
	if s.Slow && time.Since(s.begun) > silence && p.percent(5) { // all members have come by then
		p.sleep(10 * silence)
	}
	if !s.Misbehave {
		return nil
	}
	switch n := p.IntN(1000); {
	case n < 10:
		return fmt.Errorf("%w", errPlanned)
	case n < 12:
		panic(plannedPanic)
	case n < 30:
		p.sleep(3 * s.grace()) // longer than a member may
	case n < 33:
		p.sleep(40 * s.grace()) // longer than anybody waits
	}
	return nil
}

// records handles and checkpoints one record after the other.
func (s *session) records(ctx context.Context, p *stream.Partition) error {
	for rec, err := range p.Records(ctx) {
		if err != nil {
			return err
		}
		s.deliver(rec)
		if err := s.work(rec); err != nil {
			return err
		}
		s.settle(rec)
		if err := s.checkpoint(ctx, p, rec); err != nil {
			return err
		}
	}
	return nil
}

// batches handles and checkpoints some records at a time.
func (s *session) batches(ctx context.Context, p *stream.Partition) error {
	wait := time.Duration(s.IntN(3)*2000) * tick
	for batch, err := range p.Batches(ctx, maxBatch, wait) {
		if err != nil {
			return err
		}
		for i := range batch {
			s.deliver(&batch[i])
		}
		for i := range batch {
			if err := s.work(&batch[i]); err != nil {
				return err
			}
			s.settle(&batch[i])
		}
		if n := len(batch); n > 0 {
			if err := s.checkpoint(ctx, p, &batch[n-1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// shuffle says Done in another order than the records came in.
func (s *session) shuffle(ctx context.Context, p *stream.Partition) error {
	var open []*stream.Record
	finish := func(most int) error {
		for len(open) > most {
			i := s.IntN(len(open))
			rec := open[i]
			open = append(open[:i], open[i+1:]...)
			if err := s.work(rec); err != nil {
				return err
			}
			s.settle(rec)
			p.Done(rec)
		}
		return nil
	}
	for rec, err := range p.Records(ctx) {
		if err != nil {
			return err
		}
		s.deliver(rec)
		open = append(open, rec)
		if err := finish(s.IntN(maxBatch)); err != nil {
			return err
		}
	}
	return finish(0)
}
