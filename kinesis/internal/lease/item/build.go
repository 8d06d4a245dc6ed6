package item

import (
	"fmt"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// Build writes a new lease with every attribute that KCL's reader needs, and with no entityType, which versions before 3.5 do
// not know. A row that can be no lease, or has a pending checkpoint, which only KCL makes, is an error that Is
// stream.ErrInvalid.
func Build(r lease.Row) (map[string]Value, error) {
	what := mistake(r)
	if r.Pending {
		what = pending + " is written by KCL only"
	}
	if what != "" {
		return nil, fmt.Errorf("%w: lease %s: %s", stream.ErrInvalid, quoted(r.Key), what)
	}
	if err := checkState(r.Own.State); err != nil {
		return nil, err
	}
	attributes := map[string]Value{
		Key:        text(r.Key),
		counter:    number(r.Counter),
		switches:   number(r.Switches),
		checkpoint: text(r.Checkpoint),
		sub:        number(r.Sub),
	}
	for name, value := range map[string]string{owner: r.Owner, handOver: r.HandOver, first: r.First, last: r.Last} {
		if value != "" {
			attributes[name] = text(value)
		}
	}
	for name, value := range map[string][]string{parents: r.Parents, children: r.Children} {
		if len(value) > 0 {
			attributes[name] = set(value)
		}
	}
	for name, value := range map[string]*int64{start: r.Own.Start, born: r.Own.Born, pos: r.Own.Pos} {
		if value != nil {
			attributes[name] = number(*value)
		}
	}
	if r.Own.Blind {
		attributes[blind] = truth()
	}
	if r.Own.Has {
		attributes[states] = state(r.Own.State)
	}
	return attributes, nil
}

func checkState(data []byte) error {
	if len(data) > MaxState {
		return fmt.Errorf("%w: a state of %d bytes, of at most %d", stream.ErrTooLarge, len(data), MaxState)
	}
	return nil
}
