package streamtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

func txRules() []rule {
	transactions := []string{"Transactions"}
	return []rule{
		{"BeginWaits", "Begin waits for a free session until ctx ends.", transactions, beginWaits},
		{"TxAppend", "as Sink's Append; done may wait for Commit.", transactions, txAppend},
		{"TxCommit", "Commit makes all records and the checkpoint visible at once, or nothing. It flushes first, and " +
			"if any record failed it aborts and returns that error. c may be nil: produce only. After Commit, whatever it " +
			"returned, Abort is not called.", transactions, txCommit},
		{"TxUnknown", "an error that Is ErrUnknownOutcome means that the commit may have happened; every other one, " +
			"that nothing is visible, ever. An unknown commit is never followed by an abort under " +
			"the same epoch.", transactions, txUnknown},
		{"TxFenced", "Commit with a claim that is no longer held is ErrLost, and " +
			"nothing is visible.", []string{"Transactions", "Fencing"}, txFenced},
		{"TxAbort", "after Abort nothing is visible, ever.", transactions, txAbort},
		{"TxForeign", "a claim that is not of the same backend is ErrUnsupported.", transactions, txForeign},
	}
}

// txSink opens a sink for transactions, or, where they are not claimed, sees that it is refused and ends the rule.
func (t *T) txSink(sessions int, streams ...string) stream.TxSink {
	c := t.sinkConfig(streams...)
	c.Transactions, c.Sessions = true, sessions
	s, err := t.Backend.OpenSink(t.ctx, c)
	if !t.claims(streams[0], "Transactions") {
		t.is(err, stream.ErrUnsupported, "OpenSink for transactions, which are not claimed")
		t.refusesFlag(streams[0], "Transactions")
		t.notClaimed("Transactions")
	}
	t.ok(err, "OpenSink for transactions")
	tx, ok := s.(stream.TxSink)
	if !ok {
		t.fatal("a sink that was opened for transactions is no TxSink")
	}
	t.cleanup(func() { _ = tx.Close(t.ctx) })
	return tx
}

func (t *T) begin(s stream.TxSink) stream.SinkTx {
	tx, err := s.Begin(t.ctx)
	t.ok(err, "Begin")
	return tx
}

func beginWaits(t *T) {
	name := t.stream(1)
	s := t.txSink(1, name)
	first := t.begin(s)
	ctx, cancel := context.WithTimeout(t.ctx, prompt/10)
	defer cancel()
	err := t.atOnce("Begin with no session free", func() error { _, err := s.Begin(ctx); return err })
	t.is(err, context.DeadlineExceeded, "Begin with no session free")
	began := make(chan error, 1)
	go func() {
		second, err := s.Begin(t.ctx)
		if err == nil {
			err = second.Abort(t.ctx)
		}
		began <- err
	}()
	t.is(first.Commit(t.ctx, nil, stream.Checkpoint{}), nil, "Commit of nothing")
	t.is(t.atOnce("Begin after a Commit", func() error { return <-began }), nil, "Begin after a Commit")
	third := t.begin(s)
	t.is(third.Abort(t.ctx), nil, "Abort")
}

func txAppend(t *T) {
	name := t.stream(2)
	s := t.txSink(1, name)
	tx := t.begin(s)
	a, recs := newAcks(), numbered(name, 4, 20)
	tx.Append(t.ctx, recs[:30], a.done)
	tx.Append(t.ctx, recs[30:], a.done)
	t.is(tx.Commit(t.ctx, nil, stream.Checkpoint{}), nil, "Commit")
	t.once(a, recs)
	for _, r := range a.now() {
		t.is(r.err, nil, "a record of a transaction that is committed")
	}
	t.visible(name, recs...)
	t.sameOrder(name, recs, a)
	t.placed(name, a)
}

