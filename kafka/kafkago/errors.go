package kafkago

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// mapped is engine.Map for errors of kafka-go: the error code comes out as an *engine.KafkaError, and the client's own
// errors get their sentinels.
func mapped(err error) error {
	if err == nil || engine.IsMapped(err) {
		return err
	}
	var (
		coded *engine.KafkaError
		code  segmentio.Error
		large segmentio.MessageTooLargeError
	)
	switch {
	case errors.As(err, &coded):
	case errors.As(err, &large):
		err = &engine.KafkaError{Code: engine.Code(segmentio.MessageSizeTooLarge), Err: err}
	case errors.As(err, &code):
		err = &engine.KafkaError{Code: engine.Code(code), Err: named(engine.Code(code), err)}
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, protocol.ErrNoPartition):
		err = fmt.Errorf("%w: %w", stream.ErrNotFound, err)
	case errors.Is(err, protocol.ErrNoLeader):
		err = &engine.KafkaError{Code: engine.NoLeader, Err: named(engine.NoLeader, err)}
	case errors.Is(err, segmentio.ErrGroupClosed):
		err = fmt.Errorf("%w: %w", stream.ErrClosed, err)
	case errors.Is(err, segmentio.ErrGenerationEnded):
		err = fmt.Errorf("%w: %w", stream.ErrLost, err)
	case isTooOld(err):
		err = fmt.Errorf("%w: %w", stream.ErrUnsupported, err)
	case isTLSExpected(err):
		err = fmt.Errorf("%w: %w", stream.ErrInvalid, err)
	case isTimeout(err):
		return fmt.Errorf("a broker did not answer in time: %w", err)
	}
	return engine.Map(err)
}

// named puts the protocol's name of a code before kafka-go's words.
func named(code engine.Code, err error) error { return fmt.Errorf("%v: %w", code, err) }

// isTooOld knows the refusal to send a request that the broker has no version of; kafka-go gives it no type.
func isTooOld(err error) bool {
	said := err.Error()
	return strings.Contains(said, "unsupported") && (strings.Contains(said, " version: v") || strings.Contains(said, " api"))
}

// isTLSExpected knows a broker's answer to what is no TLS; kafka-go gives it no type.
func isTLSExpected(err error) bool {
	return strings.Contains(err.Error(), "broker appears to be expecting TLS")
}

// isTimeout reports whether the deadline of a connection was over before the context's.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// isDial reports whether no connection could be made.
func isDial(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}
