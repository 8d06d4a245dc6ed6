package stream

import (
	"errors"
	"fmt"
	"strings"
)

// What a caller can act on, to be tested with errors.Is. An error about a record that Is ErrUnknownOutcome means that the
// record may be stored; every other one means that it is not.
var (
	// ErrLost: the partition is no longer this member's; somebody else may be reading it.
	ErrLost = errors.New("the partition is no longer held")
	// ErrExpired: retention has passed the position. The *Error has what was asked and what is left.
	ErrExpired = errors.New("the position has expired")
	// ErrUnknownOutcome: the write may have happened, or may happen yet.
	ErrUnknownOutcome = errors.New("the outcome is unknown")
	// ErrUnsupported: the backend cannot do this, or was not opened for it.
	ErrUnsupported = errors.New("unsupported")
	// ErrClosed: the handle, or the backend under it, is closed.
	ErrClosed = errors.New("closed")
	// ErrTooLarge: a record, a state or a header is over a limit. Nothing was sent.
	ErrTooLarge = errors.New("too large")
	// ErrInvalid: an argument or a configuration can never work.
	ErrInvalid = errors.New("invalid")
	// ErrThrottled: the backend refused for a rate limit until the time for retries was over.
	ErrThrottled = errors.New("throttled")
	// ErrUnauthorized: credentials are missing, wrong or not allowed to do this.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrNotFound: the stream or the partition does not exist.
	ErrNotFound = errors.New("not found")
	// ErrCorrupt: stored bytes do not decode or fail their checksum.
	ErrCorrupt = errors.New("corrupt")
	// ErrGrace: a handler did not return within the grace that it was given.
	ErrGrace = errors.New("the grace is over")
)

// An Error adds to Err where it happened: the operation, and the stream and partition it concerned where they are known.
type Error struct {
	Op        string // a verb in lower case: "send", "fetch", "checkpoint"
	Stream    string
	Partition string
	Asked     Position // if Err Is ErrExpired: after which to read; zero: from the group's beginning
	Oldest    Position // if Err Is ErrExpired: the oldest record that is left; zero: none is
	Err       error
}

// Error returns "op stream/partition: cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Stream != "" {
		b.WriteString(" " + e.Stream)
		if e.Partition != "" {
			b.WriteString("/" + e.Partition)
		}
	}
	b.WriteString(": " + e.Err.Error())
	if errors.Is(e.Err, ErrExpired) {
		fmt.Fprintf(&b, ": asked for what follows %v, the oldest left is %v", e.Asked, e.Oldest)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Failures is what Send and Transact return when some records were not stored. Records that it does not list are stored,
// unless Transact returned it: then none is.
type Failures []struct {
	Record *Record
	Err    error // why it is not stored, or (ErrUnknownOutcome) not known to be
}

// failure is an element of Failures.
type failure = struct {
	Record *Record
	Err    error
}

// Error gives the number of failures and the first cause.
func (f Failures) Error() string {
	if len(f) == 1 {
		return f[0].Err.Error()
	}
	return fmt.Sprintf("%d records failed, the first: %v", len(f), f[0].Err)
}

// Unwrap returns every cause, so that errors.Is finds any of them.
func (f Failures) Unwrap() []error {
	errs := make([]error, len(f))
	for i := range f {
		errs[i] = f[i].Err
	}
	return errs
}

// wrap adds the place to err once: an *Error from below is kept as it is.
func wrap(op, stream, partition string, err error) error {
	var placed *Error
	if err == nil || errors.As(err, &placed) {
		return err
	}
	return &Error{Op: op, Stream: stream, Partition: partition, Err: err}
}