func txCommit(t *T) {
	name, output := t.stream(2), t.stream(1)
	s := t.txSink(2, name, output)
	tx := t.begin(s)
	a, recs := newAcks(), append(numbered(name, 4, 5), plain(output, "k", "out"))
	tx.Append(t.ctx, recs, a.done)
	t.check(len(all(t.read(name))) == 0, "records are visible before Commit")
	t.is(tx.Commit(t.ctx, nil, stream.Checkpoint{}), nil, "Commit")
	t.has(name, recs[:20]...)
	t.has(output, recs[20])

	bad := t.begin(s)
	bad.Append(t.ctx, []*stream.Record{plain(output, "k", "beside"), t.oversize(output)}, newAcks().done)
	t.is(bad.Commit(t.ctx, nil, stream.Checkpoint{}), stream.ErrTooLarge, "Commit with a record that failed")
	t.has(output, recs[20])
	t.commitCheckpoint(s, name, output)
}

// commitCheckpoint commits a checkpoint with what follows from it, once in vain.
func (t *T) commitCheckpoint(s stream.TxSink, input, output string) {
	group := t.name("group")
	source := t.source(t.sourceConfig(group, input))
	for _, failing := range []bool{true, false} {
		claim, recs := t.claimed(source)
		tx := t.begin(s)
		out := []*stream.Record{plain(output, "k", fmt.Sprintf("derived, failing %t", failing))}
		if failing {
			out = append(out, t.oversize(output))
		}
		tx.Append(t.ctx, out, newAcks().done)
		last := recs[len(recs)-1].Position
		err := tx.Commit(t.ctx, claim, stream.Checkpoint{Position: last})
		hold := claim.Hold()
		t.is(claim.Release(t.ctx, false), nil, "Release")
		t.is(source.Close(t.ctx), nil, "Close")
		source = t.source(t.sourceConfig(group, input))
		saved := t.savedOf(source, hold.Partition)
		if failing {
			t.is(err, stream.ErrTooLarge, "Commit of a checkpoint and a record that failed")
			t.check(saved.IsZero(), "a transaction that was not committed left a checkpoint at %v", saved)
		} else {
			t.is(err, nil, "Commit of a checkpoint")
			t.check(saved.Compare(last) == 0, "a transaction committed a checkpoint at %v, and it is at %v", last, saved)
		}
		t.is(source.Close(t.ctx), nil, "Close")
		source = t.source(t.sourceConfig(group, input))
	}
	t.has(output, plain(output, "k", "out"), plain(output, "k", "derived, failing false"))
}

// claimed takes grants until one has records, which it returns.
func (t *T) claimed(source stream.Source) (stream.Claim, []stream.Record) {
	for {
		claim, err := source.Next(t.ctx)
		t.ok(err, "Next")
		into := make([]stream.Record, 100)
		ctx, cancel := context.WithTimeout(t.ctx, 2*prompt)
		n, err := claim.Fetch(ctx, into)
		cancel()
		if n > 0 {
			return claim, into[:n]
		}
		t.check(errors.Is(err, context.DeadlineExceeded),
			"Fetch where there is nothing: want the context's error, got %v", err)
	}
}

// savedOf takes grants until the partition comes, and returns where it is saved.
func (t *T) savedOf(source stream.Source, partition string) stream.Position {
	for {
		claim, err := source.Next(t.ctx)
		t.ok(err, "Next")
		if hold := claim.Hold(); hold.Partition == partition {
			return hold.Saved.Position
		}
	}
}

func txUnknown(t *T) {
	t.commitsAsTold()
	t.inTrouble((*T).commitsAsTold)
}

func (t *T) commitsAsTold() {
	name := t.stream(1)
	s := t.txSink(4, name)
	for i := range 16 {
		tx := t.begin(s)
		rec := plain(name, "k", fmt.Sprintf("canceled/%d", i))
		a := newAcks()
		tx.Append(t.ctx, []*stream.Record{rec}, a.done)
		ctx, cancel := context.WithCancel(t.ctx)
		switch i % 4 {
		case 0:
			cancel()
		case 1:
			go cancel()
		}
		err := tx.Commit(ctx, nil, stream.Checkpoint{})
		cancel()
		t.settle()
		t.committed(name, rec, err)
	}
	if t.Cut == nil {
		return
	}
	tx := t.begin(s)
	rec := plain(name, "k", "cut")
	tx.Append(t.ctx, []*stream.Record{rec}, newAcks().done)
	heal, err := t.Cut()
	t.ok(err, "Cut")
	ctx, cancel := context.WithTimeout(t.ctx, 3*prompt)
	err = tx.Commit(ctx, nil, stream.Checkpoint{})
	cancel()
	heal()
	t.committed(name, rec, err)
}

