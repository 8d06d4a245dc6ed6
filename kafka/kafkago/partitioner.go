package kafkago

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"

	segmentio "github.com/segmentio/kafka-go"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// choose places a record by the settings, and otherwise as Kafka's Java client does: keys by murmur2, records without
// key on one partition a batch (KIP-480), for which it returns nil.
func (t *topic) choose(known *places, a *arrival) (*lane, error) {
	if a.place >= 0 {
		if int(a.place) >= len(known.lanes) {
			return nil, fmt.Errorf("%w: the topic has no partition %d, it has %d", stream.ErrNotFound, a.place, len(known.lanes))
		}
		return known.lanes[a.place], nil
	}
	if custom := t.sink.settings.Partitioner; custom != nil {
		choice, err := consult(custom, a.from, len(known.lanes))
		switch {
		case err != nil:
			return nil, err
		case choice >= len(known.lanes):
			return nil, fmt.Errorf("%w: the partitioner chose partition %d of %d", stream.ErrInvalid, choice, len(known.lanes))
		case choice >= 0:
			return known.lanes[choice], nil
		}
	}
	if a.from.Key == nil {
		return nil, nil
	}
	return known.lanes[segmentio.Murmur2Balancer{}.Balance(segmentio.Message{Key: a.from.Key}, known.numbers...)], nil
}

// consult calls the user's partitioner and contains its panic, whose value is not told: it may hold the key.
func consult(custom engine.Partitioner, r *stream.Record, n int) (choice int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: the partitioner panicked with a %T:\n%s", stream.ErrInvalid, v, debug.Stack())
		}
	}()
	return custom(r, n), nil
}

// other chooses another partition by chance, among those that have a leader, if any has.
func (p *places) other(than int32) int32 {
	if len(p.led) == 0 {
		return int32(rand.IntN(len(p.lanes)))
	}
	i := rand.IntN(len(p.led))
	if p.led[i] == than {
		i = (i + 1) % len(p.led)
	}
	return p.led[i]
}
