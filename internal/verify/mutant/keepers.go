package mutant

import (
	"context"

	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/stream"
)

// A keeper is a Checkpointer over a Checkpointer that breaks some calls. A nil field breaks nothing.
type keeper struct {
	stream.Checkpointer
	acquire func(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error)
	save    func(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error
}

func (k *keeper) Acquire(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error) {
	if k.acquire == nil {
		return k.Checkpointer.Acquire(ctx, key)
	}
	return k.acquire(ctx, key)
}

func (k *keeper) Save(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error {
	if k.save == nil {
		return k.Checkpointer.Save(ctx, key, c)
	}
	return k.save(ctx, key, c)
}

func kept(f func(*keeper)) func(stream.Checkpointer) stream.Checkpointer {
	return func(c stream.Checkpointer) stream.Checkpointer {
		k := &keeper{Checkpointer: c}
		f(k)
		return k
	}
}

func external(p *workload.Plan) {
	inOrder(p)
	p.External = true
	if p.Policy == workload.Transact {
		p.Policy = workload.PerRecord
	}
}

func externalZombies(p *workload.Plan) { zombies(p); external(p) }

// keepers are mutants of Checkpointers.
func keepers() []Mutant {
	return []Mutant{
		{Name: "an epoch is given twice", By: "X1", narrow: externalZombies, keep: kept(func(k *keeper) {
			k.acquire = func(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error) {
				c, err := k.Load(ctx, key)
				if err != nil || c.Epoch > 0 {
					return c, err
				}
				return k.Checkpointer.Acquire(ctx, key)
			}
		})},
		{Name: "a save does not look at the epoch", By: "K3", narrow: externalZombies, keep: kept(func(k *keeper) {
			k.save = func(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error {
				now, err := k.Load(ctx, key)
				if err != nil {
					return err
				}
				c.Epoch = now.Epoch
				if c.Position.Compare(now.Position) < 0 {
					return nil
				}
				return k.Checkpointer.Save(ctx, key, c)
			}
		})},
		{Name: "a save is forgotten", By: "K5", narrow: external, keep: kept(func(k *keeper) {
			k.save = func(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error {
				if odd(c.Position) {
					return nil
				}
				return k.Checkpointer.Save(ctx, key, c)
			}
		})},
		{Name: "a failed read is taken for none", By: "K5", narrow: external, keep: kept(func(k *keeper) {
			n := 0
			k.acquire = func(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error) {
				c, err := k.Checkpointer.Acquire(ctx, key)
				if n++; n%3 == 0 {
					c.Position = stream.Position{}
				}
				return c, err
			}
		})},
	}
}
