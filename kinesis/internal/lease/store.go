package lease

import (
	"context"
	"errors"
)

// A Store keeps rows and changes them one at a time by compare-and-swap. Methods may be called from many goroutines.
//
// Reads are consistent: they show every write that was answered before they began. A write whose answer is lost is an error
// that Is stream.ErrUnknownOutcome: it may have happened; no write is repeated below. A throttled call is
// stream.ErrThrottled: nothing happened.
type Store interface {
	// Scan returns all rows, over all pages. Items that are no leases are left out.
	Scan(ctx context.Context) ([]Row, error)
	// Get returns a row; false if there is none.
	Get(ctx context.Context, key string) (Row, bool, error)
	// Create writes a row if there is none with its key, and reports whether it did.
	Create(ctx context.Context, r Row) (bool, error)
	// Update changes a row if it meets the condition, and returns it as it is then. Otherwise the error Is ErrConflict, and
	// the row is what is there instead, if the store knows it (Key is then set). What Change does not name stays as it is.
	Update(ctx context.Context, key string, c Change) (Row, error)
	// Delete removes a row if its counter is this; if it is not the error Is ErrConflict.
	Delete(ctx context.Context, key string, counter int64) error
}

// ErrConflict says that a row did not meet the condition of a write, or is gone. Nothing was written.
var ErrConflict = errors.New("the lease has changed")

// A Change is one conditional write. Nil fields are left as they are, or not asked for.
type Change struct {
	// The condition; the row must exist in any case.
	Counter     *int64  // leaseCounter is this
	Owner       *string // leaseOwner is this; "": nobody
	HandOverIs  *string // checkpointOwner is this; "": absent
	IsBlind     bool    // xBlind is there
	NotEnded    bool    // checkpoint is not AtEnd
	StartAbsent bool    // xStartMs is absent

	// What is written.
	Raise       bool    // leaseCounter + 1
	SetOwner    *string // "": removed
	SetHandOver *string // "": removed
	AddSwitch   bool    // ownerSwitchesSinceCheckpoint + 1
	Checkpoint  *string // with Sub; sets ownerSwitchesSinceCheckpoint to 0 and removes a pending checkpoint, as KCL does
	Sub         int64
	State       *[]byte  // nil: stays; a pointer to nil: removed
	Parents     []string // nil: stays; empty: removed
	Children    []string // likewise
	First, Last *string  // the range
	Start       *int64
	Born        *int64
	Pos         *int64
	Blind       *bool // false: removed
}
