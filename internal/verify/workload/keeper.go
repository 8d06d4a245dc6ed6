package workload

import (
	"context"
	"fmt"
	"sync"

	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// A keeper is the run's Checkpointer as one member sees it: it records what the member does, and its calls meet faults.
type keeper struct {
	*run
	member string
}

func (k *keeper) Acquire(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error) {
	if k.calls.meets(fault.Refuse, fault.CheckpointerAcquire) {
		return stream.Checkpoint{}, fmt.Errorf("%w: a fault of the script", stream.ErrThrottled)
	}
	c, err := k.kept.Acquire(ctx, key)
	if err == nil && k.calls.meets(fault.Lose, fault.CheckpointerAcquire) {
		return stream.Checkpoint{}, fmt.Errorf("%w: a fault of the script", stream.ErrUnknownOutcome)
	}
	if err == nil {
		k.acquired(place{k.member, key.Partition}, c.Position)
	}
	return c, err
}

func (k *keeper) Load(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error) {
	return k.kept.Load(ctx, key)
}

func (k *keeper) Save(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error {
	op := history.Op{
		Type: history.Invoke, F: history.Checkpoint, Proc: k.member, Part: key.Stream + "/" + key.Partition, Pos: c.Position,
	}
	if s := k.session(place{k.member, key.Partition}); s != nil {
		op.Hold = s.hold
	}
	k.rec.Add(op)
	err := k.save(ctx, key, c)
	op.Type, op.Err = saved(err), class(err)
	k.rec.Add(op)
	return err
}

func (k *keeper) save(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error {
	if k.calls.meets(fault.Refuse, fault.CheckpointerSave) {
		return fmt.Errorf("%w: a fault of the script", stream.ErrThrottled)
	}
	if err := k.kept.Save(ctx, key, c); err != nil {
		return err
	}
	if k.calls.meets(fault.Lose, fault.CheckpointerSave) {
		return fmt.Errorf("%w: a fault of the script", stream.ErrUnknownOutcome)
	}
	return nil
}

// keeperFaults are the faults that calls of the Checkpointer are still to meet. Methods may be called from many
// goroutines.
type keeperFaults struct {
	mu   sync.Mutex // guards what follows
	left []fault.Step
}

// takes keeps a step if it is about a Checkpointer.
func (f *keeperFaults) takes(step fault.Step) bool {
	if step.Target != fault.CheckpointerAcquire && step.Target != fault.CheckpointerSave {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = append(f.left, step)
	return true
}

// meets counts a call.
func (f *keeperFaults) meets(kind fault.Kind, target string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.left {
		step := &f.left[i]
		if step.Kind != kind || step.Target != target {
			continue
		}
		if step.Arg--; step.Arg <= 0 {
			f.left = append(f.left[:i], f.left[i+1:]...)
			return true
		}
	}
	return false
}

func (f *keeperFaults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = nil
}
