package stream

import (
	"context"
	"fmt"
)

// load finds where the hold begins and the states it is handed. With a Checkpointer the claim is told.
func (p *Partition) load(ctx context.Context) (Checkpoint, [][]byte, error) {
	kept := p.run.config.Checkpointer
	if kept == nil {
		return p.hold.Saved, inheritedStates(p.hold.Saved, p.hold.Replaces), nil
	}
	saved, err := kept.Acquire(ctx, p.key)
	if err != nil && mutated("failed read is taken for none") {
		saved, err = kept.Load(ctx, p.key)
		saved.Position = Position{}
	}
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if !p.run.newEpoch(p.key, saved.Epoch) {
		return Checkpoint{}, nil, fmt.Errorf("internal error: the Checkpointer gave epoch %d again", saved.Epoch)
	}
	if saved.Position.IsZero() && !p.hold.Saved.Position.IsZero() {
		// The group's Start, as the backend resolved it: it must not be resolved again after a crash.
		saved.Position = p.hold.Saved.Position
		if err := kept.Save(ctx, p.key, saved); err != nil {
			return Checkpoint{}, nil, err
		}
	}
	parents, err := p.loadParents(ctx, kept, p.hold.Replaces)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if !saved.Position.IsZero() {
		if err := p.claim.Seek(ctx, saved.Position); err != nil {
			return Checkpoint{}, nil, err
		}
	}
	if isDone(p.hold.Lost) { // the epoch may have been bumped after the partition had moved on
		return Checkpoint{}, nil, ErrLost
	}
	return saved, inheritedStates(saved, parents), nil
}

// loadParents asks the Checkpointer for what the backend does not keep.
func (p *Partition) loadParents(ctx context.Context, kept Checkpointer, parents []Parent) ([]Parent, error) {
	loaded := make([]Parent, len(parents))
	for i, parent := range parents {
		key := p.key
		key.Partition = parent.Partition
		saved, err := kept.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		loaded[i] = Parent{Partition: parent.Partition, Saved: saved}
		if saved.Position.IsZero() {
			if loaded[i].Replaces, err = p.loadParents(ctx, kept, parent.Replaces); err != nil {
				return nil, err
			}
		}
	}
	return loaded, nil
}

// inheritedStates are what State returns at the beginning of a hold.
func inheritedStates(saved Checkpoint, parents []Parent) [][]byte {
	switch {
	case saved.State != nil:
		return [][]byte{saved.State}
	case !saved.Position.IsZero():
		return nil
	}
	return parentStates(nil, parents, map[string]bool{})
}

// parentStates adds each parent's state; a parent that never made a checkpoint is replaced by its own parents. A
// partition that is reached twice, by a split and a merge, counts once.
func parentStates(states [][]byte, parents []Parent, seen map[string]bool) [][]byte {
	for _, parent := range parents {
		if seen[parent.Partition] {
			continue
		}
		seen[parent.Partition] = true
		switch {
		case parent.Saved.State != nil:
			states = append(states, parent.Saved.State)
		case parent.Saved.Position.IsZero():
			states = parentStates(states, parent.Replaces, seen)
		}
	}
	return states
}

// sameBackend compares without the panic that an incomparable type would cause.
func sameBackend(a, b Backend) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	return a == b
}
