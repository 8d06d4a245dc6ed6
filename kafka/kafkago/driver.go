package kafkago

import (
	"errors"
	"fmt"
	"sync"

	segmentio "github.com/segmentio/kafka-go"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// name is the library's.
const name = "kafka-go"

// driver opens kafka-go.
type driver struct{}

// Name is the library's.
func (driver) Name() string { return name }

// Assignment is how groups share partitions by default.
func (driver) Assignment() engine.Assignment { return engine.Eager }

// Check refuses what kafka-go cannot do, all at once.
func (driver) Check(s engine.Settings) error {
	can := abilities()
	var bad []error
	lacks := func(asked bool, field, why string) {
		if asked {
			bad = append(bad, fmt.Errorf("%w: %s: %s", stream.ErrUnsupported, field, why))
		}
	}
	lacks(s.Assignment == engine.Cooperative, "Assignment", can.Cooperative)
	lacks(s.Assignment == engine.Server, "Assignment", can.ServerAssigned)
	lacks(s.StaticMembers, "StaticMembers", can.StaticMembers)
	lacks(s.Rack != "", "Rack", can.Rack)
	if s.SASL != nil {
		if _, err := mechanism(*s.SASL, s.RequestOverhead); err != nil {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}

// Open makes the client that asks questions and makes single writes; nothing is dialled yet.
func (driver) Open(s engine.Settings) (engine.Client, error) {
	lines, err := newLines(s, "")
	if err != nil {
		return nil, err
	}
	return &client{settings: s, lines: lines, native: sync.OnceValue(lines.native)}, nil
}

// A client is kafka-go, opened. Producers, fetchers and members have lines of their own.
type client struct {
	settings     engine.Settings
	lines        *lines
	coordinators coordinators
	native       func() *segmentio.Client
	close        sync.Once
}

// Abilities tells what kafka-go cannot do.
func (*client) Abilities() engine.Abilities { return abilities() }

// Native is a *segmentio.Client, the same for all callers.
func (c *client) Native() any { return c.native() }

// Close closes the connections of questions and single writes.
func (c *client) Close() { c.close.Do(c.lines.close) }

// abilities say what kafka-go v0.4.51 cannot do, and who can.
func abilities() engine.Abilities {
	const instead = "; use franz-go (client: franz-go)"
	return engine.Abilities{
		Transactions: "kafka-go reads a group's offsets without RequireStable (OffsetFetch up to version 5), so that an offset " +
			"which a transaction is about to replace is taken for the last one" + instead,
		Cooperative:    "kafka-go's groups are eager: all partitions are asked back first" + instead,
		ServerAssigned: "kafka-go does not know ConsumerGroupHeartbeat (KIP-848)" + instead,
		StaticMembers:  "kafka-go's groups send no group.instance.id (KIP-345)" + instead,
		Rack:           "kafka-go always reads from the leader (KIP-392)" + instead,
		Truncation:     "kafka-go keeps no leader epochs (KIP-320): a log that was truncated and has grown again is not noticed" + instead,
		Repeats: "without idempotence a batch that is sent again may be stored twice, its first record then behind its last; " +
			"turn idempotence on (acks=all)",
	}
}
