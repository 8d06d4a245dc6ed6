package history

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/streamport-go/streamport/stream"
)

// The classes of errors: one for each sentinel of package stream, one for a context that has ended, and one for
// everything else, which is a fault of the library.
const (
	ClassLost         = "lost"
	ClassExpired      = "expired"
	ClassUnknown      = "unknown"
	ClassUnsupported  = "unsupported"
	ClassClosed       = "closed"
	ClassTooLarge     = "too large"
	ClassInvalid      = "invalid"
	ClassThrottled    = "throttled"
	ClassUnauthorized = "unauthorized"
	ClassNotFound     = "not found"
	ClassCorrupt      = "corrupt"
	ClassGrace        = "grace"
	ClassCancelled    = "cancelled"
	ClassUnavailable  = "unavailable"  // "not now", or no answer, that outlasted every retry: the contract has no name for it
	ClassUnclassified = "unclassified" // in a history the error's text may follow
)

// classes are in the order in which they are looked for: an error that Is several counts as what says least about what
// happened.
var classes = []struct {
	name string
	is   error
}{
	{ClassUnknown, stream.ErrUnknownOutcome},
	{ClassLost, stream.ErrLost},
	{ClassExpired, stream.ErrExpired},
	{ClassThrottled, stream.ErrThrottled},
	{ClassClosed, stream.ErrClosed},
	{ClassTooLarge, stream.ErrTooLarge},
	{ClassUnsupported, stream.ErrUnsupported},
	{ClassUnauthorized, stream.ErrUnauthorized},
	{ClassNotFound, stream.ErrNotFound},
	{ClassCorrupt, stream.ErrCorrupt},
	{ClassGrace, stream.ErrGrace},
	{ClassInvalid, stream.ErrInvalid},
	{ClassCancelled, context.Canceled},
	{ClassCancelled, context.DeadlineExceeded},
}

// Classify is the class of an error, "" of nil.
func Classify(err error) string {
	if err == nil {
		return ""
	}
	for _, c := range classes {
		if errors.Is(err, c.is) {
			return c.name
		}
	}
	var refusal *kerr.Error
	if errors.As(err, &refusal) && refusal.Retriable {
		return ClassUnavailable
	}
	var passing interface{ Temporary() bool } // as kafka-go's codes are
	if errors.As(err, &passing) && passing.Temporary() {
		return ClassUnavailable
	}
	var unanswered net.Error
	if errors.As(err, &unanswered) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ClassUnavailable
	}
	return ClassUnclassified
}

// Outcome is what an error means for a record that was sent: it may be stored if and only if the error Is
// ErrUnknownOutcome, whatever else it is.
func Outcome(err error) Type {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, stream.ErrUnknownOutcome):
		return Info
	}
	return Fail
}
