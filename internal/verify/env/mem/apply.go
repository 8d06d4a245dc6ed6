package mem

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// Apply makes a step come true, as far as it can: there may be no member, or nothing to trim.
func (e *service) Apply(_ context.Context, step fault.Step, w env.World) ([]history.Op, error) {
	switch step.Kind {
	case fault.Crash, fault.Pause, fault.Expel:
		return e.strike(step, w)
	case fault.Rebalance:
		_ = e.inner.Rebalance(w.Group) // nobody may have joined yet
		return nil, nil
	case fault.Split, fault.Merge, fault.Grow:
		return e.reshard(step, w.Stream)
	case fault.Trim:
		return e.trim(step, w)
	case fault.Refuse, fault.Lose, fault.Late:
		return e.call(step)
	case fault.Rate:
		return nil, nil
	}
	return nil, fmt.Errorf("the memory environment has no fault %q", step.Kind)
}

// strike does something to a member.
func (e *service) strike(step fault.Step, w env.World) ([]history.Op, error) {
	if len(w.Members) == 0 {
		return nil, nil
	}
	member := w.Members[step.Arg%len(w.Members)]
	op := history.Op{Type: history.Note, Proc: member}
	switch step.Kind {
	case fault.Crash:
		op.F = history.Crash
		_ = e.inner.Abandon(w.Group, member) // it may be about to leave
	case fault.Expel:
		op.F, op.Err = history.Fault, "expel"
		_ = e.inner.Expel(w.Group, member) // likewise
	case fault.Pause:
		op.F = history.Pause
		long, err := time.ParseDuration(step.Target)
		if err != nil {
			return nil, fmt.Errorf("how long to pause: %w", err)
		}
		if e.inner.Pause(w.Group, member) == nil {
			e.pauseFor(pause{w.Group, member}, long)
		}
	}
	return []history.Op{op}, nil
}

func (e *service) pauseFor(p pause, long time.Duration) {
	e.mu.Lock()
	e.paused = append(e.paused, p)
	e.mu.Unlock()
	e.resumes.Go(func() {
		time.Sleep(long)
		e.resume(p)
	})
}

// reshard changes the partitions of a stream and tells what replaces what.
func (e *service) reshard(step fault.Step, name string) ([]history.Op, error) {
	const most = 8 // a run stays small
	e.mu.Lock()
	defer e.mu.Unlock()
	open, before := e.layouts[name], len(e.inner.Partitions(name))
	at := step.Arg % len(open)
	var from []string
	var err error
	switch {
	case step.Kind == fault.Grow && len(open) < most:
		err = e.inner.Grow(name, len(open)+1)
	case step.Kind == fault.Split && len(open) < most:
		from = open[at : at+1]
		err = e.inner.Split(name, from[0])
	case step.Kind == fault.Merge && len(open) > 1:
		at = step.Arg % (len(open) - 1)
		from = open[at : at+2]
		err = e.inner.Merge(name, from[0], from[1])
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	made := e.inner.Partitions(name)[before:]
	if step.Kind == fault.Grow {
		e.layouts[name] = append(slices.Clone(open), made...)
	} else {
		e.layouts[name] = slices.Concat(open[:at], made, open[at+len(from):])
	}
	var ops []history.Op
	for _, part := range made {
		op := history.Op{Type: history.Note, F: history.Reshard, Part: name + "/" + part}
		for _, parent := range from {
			op.From = append(op.From, name+"/"+parent)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// trim deletes the older half of the known records of a partition, or all but the last.
func (e *service) trim(step fault.Step, w env.World) ([]history.Op, error) {
	all := e.inner.Partitions(w.Stream)
	part := all[step.Arg%len(all)]
	known := w.Known(part)
	if len(known) < 2 {
		return nil, nil
	}
	before := known[len(known)/2]
	if step.Target == "all" {
		before = known[len(known)-1]
	}
	if err := e.inner.Trim(w.Stream, part, before); err != nil {
		return nil, err
	}
	return []history.Op{{Type: history.Note, F: history.Trim, Part: w.Stream + "/" + part, Pos: below(before)}}, nil
}

// below is the last position before p, whether or not a record can stand there.
func below(p stream.Position) stream.Position {
	major, _, _ := p.Parts()
	for i := len(major) - 1; i >= 0; i-- {
		major[i]--
		if major[i] != math.MaxUint64 {
			break
		}
	}
	return stream.MakePosition(major, math.MaxUint32, 0)
}

// call adds a fault of a call.
func (e *service) call(step fault.Step) ([]history.Op, error) {
	op, n := memory.Op(step.Target), min(max(step.Arg, 1), math.MaxInt16)
	switch step.Kind {
	case fault.Refuse:
		e.calls.Fail(op, n, fmt.Errorf("%w: a fault of the script", stream.ErrThrottled))
	case fault.Lose:
		e.calls.ApplyThen(op, n, memory.Outcome{Lost: true})
	case fault.Late:
		e.calls.ApplyThen(op, n, memory.Outcome{Delay: Session / 2})
	}
	return []history.Op{{Type: history.Note, F: history.Fault, Err: string(step.Kind) + " " + step.Target}}, nil
}
