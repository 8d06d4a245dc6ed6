package workload

import (
	"context"
	"errors"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// transact makes one output of each input, together with the checkpoint.
func (s *session) transact(ctx context.Context, p *stream.Partition, out stream.Producer) error {
	for batch, err := range p.Batches(ctx, maxBatch, 0) {
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
		err := s.commit(ctx, p, out, batch)
		if err != nil && !errors.Is(err, stream.ErrUnknownOutcome) && !errors.Is(err, stream.ErrLost) && ctx.Err() == nil {
			err = s.commit(ctx, p, out, batch) // nothing of the first is visible
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit is one transaction.
func (s *session) commit(ctx context.Context, p *stream.Partition, out stream.Producer, batch []stream.Record) error {
	last := &batch[len(batch)-1]
	s.mu.Lock()
	s.txn++
	txn := s.txn
	s.mu.Unlock()
	var ops []history.Op
	s.begin(last, txn)
	spoil := len(s.Script) > 0 && s.percent(10)
	err := out.Transact(ctx, func(tx stream.Tx) error {
		for i := range batch {
			rec, op := s.output(&batch[i], txn)
			ops = append(ops, op)
			s.rec.Add(op)
			if err := tx.Send(ctx, rec); err != nil {
				return err
			}
		}
		if err := tx.Checkpoint(p, last); err != nil {
			return err
		}
		if spoil {
			return errPlanned
		}
		s.rec.Add(history.Op{Type: history.Invoke, F: history.Commit, Proc: s.member, Txn: txn})
		return nil
	})
	s.rec.Add(history.Op{Type: history.Outcome(err), F: history.Commit, Proc: s.member, Txn: txn, Err: class(err)})
	for _, op := range ops {
		op.Type = history.Outcome(err)
		s.rec.Add(op)
	}
	s.end(last, txn, err)
	return err
}

// output is what is made of an input.
func (s *session) output(in *stream.Record, txn uint64) (*stream.Record, history.Op) {
	from, _ := payloadOf(in)
	s.mu.Lock()
	s.uid++
	p := payload{uid: s.uid, kseq: from.kseq}
	s.mu.Unlock()
	rec := &stream.Record{Stream: Output, Value: p.value(8), Headers: []stream.Header{p.header()}, Time: in.Time}
	if in.Key != nil {
		rec.Key = append([]byte("o-"), in.Key...)
	}
	return rec, history.Op{
		Type: history.Invoke, F: history.Produce, Proc: s.member, UID: p.uid, Key: string(rec.Key), KSeq: p.kseq, Txn: txn, Cause: from.uid,
		Sum: sum(rec, s.traits.EventTime),
	}
}
