package kafkago

import (
	"fmt"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

type saslMechanism = sasl.Mechanism

// mechanism returns kafka-go's, or ours where it has none.
func mechanism(s engine.SASL) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "PLAIN":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	}
	return nil, fmt.Errorf("%w: kafka-go has no SASL mechanism %.40q", stream.ErrUnsupported, s.Mechanism)
}
