package consumer

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A tenure is how a claim has its shard: by a lease, or, where there is no table, because nobody else wants it. One
// write of a claim is under way at a time. Settled is up to which time of arrival the shard is settled, in Unix
// milliseconds.
type tenure interface {
	Asked() <-chan struct{} // nil: it is never asked back
	Lost() <-chan struct{}  // nil: it is never lost

	save(ctx context.Context, to stream.Checkpoint, settled *int64) error
	note(ctx context.Context, settled int64) error
	// finish says that all of the shard is settled, and gives it back: what replaces it may be read.
	finish(ctx context.Context, e ending) error
	// free gives the shard back. After a loss it writes nothing.
	free(ctx context.Context) error
	// verify is an error that Is stream.ErrLost if the shard is somebody else's.
	verify(ctx context.Context) error
}

// An opening is a shard as it is when a claim begins.
type opening struct {
	track    *track
	shard    string
	saved    stream.Checkpoint
	replaces []stream.Parent
	area     *shard.Range // nil: not known
	from     api.From     // where reading begins if nothing is saved
	wanted   time.Time    // what arrived before is not wanted; zero: all is
	progress progress
}

// A progress knows up to when everything of a shard is settled, and sees where retention was faster than the reader.
// See lineage.Progress.
type progress interface {
	Read(page api.Page, last stream.Position) (lineage.Loss, bool)
	Accept(l lineage.Loss)
	Settle(at stream.Position)
	Pos() *int64 // nil: nobody keeps it
}

// An ending is what is known when a shard was read to its end.
type ending struct {
	progress progress
	children []shard.Child
	at       time.Time
	vanished bool // the service no longer has the shard: its end was not read
}
