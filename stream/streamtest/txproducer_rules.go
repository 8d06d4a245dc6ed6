package streamtest

import (
	"context"
	"errors"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

func txProducerRules() []rule {
	transactions := []string{"Transactions"}
	return []rule{
		{"TransactOnce", "Transact runs f once, commits if it returns nil, and aborts if it returns an error or " +
			"panics; a panic goes on to the caller. It does not nest. A producer not opened with " +
			"Requirements.Transactions is ErrUnsupported.", transactions, transactOnce},
		{"TransactNothing", "after an error nothing of the transaction is visible, except after ErrUnknownOutcome. The " +
			"hold does not rewind: call Transact again with the same records, or return; " +
			"after ErrUnknownOutcome, return.", transactions, transactNothing},
		{"TxSend", "Send returns once the records are accepted, or with the first failure that is known so far; they " +
			"must not change until Transact returns. A record that fails makes Transact abort and " +
			"return its error.", transactions, txSend},
		{"TxOnePartition", "Checkpoint adds the checkpoint of one partition to the transaction, by the rules of " +
			"Partition.Checkpoint; a second partition, one of another backend, and one whose checkpoints live in a " +
			"Checkpointer are ErrUnsupported. The last call of several counts.", transactions, txOnePartition},
	}
}

// transactor opens a producer for transactions on the backend with a wrapper around it, or, where they are not claimed,
// sees that it is refused and ends the rule.
func (t *T) transactor(streams ...string) (*wrapper, stream.Producer) {
	if !t.claims(streams[0], "Transactions") {
		t.refusesFlag(streams[0], "Transactions")
		p := t.producer(stream.ProducerConfig{Streams: streams})
		err := p.Transact(t.ctx, func(stream.Tx) error { return nil })
		t.is(err, stream.ErrUnsupported, "Transact of a producer that was not opened for it")
		t.notClaimed("Transactions")
	}
	return t.wrapped(stream.ProducerConfig{
		Streams: streams, Require: stream.Requirements{Transactions: stream.Emulated},
	})
}

func transactOnce(t *T) {
	name := t.stream(1)
	w, p := t.transactor(name)
	calls := 0
	err := p.Transact(t.ctx, func(tx stream.Tx) error { calls++; return tx.Send(t.ctx, plain(name, "k", "committed")) })
	t.is(err, nil, "Transact")
	t.check(calls == 1, "the function ran %d times", calls)
	err = p.Transact(t.ctx, func(tx stream.Tx) error {
		t.is(tx.Send(t.ctx, plain(name, "k", "refused")), nil, "Send")
		return errPlanned
	})
	t.is(err, errPlanned, "Transact whose function failed")
	caught := func() (caught any) {
		defer func() { caught = recover() }()
		_ = p.Transact(t.ctx, func(tx stream.Tx) error {
			t.is(tx.Send(t.ctx, plain(name, "k", "panicked")), nil, "Send")
			panic(errPlanned)
		})
		return nil
	}()
	t.check(caught == errPlanned, "a panic of the function came to the caller as %v", caught)
	t.check(w.commits.Load() == 1 && w.aborts.Load() == 2,
		"one transaction of three was to be committed; there were %d commits and %d aborts",
		w.commits.Load(), w.aborts.Load())
	t.settle()
	t.has(name, plain(name, "k", "committed"))
	var kept stream.Tx
	t.is(p.Transact(t.ctx, func(tx stream.Tx) error { kept = tx; return nil }), nil, "Transact")
	t.is(kept.Send(t.ctx, plain(name, "k", "late")), stream.ErrClosed, "Send when the transaction is over")
	other := t.producer(stream.ProducerConfig{Streams: []string{name}})
	err = other.Transact(t.ctx, func(stream.Tx) error { return nil })
	t.is(err, stream.ErrUnsupported, "Transact of a producer that was not opened for it")
}

func transactNothing(t *T) {
	name := t.stream(1)
	w, p := t.transactor(name)
	recs := []*stream.Record{plain(name, "k", "again/0"), plain(name, "k", "again/1")}
	send := func(tx stream.Tx) error { return tx.Send(t.ctx, recs...) }
	err := p.Transact(t.ctx, func(tx stream.Tx) error { return errors.Join(send(tx), errPlanned) })
	t.is(err, errPlanned, "Transact whose function failed")
	t.has(name)
	t.is(p.Transact(t.ctx, send), nil, "Transact again with the same records")
	t.has(name, recs...)
	w.lose.Store(true)
	unknown := plain(name, "k", "unknown")
	aborts := w.aborts.Load()
	err = p.Transact(t.ctx, func(tx stream.Tx) error { return tx.Send(t.ctx, unknown) })
	t.is(err, stream.ErrUnknownOutcome, "Transact whose commit had no answer")
	t.check(w.aborts.Load() == aborts, "a commit whose outcome is unknown was followed by an abort")
}

func txSend(t *T) {
	name := t.stream(2)
	_, p := t.transactor(name)
	recs := numbered(name, 4, 10)
	err := p.Transact(t.ctx, func(tx stream.Tx) error {
		var wg sync.WaitGroup
		for k := range 4 { // each goroutine sends the records of one key
			wg.Go(func() {
				for i := k; i < len(recs); i += 4 {
					t.is(tx.Send(t.ctx, recs[i]), nil, "Send from several goroutines")
				}
			})
		}
		wg.Wait()
		return nil
	})
	t.is(err, nil, "Transact")
	t.has(name, recs...)
	read := t.read(name)
	for k := range 4 {
		key := string(recs[k].Key)
		have := values(read, key)
		for i := range have {
			t.check(have[i] == string(recs[4*i+k].Value), "the records of key %q stand as %v", key, have)
		}
	}
	for what, bad := range map[string]*stream.Record{
		"too large": t.oversize(name), "of a stream that is not listed": plain(t.name("other"), "k", "v"), "nil": nil,
	} {
		err := p.Transact(t.ctx, func(tx stream.Tx) error {
			_ = tx.Send(t.ctx, plain(name, "k", "beside"), bad) // Transact returns it
			return nil
		})
		t.check(err != nil, "Transact returned nil, although a record was %s", what)
		t.answer("a transaction with a record "+what, err)
	}
	t.settle()
	t.has(name, recs...)
}

func txOnePartition(t *T) {
	name := t.stream(2)
	w, p := t.transactor(name)
	t.send(numbered(name, 12, 2)...)
	group := t.name("group")
	var mu sync.Mutex
	holds := map[string]*stream.Partition{}
	tried := make(chan struct{})
	first := map[string]*stream.Record{}
	err := t.runOn(w, name, group, nil, func(ctx context.Context, hold *stream.Partition) error {
		for rec, err := range hold.Records(ctx) {
			if err != nil {
				return err
			}
			mu.Lock()
			holds[hold.Name], first[hold.Name] = hold, rec
			n := len(holds)
			mu.Unlock()
			if n == 2 {
				err := p.Transact(t.ctx, func(tx stream.Tx) error {
					t.is(tx.Checkpoint(hold, rec), nil, "the checkpoint of one partition")
					for name, other := range holds {
						if name != hold.Name {
							t.is(tx.Checkpoint(other, first[name]), stream.ErrUnsupported, "the checkpoint of a second partition")
						}
					}
					t.is(tx.CheckpointState(hold, rec, []byte("state")), nil, "the same partition's checkpoint again, with state")
					return tx.Send(t.ctx, plain(name, "k", "out"))
				})
				t.is(err, nil, "Transact with a checkpoint")
				close(tried)
			}
			t.await(tried, "both partitions to have records")
			break
		}
		return nil
	})
	t.is(err, nil, "Run")
	t.foreignCheckpoint(name, w, p)
	states := 0
	source := t.source(t.sourceConfig(group, name))
	for range 2 {
		claim, err := source.Next(t.ctx)
		t.ok(err, "Next")
		if saved := claim.Hold().Saved; string(saved.State) == "state" {
			states++
			t.check(saved.Position.Compare(first[claim.Hold().Partition].Position) == 0,
				"the checkpoint is at %v", saved.Position)
		} else {
			t.check(saved.Position.IsZero(), "a partition that was not checkpointed is saved at %v", saved.Position)
		}
	}
	t.check(states == 1, "%d partitions have the state of the last call", states)
}

// foreignCheckpoint tries checkpoints that no transaction of p, which is on w, can make.
func (t *T) foreignCheckpoint(name string, w *wrapper, p stream.Producer) {
	for what, other := range map[string]struct {
		backend stream.Backend
		kept    stream.Checkpointer
	}{
		"of another backend": {t.Backend, nil}, "whose checkpoints live in a Checkpointer": {w, stream.MemoryCheckpointer()},
	} {
		err := t.runOn(other.backend, name, t.name("group"), other.kept,
			func(ctx context.Context, hold *stream.Partition) error {
				for rec, err := range hold.Records(ctx) {
					if err != nil {
						return err
					}
					err = p.Transact(t.ctx, func(tx stream.Tx) error { return tx.Checkpoint(hold, rec) })
					t.is(err, stream.ErrUnsupported, "the checkpoint of a partition %s", what)
					break
				}
				return nil
			})
		t.is(err, nil, "Run")
	}
}

// runOn runs a consumer of a group on a backend until a handler returns.
func (t *T) runOn(b stream.Backend, name, group string, kept stream.Checkpointer, h stream.Handler) error {
	c, err := stream.NewConsumer(t.ctx, b, stream.ConsumerConfig{Group: group, Streams: []string{name},
		Checkpointer: kept})
	t.ok(err, "NewConsumer")
	return c.Run(t.ctx, h)
}

func transactions(t *T, name string) {
	_, p := t.transactor(name)
	recs := numbered(name, 2, 5)
	t.is(p.Transact(t.ctx, func(tx stream.Tx) error { return tx.Send(t.ctx, recs...) }), nil, "Transact")
	err := p.Transact(t.ctx, func(tx stream.Tx) error {
		return errors.Join(tx.Send(t.ctx, plain(name, "k", "aborted")), errPlanned)
	})
	t.is(err, errPlanned, "Transact whose function failed")
	t.has(name, recs...)
}

func noTransactions(t *T, name string) {
	c := t.sinkConfig(name)
	c.Transactions = true
	_, err := t.Backend.OpenSink(t.ctx, c)
	t.is(err, stream.ErrUnsupported, "OpenSink for transactions, which are not claimed")
	t.answer("OpenSink for transactions", err)
	p := t.producer(stream.ProducerConfig{Streams: []string{name}})
	err = p.Transact(t.ctx, func(tx stream.Tx) error { return nil })
	t.is(err, stream.ErrUnsupported, "Transact, which is not claimed")
}
