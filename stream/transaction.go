package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Tx is what the function of Producer.Transact writes to.
//
// Methods may be called from many goroutines until that function returns. Rules:
//   - TxSend: Send returns once the records are accepted, or with the first failure that is known so far; they must not
//     change until Transact returns. A record that fails makes Transact abort and return its error.
//   - TxOnePartition: Checkpoint adds the checkpoint of one partition to the transaction, by the rules of
//     Partition.Checkpoint; a second partition, one of another backend, and one whose checkpoints live in a Checkpointer
//     are ErrUnsupported. The last call of several counts.
type Tx interface {
	Send(ctx context.Context, recs ...*Record) error
	Checkpoint(p *Partition, rec *Record) error
	CheckpointState(p *Partition, rec *Record, state []byte) error
}

// abortTimeout bounds how long Transact waits for an abort: the service aborts by itself what is never heard of again.
const abortTimeout = 5 * time.Second

func (p *producer) Transact(ctx context.Context, f func(Tx) error) (err error) {
	if ctx == nil || f == nil {
		return &Error{Op: "transact", Err: fmt.Errorf("%w: the context or the function is nil", ErrInvalid)}
	}
	if err := p.refusal(); err != nil {
		return &Error{Op: "transact", Err: err}
	}
	sink, ok := p.sink.(TxSink)
	if !ok {
		return &Error{Op: "transact", Err: unsupported("open the producer with Requirements.Transactions")}
	}
	inner, err := sink.Begin(ctx)
	if err != nil {
		return wrap("transact", "", "", err)
	}
	t := &transaction{producer: p, inner: inner, calls: make(chan struct{}, 1)}
	returned := false
	defer func() {
		if !returned { // f panicked or called Goexit
			t.end()
			_ = t.abort(ctx)
		}
	}()
	err = f(t)
	returned = true
	t.end()
	if err == nil {
		err = t.failure()
	}
	if err != nil {
		return wrap("transact", "", "", errors.Join(err, t.abort(ctx)))
	}
	return wrap("transact", "", "", t.commit(ctx))
}

// transaction is one call of Transact.
type transaction struct {
	producer *producer
	inner    SinkTx
	calls    chan struct{} // holds one token while inner is called

	mu        sync.Mutex // guards what follows
	failures  Failures
	ended     bool
	partition *Partition
	to        Checkpoint
}

func (t *transaction) Send(ctx context.Context, recs ...*Record) error {
	if len(recs) == 0 {
		return nil
	}
	if err := t.producer.acceptAll(ctx, recs); err != nil {
		var failures Failures
		errors.As(err, &failures)
		t.fail(failures...)
		return err
	}
	select {
	case t.calls <- struct{}{}:
	case <-ctx.Done():
		return &Error{Op: "send", Stream: recs[0].Stream, Err: ctx.Err()}
	}
	defer func() { <-t.calls }()
	if t.isEnded() {
		return &Error{Op: "send", Stream: recs[0].Stream, Err: fmt.Errorf("%w: the transaction is over", ErrClosed)}
	}
	t.inner.Append(ctx, recs, func(ack Ack, err error) {
		if err != nil {
			t.fail(failure{Record: ack.Record, Err: wrap("send", streamOf(ack.Record), ack.Partition, err)})
		}
	})
	return t.failure()
}

func (t *transaction) Checkpoint(p *Partition, rec *Record) error {
	return t.checkpoint(p, rec, nil, false)
}

func (t *transaction) CheckpointState(p *Partition, rec *Record, state []byte) error {
	return t.checkpoint(p, rec, state, true)
}

func (t *transaction) checkpoint(p *Partition, rec *Record, state []byte, withState bool) error {
	if p == nil {
		return &Error{Op: "checkpoint", Err: fmt.Errorf("%w: the partition is nil", ErrInvalid)}
	}
	to, err := p.transactional(t.producer.backend, rec, state, withState)
	if err != nil {
		return wrap("checkpoint", p.Stream, p.Name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
		err = fmt.Errorf("%w: the transaction is over", ErrClosed)
	case t.partition != nil && t.partition != p:
		err = unsupported("a transaction checkpoints one partition; use one transaction for each")
	default:
		t.partition, t.to = p, to
		return nil
	}
	return &Error{Op: "checkpoint", Stream: p.Stream, Partition: p.Name, Err: err}
}

// commit does as Tx and SinkTx say. The partition's other saves wait meanwhile.
func (t *transaction) commit(ctx context.Context) error {
	p := t.partition
	if p == nil {
		return t.inner.Commit(ctx, nil, Checkpoint{})
	}
	if err := p.beginSave(ctx); err != nil {
		return errors.Join(err, t.abort(ctx))
	}
	defer p.endSave()
	err := p.stillOpen()
	if err == nil && t.to.Position.Compare(p.checkpoint().Position) < 0 {
		err = fmt.Errorf("%w: a later record was checkpointed meanwhile", ErrInvalid)
	}
	if err != nil {
		return errors.Join(err, t.abort(ctx))
	}
	err = t.inner.Commit(ctx, p.claim, t.to)
	p.saveAnswered(t.to, err)
	return err
}

// end waits for calls that are under way and refuses later ones.
func (t *transaction) end() {
	t.calls <- struct{}{}
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	<-t.calls
}

func (t *transaction) isEnded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

func (t *transaction) fail(failures ...failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, failures...)
}

func (t *transaction) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.failures) == 0 {
		return nil
	}
	return append(Failures(nil), t.failures...)
}

func (t *transaction) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	return t.inner.Abort(ctx)
}
