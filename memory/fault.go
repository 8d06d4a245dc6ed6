package memory

import (
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Faults are random faults: each field but the last is the probability, 0 to 1, that one call meets the fault.
// Whether a call does depends on Config.Seed, on the fault and the place, and on how many such calls came before.
type Faults struct {
	Crash     float64 // a Fetch: its member dies without leaving, as by Abandon
	Pause     float64 // a Fetch: its member stands still for up to twice the session, as by Pause and Resume
	Expel     float64 // a Fetch: its member is thrown out, as by Expel
	Rebalance float64 // a Fetch: its group shares the partitions out anew
	Reshard   float64 // an append: its partition is split, or merged with a neighbour; on Kafka one is added
	Trim      float64 // a Fetch: half of the records in front of its reader are deleted

	Throttle  float64 // an append: refused for its rate; the sink tries again
	FailEntry float64 // an append: fails inside a request; the sink tries again
	LoseAck   float64 // an append: stored, and the answer is lost; the sink tries again
	Duplicate float64 // an append: stored twice, where the service does not recognise retries
	Delay     float64 // any call: comes up to MaxDelay later

	RefuseCheckpoint float64 // a Checkpoint: fails and is not saved
	LoseCheckpoint   float64 // a Checkpoint: is saved, and the answer is lost
	LoseCommit       float64 // a Commit: happens or does not, and the answer is lost

	MaxDelay time.Duration // default 100 ms
}

const defaultMaxDelay = 100 * time.Millisecond

// errTransient is the cause of a random failure.
var errTransient = errors.New("a random fault of the simulator")

func (f Faults) check() error {
	var errs []error
	for name, rate := range f.rates() {
		if !(rate >= 0 && rate <= 1) {
			errs = append(errs, fmt.Errorf("%w: a rate of %v for fault %s, allowed is 0 to 1", stream.ErrInvalid, rate, name))
		}
	}
	if f.MaxDelay < 0 {
		errs = append(errs, fmt.Errorf("%w: a MaxDelay of %v", stream.ErrInvalid, f.MaxDelay))
	}
	return errors.Join(errs...)
}

// rates yields the fields by name.
func (f Faults) rates() func(yield func(string, float64) bool) {
	all := []struct {
		name string
		rate float64
	}{
		{"Crash", f.Crash}, {"Pause", f.Pause}, {"Expel", f.Expel}, {"Rebalance", f.Rebalance}, {"Reshard", f.Reshard},
		{"Trim", f.Trim}, {"Throttle", f.Throttle}, {"FailEntry", f.FailEntry}, {"LoseAck", f.LoseAck},
		{"Duplicate", f.Duplicate}, {"Delay", f.Delay}, {"RefuseCheckpoint", f.RefuseCheckpoint},
		{"LoseCheckpoint", f.LoseCheckpoint}, {"LoseCommit", f.LoseCommit},
	}
	return func(yield func(string, float64) bool) {
		for _, r := range all {
			if !yield(r.name, r.rate) {
				return
			}
		}
	}
}

// any reports whether a fault can happen at all.
func (f Faults) any() bool {
	for _, rate := range f.rates() {
		if rate > 0 {
			return true
		}
	}
	return false
}
