package lease

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// A Lease is a row that this member holds. Methods may be called from many goroutines.
type Lease struct {
	asked, lost chan struct{}
}

// Row is the row as of the last write that is known to have happened.
func (l *Lease) Row() Row { return Row{} }

// Valid reports whether nobody else can hold the row now, by this member's clock alone.
func (l *Lease) Valid() bool { return false }

// Asked is closed when another member waits for the lease: Release hands it over. Until then it can be used.
func (l *Lease) Asked() <-chan struct{} { return l.asked }

// Lost is closed when somebody else may hold the row.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Update writes to the row if this member still holds it, and renews it. Change must not name Counter, Owner, HandOverIs
// or Raise. A condition of its own that is not met is ErrConflict. Once the lease is lost or released the error Is
// stream.ErrLost.
func (l *Lease) Update(ctx context.Context, c Change) (Row, error) { return Row{}, stream.ErrLost }

// Release gives the lease back, or hands it over to who asked for it. After a loss it writes nothing.
func (l *Lease) Release(ctx context.Context) error { return nil }
