package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// leased is a tenure by a lease.
type leased struct {
	*lease.Lease
	g *group
}

func (l *leased) save(ctx context.Context, to stream.Checkpoint, settled *int64) error {
	sequence, sub := shard.Sequence(to.Position)
	if mutated("mid-aggregate checkpoint forgets the index") {
		sub = 0
	}
	if mutated("state is dropped") {
		to.State = nil
	}
	return l.update(ctx, lease.Change{NotEnded: true, Checkpoint: &sequence, Sub: int64(sub), State: &to.State, Pos: settled})
}

func (l *leased) note(ctx context.Context, settled int64) error {
	return l.update(ctx, lease.Change{NotEnded: true, Pos: &settled})
}

func (l *leased) update(ctx context.Context, c lease.Change) error {
	_, err := l.Lease.Update(ctx, c)
	if errors.Is(err, lease.ErrConflict) && !errors.Is(err, stream.ErrLost) {
		err = fmt.Errorf("%w: %w", stream.ErrLost, err)
	}
	return err
}

// endAgain is how long to wait for a listing before the end of a shard is tried again; mostGone is how often that is
// done for a shard that has vanished.
const (
	endAgain = 500 * time.Millisecond
	mostGone = 20
)

// errListed: a shard that had vanished is listed after all. Whoever holds its lease next reads on.
var errListed = errors.New("the shard is listed again")

// finish writes the end of the shard after the rows of what replaces it, and gives the lease back.
func (l *leased) finish(ctx context.Context, e ending) error {
	err := l.conclude(ctx, e)
	free := l.free(ctx)
	if err == nil {
		return free
	}
	return err
}

func (l *leased) conclude(ctx context.Context, e ending) error {
	followed, _ := e.progress.(*lineage.Progress)
	for try := 1; ; try++ {
		var done bool
		var err error
		if e.vanished {
			done, err = l.g.syncer.Gone(ctx, l.Lease, followed, e.at)
		} else {
			done, err = l.g.syncer.End(ctx, l.Lease, followed, e.children, e.at)
		}
		switch {
		case done && err == nil:
			return nil
		case err != nil && !passing(err):
			return err
		case err == nil && e.vanished && try == mostGone:
			return errListed
		}
		l.g.syncer.Wake()
		if rest(ctx, endAgain); ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

func (l *leased) free(ctx context.Context) error { return l.Lease.Release(ctx) }

func (l *leased) verify(context.Context) error {
	if !l.Lease.Valid() {
		return stream.ErrLost
	}
	return nil
}
