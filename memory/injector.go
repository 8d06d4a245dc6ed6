package memory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// An injector stands before every call: it keeps the replay's pace, meets the script's faults and draws the random
// ones.
type injector struct {
	b      *Backend
	dice   *dice
	script *Script
	faults Faults
	wild   bool // something of this can happen; else calls pass it by

	mu     sync.Mutex // guards what follows
	people [3]int     // how many handles of each kind have been numbered
}

func newInjector(b *Backend) *injector {
	in := &injector{b: b, dice: newDice(b.config.Seed), script: b.config.Script, faults: b.config.Faults}
	if in.faults.MaxDelay == 0 {
		in.faults.MaxDelay = defaultMaxDelay
	}
	if b.config.Replay {
		b.clock.stagger = func(serial int) { in.pace("timer", Where{Member: strconv.Itoa(serial)}, serial) }
	}
	in.wild = b.config.Replay || in.script != nil || in.faults.any()
	return in
}

// tame reports whether calls need not pass the injector.
func (b *Backend) tame() bool { return !b.faults.wild }

// call carries out a call with whatever befalls it.
func (b *Backend) call(ctx context.Context, op Op, at Where, id int, do func() error) error {
	if b.tame() {
		return do()
	}
	then, err := b.faults.enter(ctx, op, at, id)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return b.faults.answer(ctx, then)
}

// enter is what comes before a call is carried out; an error keeps it from being so.
func (in *injector) enter(ctx context.Context, op Op, at Where, id int) (then Outcome, err error) {
	in.pace(op, at, id)
	if in.dice.hits("Delay", opWhere(op, at), in.faults.Delay) {
		nap(ctx, in.delay(op, at))
	}
	switch {
	case op == OpCheckpoint && in.dice.hits("RefuseCheckpoint", at, in.faults.RefuseCheckpoint):
		return then, errTransient
	case op == OpCheckpoint && in.dice.hits("LoseCheckpoint", at, in.faults.LoseCheckpoint):
		then.Lost = true
	case op == OpCommit && in.dice.hits("LoseCommit", at, in.faults.LoseCommit):
		then.Lost = true
		if in.dice.draw("LoseCommit: before or after", at)&1 == 0 {
			return then, fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, errTransient)
		}
	}
	if in.script == nil {
		return then, nil
	}
	return in.scripted(ctx, op, at, then)
}

func (in *injector) scripted(ctx context.Context, op Op, at Where, then Outcome) (Outcome, error) {
	r := in.script.match(op, at)
	switch {
	case r == nil:
		return then, nil
	case r.barrier != nil:
		select {
		case <-r.barrier.enter():
		case <-ctx.Done():
		case <-in.b.done:
		}
		return then, ctx.Err()
	case r.applied:
		return r.then, nil
	}
	return then, r.fail
}

// answer is what becomes of the answer to a call that was carried out.
func (in *injector) answer(ctx context.Context, then Outcome) error {
	if then.Delay > 0 {
		nap(ctx, then.Delay)
	}
	switch {
	case then.Err != nil && errors.Is(then.Err, stream.ErrUnknownOutcome):
		return then.Err
	case then.Err != nil:
		return fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, then.Err)
	case then.Lost:
		return fmt.Errorf("%w: the answer is lost", stream.ErrUnknownOutcome)
	}
	return nil
}

// delay draws how long a delayed call is late.
func (in *injector) delay(op Op, at Where) time.Duration {
	return time.Duration(in.dice.draw("how long", opWhere(op, at)) % uint64(in.faults.MaxDelay))
}

// opWhere makes one stream of decisions for each kind of call.
func opWhere(op Op, at Where) Where {
	at.Stream = string(op) + " " + at.Stream
	return at
}

// nap sleeps, but not longer than ctx lasts.
func nap(ctx context.Context, d time.Duration) {
	if ctx.Done() == nil {
		time.Sleep(d)
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
