package aggregate

import (
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// An Error is a record of an aggregate that cannot be delivered as it was meant. It Is stream.ErrCorrupt.
type Error struct {
	Index  int    // in the aggregate
	Reason string // without any of the data
	Err    error  // beneath; may be nil
}

// Error says which record of the aggregate it is, and why.
func (e *Error) Error() string {
	return fmt.Sprintf("%v: record %d of an aggregate: %s", stream.ErrCorrupt, e.Index, e.Reason)
}

// Unwrap returns stream.ErrCorrupt and what is beneath.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{stream.ErrCorrupt}
	}
	return []error{stream.ErrCorrupt, e.Err}
}
