package stream

import (
	"bytes"
	"context"
	"fmt"
	"sync"
)

// maxCheckpointState bounds the state of one partition in the Checkpointers of this package, so that a handler that
// lets its state grow learns of it before memory or disk does.
const maxCheckpointState = 1 << 20

// MemoryCheckpointer returns a Checkpointer that keeps checkpoints in memory: for tests, and for services that read
// from the beginning after a restart. It takes states up to 1 MiB and forgets nothing: its size is one checkpoint for
// each group and partition.
func MemoryCheckpointer() Checkpointer {
	return &memoryCheckpointer{saved: map[CheckpointKey]Checkpoint{}}
}

type memoryCheckpointer struct {
	mu    sync.Mutex // guards what follows
	saved map[CheckpointKey]Checkpoint
}

func (m *memoryCheckpointer) Acquire(ctx context.Context, key CheckpointKey) (Checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return Checkpoint{}, placed("acquire", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.saved[key]
	c.Epoch++
	m.saved[key] = c
	return cloneCheckpoint(c), nil
}

func (m *memoryCheckpointer) Load(ctx context.Context, key CheckpointKey) (Checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return Checkpoint{}, placed("load", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return cloneCheckpoint(m.saved[key]), nil
}

func (m *memoryCheckpointer) Save(ctx context.Context, key CheckpointKey, c Checkpoint) error {
	if err := ctx.Err(); err != nil {
		return placed("save", key, err)
	}
	c = cloneCheckpoint(c)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := checkSave(m.saved[key], c); err != nil {
		return placed("save", key, err)
	}
	m.saved[key] = c
	return nil
}

// checkSave holds the rules SaveFenced and SaveForward. A key that was never acquired has epoch 0, which nobody holds.
func checkSave(stored, c Checkpoint) error {
	switch {
	case stored.Epoch == 0:
		return fmt.Errorf("%w: the partition was never acquired here", ErrLost)
	case c.Epoch != stored.Epoch:
		return fmt.Errorf("%w: epoch %d was followed by %d", ErrLost, c.Epoch, stored.Epoch)
	case c.Position.Compare(stored.Position) < 0:
		return fmt.Errorf("%w: position %v is before %v, which is saved", ErrInvalid, c.Position, stored.Position)
	case len(c.State) > maxCheckpointState:
		return fmt.Errorf("%w: a state of %d bytes, at most %d", ErrTooLarge, len(c.State), maxCheckpointState)
	}
	return nil
}

func cloneCheckpoint(c Checkpoint) Checkpoint {
	c.State = bytes.Clone(c.State)
	return c
}

// placed says of which partition a checkpointer's error is.
func placed(op string, key CheckpointKey, err error) error {
	return wrap(op+" checkpoint of group "+quoteGroup(key.Group)+" in", key.Stream, key.Partition, err)
}

func quoteGroup(group string) string { return fmt.Sprintf("%.80q", group) }
