package engine

import (
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// Unknown is the error of a record that was sent and not answered: it may be stored. The cause stays reachable.
func Unknown(cause error) error {
	if errors.Is(cause, stream.ErrUnknownOutcome) {
		return cause
	}
	return fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, cause)
}

// Unsent is the error of a record that was never sent: it is not stored, whatever cause says of those before it.
func Unsent(cause error) error {
	if errors.Is(cause, stream.ErrUnknownOutcome) {
		return unsent{cause}
	}
	return cause
}

// unsent is everything that cause is, but not stream.ErrUnknownOutcome.
type unsent struct{ cause error }

func (u unsent) Error() string {
	return fmt.Sprintf("not sent, as those before it failed: %v", u.cause)
}

func (u unsent) Is(target error) bool {
	return target != stream.ErrUnknownOutcome && errors.Is(u.cause, target)
}

func (u unsent) As(target any) bool { return errors.As(u.cause, target) }

// Refuses reports whether a broker that answers a produce request with c has stored nothing of the batch by that request.
// Of earlier tries it says nothing: what is refused now may have been stored then.
func (c Code) Refuses() bool {
	switch c {
	case 10, 18, 32, 43, 76, 87: // what the batch is: too large, its times, its format, its records
		return true
	case 3, 17, 29, 31, 100, 103: // what the topic is, and to whom
		return true
	}
	return false
}
