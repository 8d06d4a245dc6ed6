package franz

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// mapped is engine.Map for errors of franz-go: the error code comes out as an *engine.KafkaError, and the client's own
// errors get their sentinels.
func mapped(err error) error {
	if err == nil || engine.IsMapped(err) {
		return err
	}
	var (
		coded    *engine.KafkaError
		code     *kerr.Error
		expanded *kgo.ErrDecompressTooLarge
	)
	switch {
	case errors.As(err, &coded):
	case errors.As(err, &code):
		err = &engine.KafkaError{Code: engine.Code(code.Code), Err: err}
	case errors.Is(err, kgo.ErrClientClosed):
		err = fmt.Errorf("%w: %w", stream.ErrClosed, err)
	case errors.As(err, &expanded):
		err = fmt.Errorf("%w: %w", stream.ErrCorrupt, err)
	case isTooOld(err):
		err = fmt.Errorf("%w: %w", stream.ErrUnsupported, err)
	case isCutOff(err):
		return fmt.Errorf("no broker can be reached, or it closed the connection: %w", err)
	case isRefusedToken(err):
		err = fmt.Errorf("%w: the broker refused the token: %w", stream.ErrUnauthorized, err)
	}
	return engine.Map(err)
}

// lacking is mapped, and names the right that is missing if the brokers answered with that code.
func lacking(err error, code engine.Code, operation, resource string) error {
	told := mapped(err)
	if got, _ := engine.CodeOf(told); got == code {
		return engine.Denied(told, operation, resource)
	}
	return told
}

// isRefusedToken knows the answer to an OAUTHBEARER token that is expired or invalid. The broker sends the reason as data
// (RFC 7628, 3.2.2), which franz-go neither reads nor gives a type.
func isRefusedToken(err error) bool {
	return strings.Contains(err.Error(), "unexpected data in oauth response")
}

// isCutOff knows what franz-go says when a connection ended under a request as often as it tries; it gives it no type.
func isCutOff(err error) bool { return strings.Contains(err.Error(), "the broker connection has died") }

// isTooOld knows the refusal to send a request that the broker has no version of; franz-go gives it no type.
func isTooOld(err error) bool { return strings.Contains(err.Error(), "broker is too old") }

// isDial reports whether no connection could be made.
func isDial(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}
