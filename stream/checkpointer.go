package stream

import "context"

// A CheckpointKey names one partition as one group reads it.
type CheckpointKey struct{ Group, Stream, Partition string }

// A Checkpoint is how far a group is done in a partition.
type Checkpoint struct {
	Position Position // this record and all before it are done; zero: none yet
	Epoch    int64    // how often the partition was acquired, in an external Checkpointer; 0 elsewhere
	State    []byte   // the handler's own, saved together with the position; nil: none
}

// A Checkpointer keeps checkpoints outside the backend: in memory, in a file, in the service's own database. Who holds a
// partition is still the backend's affair; the epoch makes the save of a member that has lost it fail.
//
// Methods may be called from many goroutines. Rules:
//   - AcquireBumps: Acquire adds one to the epoch and returns what is saved, in one write: from then on the epoch of every
//     earlier holder is refused. A key that is not stored is stored with epoch 1.
//   - LoadReads: Load changes nothing; a key that is not stored is the zero Checkpoint.
//   - SaveFenced: Save stores position and state in one write, only if c.Epoch is exactly the stored epoch, else it is
//     ErrLost and nothing changes.
//   - SaveForward: Save never moves a position back: that is ErrInvalid, and nothing changes.
type Checkpointer interface {
	Acquire(ctx context.Context, key CheckpointKey) (Checkpoint, error)
	Load(ctx context.Context, key CheckpointKey) (Checkpoint, error)
	Save(ctx context.Context, key CheckpointKey, c Checkpoint) error
}
