package workload

import (
	"errors"
	"net"
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
	switch c := history.Classify(err); c {
	case history.ClassInvalid, history.ClassUnclassified:
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

// unreachable is a run that could not begin because no connection could be made. The contract has no name for that.
const unreachable = "unreachable"

// runClass tells the failures that the workload itself has planned, and those of the network, from those of the library.
func runClass(err error) string {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return unreachable
	}
	if err != nil && strings.Contains(err.Error(), plannedPanic) {
		return "planned"
	}
	return class(err)
}