// committed fails unless a record of a transaction is visible as Commit's answer says.
func (t *T) committed(name string, rec *stream.Record, err error) {
	if err == nil {
		t.visible(name, rec)
	}
	n := 0
	for _, have := range all(t.read(name)) {
		if string(have.Value) == string(rec.Value) {
			n++
		}
	}
	switch {
	case err == nil && n != 1:
		t.fail("Commit returned nil, and its record is visible %d times", n)
	case err != nil && !errors.Is(err, stream.ErrUnknownOutcome) && n != 0:
		t.fail("Commit returned %v, and its record is visible", err)
	}
}

func txFenced(t *T) {
	name, output := t.stream(1), t.stream(1)
	s := t.txSink(4, name, output)
	t.send(numbered(name, 1, 5)...)
	group := t.name("group")
	lose := func(what string, take func(c stream.SourceConfig, claim stream.Claim)) {
		c := t.sourceConfig(group, name)
		source := t.source(c)
		claim, recs := t.claimed(source)
		tx := t.begin(s)
		tx.Append(t.ctx, []*stream.Record{plain(output, "k", what)}, newAcks().done)
		take(c, claim)
		err := tx.Commit(t.ctx, claim, stream.Checkpoint{Position: recs[len(recs)-1].Position})
		t.is(err, stream.ErrLost, "Commit with a claim that was %s", what)
		t.answer("Commit with a claim that was "+what, err)
		_ = claim.Release(t.ctx, false)
		_ = source.Close(t.ctx)
	}
	lose("released", func(_ stream.SourceConfig, claim stream.Claim) {
		t.is(claim.Release(t.ctx, false), nil, "Release")
	})
	if t.Crash != nil {
		lose("a dead member's", func(c stream.SourceConfig, _ stream.Claim) {
			t.ok(t.Crash(c.Group, c.Member), "Crash")
		})
	} else {
		t.partly("the harness has no Crash")
	}
	if t.Expel != nil {
		lose("taken", func(c stream.SourceConfig, claim stream.Claim) {
			t.ok(t.Expel(c.Group, c.Member), "Expel")
			<-claim.Hold().Lost
		})
	} else {
		t.partly("the harness has no Expel")
	}
	t.settle()
	t.has(output)
	saved := t.savedOf(t.source(t.sourceConfig(group, name)), t.partitionNames(name)[0])
	t.check(saved.IsZero(), "a checkpoint at %v came from a transaction that was fenced", saved)
}

func txAbort(t *T) {
	name := t.stream(2)
	s := t.txSink(1, name)
	tx := t.begin(s)
	a, recs := newAcks(), numbered(name, 4, 5)
	tx.Append(t.ctx, recs, a.done)
	t.is(tx.Abort(t.ctx), nil, "Abort")
	a.wait(t.ctx, len(recs))
	t.settle()
	t.once(a, recs)
	t.has(name)
	kept := plain(name, "k", "kept")
	tx = t.begin(s)
	tx.Append(t.ctx, []*stream.Record{kept}, newAcks().done)
	t.is(tx.Commit(t.ctx, nil, stream.Checkpoint{}), nil, "Commit after an aborted transaction")
	t.has(name, kept)
}

// foreignClaim is a claim of no backend.
type foreignClaim struct{ stream.Claim }

func txForeign(t *T) {
	name := t.stream(1)
	s := t.txSink(1, name)
	tx := t.begin(s)
	tx.Append(t.ctx, []*stream.Record{plain(name, "k", "v")}, newAcks().done)
	err := tx.Commit(t.ctx, foreignClaim{}, stream.Checkpoint{Position: stream.MakePosition([3]uint64{0, 0, 1}, 0, 0)})
	t.is(err, stream.ErrUnsupported, "Commit with a claim of another backend")
	t.answer("Commit with a claim of another backend", err)
	t.settle()
	t.has(name)
}
