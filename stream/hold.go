package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// hold is the life of one claim, from its grant to its release. It owns two goroutines: its own, and the handler's.
type hold struct {
	*run
	claim     Claim
	partition *Partition
	deadline  time.Time // until when the handler may run, and what follows it; zero: the handler may as long as it likes
}

// outcome is how a handler ended.
type outcome struct {
	err       error
	panicked  bool // it panicked or called Goexit: nothing more is checkpointed
	abandoned bool // it has not ended, and is not waited for any more
}

func newHold(r *run, claim Claim) *hold {
	return &hold{run: r, claim: claim, partition: newPartition(r, claim)}
}

// serve lives through the hold. Outer is the context of Run, running ends when the run is to stop.
func (h *hold) serve(outer, running context.Context) {
	p := h.partition
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(outer))
	defer cancel(nil)
	p.open(ctx, cancel, running)

	returned := make(chan outcome, 1)
	go func() { h.call(ctx, returned) }()
	end := h.watch(running, cancel, returned)

	h.settle(ctx, running, end)
}

// call runs the handler and reports how it ended, whatever it does.
func (h *hold) call(ctx context.Context, returned chan<- outcome) {
	end := outcome{panicked: true, err: errGoexit}
	defer func() {
		if v := recover(); v != nil {
			end.err = &panicError{value: v, stack: debug.Stack()}
		}
		if mutated("panic is swallowed") && end.panicked {
			end = outcome{}
		}
		returned <- end
	}()
	granted, err := h.partition.begin()
	h.partition.announce()
	if granted {
		err = h.handler(ctx, h.partition)
	}
	var inner *panicError
	end = outcome{err: err, panicked: errors.As(err, &inner) || errors.Is(err, errGoexit)}
}

// watch turns what happens to the partition and the run into the ends that loops see, until the handler has returned or
// its time is over.
func (h *hold) watch(running context.Context, cancel context.CancelCauseFunc, returned <-chan outcome) outcome {
	p := h.partition
	asked, lost, stopping := p.hold.Asked, p.hold.Lost, running.Done()
	grace := time.NewTimer(h.config.Grace)
	grace.Stop()
	defer grace.Stop()
	lostInWords := p.lostChan
	overdue := false
	limit := func() {
		if h.deadline.IsZero() && !mutated("grace is ignored") {
			h.deadline = time.Now().Add(h.config.Grace)
			grace.Reset(h.config.Grace)
		}
	}
	for {
		select {
		case end := <-returned:
			if overdue && !p.isLost() {
				end.err = errors.Join(end.err, ErrGrace)
			}
			return end
		case <-asked:
			asked = nil
			p.end(endAsked)
			h.tell(EventAsked, Position{}, nil)
		case <-stopping:
			stopping = nil
			p.end(endStopping)
			limit()
		case <-lost:
			lost = nil
			p.lose(ErrLost)
			limit()
		case <-lostInWords:
			lostInWords = nil
			limit()
		case <-grace.C:
			if overdue || p.isLost() {
				return outcome{abandoned: true, err: fmt.Errorf("%w: the handler is still running", ErrGrace)}
			}
			overdue = true
			cancel(ErrGrace)
			grace.Reset(overdueTime)
		}
	}
}

// settle does what RunAfter says.
func (h *hold) settle(ctx, running context.Context, end outcome) {
	p := h.partition
	if h.deadline.IsZero() {
		h.deadline = time.Now().Add(h.config.Grace)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.remaining())
	defer cancel()
	p.announce()
	p.close(ctx, !end.panicked && !end.abandoned)
	finished, err := h.judge(ctx, end)
	if err != errGoesOn {
		h.failed(err)
	} else {
		h.fail(nil)
	}
	if p.lostInWordsOnly() {
		h.awaitRegrant(running)
	}
	h.release(ctx, running, finished)
}

// release gives the partition back. It is the only call that a lost or abandoned claim still gets.
func (h *hold) release(ctx, running context.Context, finished bool) {
	wait := h.remaining()
	if !isDone(running.Done()) {
		wait = h.config.Grace // what begins before the run stops ends in time
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait)
	defer cancel()
	err := h.claim.Release(ctx, finished)
	if err != nil && !errors.Is(err, ErrLost) && !errors.Is(err, ErrClosed) {
		h.failed(wrap("release", h.partition.Stream, h.partition.Name, err))
	}
	if h.partition.noticeLoss() || err != nil {
		return // the release has done nothing, or nobody knows: no event says that it has
	}
	at := h.partition.checkpoint().Position
	if mutated("event of the end comes late") {
		time.Sleep(h.config.Grace)
	}
	if finished {
		h.tell(EventEnded, at, nil)
	}
	h.tell(EventReleased, at, nil)
}

// remaining is how long saving and releasing may take.
func (h *hold) remaining() time.Duration {
	return max(time.Until(h.deadline), settleTime)
}

// failed ends the run with err, if there is one.
func (h *hold) failed(err error) {
	if err != nil {
		h.fail(wrap("handle", h.partition.Stream, h.partition.Name, err))
	}
}

// errGoesOn is no failure: the handler has returned although its partition goes on, which ends the run.
var errGoesOn = errors.New("the handler has returned before the end")

// judge says whether the partition is finished, and what the handler's return means for the run.
func (h *hold) judge(ctx context.Context, end outcome) (finished bool, err error) {
	p := h.partition
	lost := p.isLost()
	switch {
	case end.abandoned, end.panicked:
		return false, end.err
	case errors.Is(end.err, ErrGrace) && !lost:
		return false, end.err
	case lost:
		return false, nil
	case errors.Is(end.err, ErrLost):
		p.lose(end.err)
		return false, nil
	case end.err != nil:
		return false, end.err
	}
	if err := p.swallowed(); err != nil && !mutated("swallowed error stays swallowed") {
		return false, err
	}
	switch p.lastEnd() {
	case endAsked, endStopping:
		return false, nil
	case endComplete:
		err := p.checkComplete(ctx)
		if mutated("unfinished end is accepted") {
			err = nil
		}
		if errors.Is(err, ErrLost) {
			return false, nil
		}
		return err == nil, err
	default:
		return false, errGoesOn
	}
}

// awaitRegrant keeps the claim for a while, so that a partition that cannot be worked on is not granted in a hot loop.
func (h *hold) awaitRegrant(running context.Context) {
	p := h.partition
	wait := h.regrantAfter(p.key)
	h.observer.tell(Event{Kind: EventRegrant, Stream: p.Stream, Partition: p.Name, Duration: wait, Err: p.lostCause()})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.hold.Asked:
	case <-p.hold.Lost:
	case <-running.Done():
	}
}

func (h *hold) tell(kind string, at Position, err error) {
	h.partition.tell(Event{Kind: kind, Position: at, Err: err})
}

// errGoexit: the handler, or the function of Each or ByKey, left by runtime.Goexit.
var errGoexit = errors.New("the handler called runtime.Goexit")

// panicError is a handler's panic as an error. The value and the stack are in its text.
type panicError struct {
	who   string // "": the handler
	value any
	stack []byte
}

// Error gives the value and the stack.
func (e *panicError) Error() string {
	return fmt.Sprintf("%s panicked: %v\n%s", cmp.Or(e.who, "the handler"), e.value, e.stack)
}

// Unwrap gives the value if it is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
