package workload

import (
	"errors"
	"strings"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// errPlanned is what a handler of the workload fails with when the plan says so.
var errPlanned = errors.New("the workload's handler fails as planned")

// plannedPanic is what it panics with.
const plannedPanic = "the workload's handler panics as planned"

// class names an error as histories do. Nothing that the workload asks for is invalid, so ErrInvalid is no answer either.
func class(err error) string {
	if errors.Is(err, errPlanned) {
		return "planned"
	}
	switch c := history.Classify(err); {
	case c == history.ClassUnclassified && isUnreachable(err):
		return unreachable
	case c == history.ClassInvalid, c == history.ClassUnclassified:
		return history.ClassUnclassified + ": " + err.Error() // whoever reads the verdict wants to know
	default:
		return c
	}
}

// saved says what an error means for a checkpoint. Only who no longer holds the partition is told that nothing was saved.
func saved(err error) history.Type {
	switch {
	case err == nil:
		return history.OK
	case errors.Is(err, stream.ErrLost) && !errors.Is(err, stream.ErrUnknownOutcome):
		return history.Fail
	default:
		return history.Info
	}
}

// unreachable is what could not begin because no connection could be made, or none that lasted. The contract has no name for
// that: the caller can only try again.
const unreachable = "unreachable"

func isUnreachable(err error) bool {
	return strings.Contains(err.Error(), "no broker can be reached, or it closed the connection")
}

// runClass tells the failures that the workload itself has planned from those of the library.
func runClass(err error) string {
	if err != nil && strings.Contains(err.Error(), plannedPanic) {
		return "planned"
	}
	return class(err)
}
