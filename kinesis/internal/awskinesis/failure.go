package awskinesis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

var (
	errLate       = errors.New("no answer in time")
	errUnreadable = errors.New("the answer does not decode")
)

// uncoded is the SDK's code for an error without one.
const uncoded = "UnknownError"

// failure makes an *api.Error of what the SDK returned. Ctx is the caller's, bounded ends with the call's time.
func (c call) failure(ctx, bounded context.Context, w *watch, err error) error {
	e := &api.Error{Op: c.op, Status: statusOf(err)}
	var (
		said    smithy.APIError
		invalid smithy.InvalidParamsError
		none    *noCredentials
		garbled *smithy.DeserializationError
		strange *unreadable
	)
	sent := w.sent.Load()
	switch {
	case errors.As(err, &said) && said.ErrorCode() == uncoded:
		e.Err = errUnreadable
	case errors.As(err, &said):
		e.Code = said.ErrorCode()
		e.Message = c.words(e.Code, said.ErrorMessage())
	case errors.As(err, &invalid):
		e.Code, sent = api.Validation, false
	case ctx.Err() != nil:
		e.Err = ctx.Err()
	case bounded.Err() != nil:
		e.Err = fmt.Errorf("%w: %v: %w", errLate, c.timeout, os.ErrDeadlineExceeded) // a net.Error, as that of a transport
	case !sent && errors.As(err, &none):
		e.Err = fmt.Errorf("%w: %w", stream.ErrUnauthorized, none)
	case errors.As(err, &garbled) || errors.As(err, &strange):
		e.Err = errUnreadable
	default:
		e.Err = plain(err)
		sent = sent && !undialled(err)
	}
	e.Unknown = c.writes && sent && (e.Status < 300 || e.Status >= 500)
	return e
}

// statusOf is the status of HTTP that err came with, or 0.
func statusOf(err error) int {
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) {
		return answered.HTTPStatusCode()
	}
	return 0
}

// undialled reports whether there was no connection to send anything on.
func undialled(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// plain is err without what the SDK and net/http wrap around it, which names the request's address again.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*smithy.OperationError](err); ok {
		return e.Err
	}
	return err
}

// quotesNothing are the codes whose message names streams, shards, accounts, keys of KMS and limits, but nothing of a
// record, of a signature or of a token.
var quotesNothing = []string{
	api.Throughput, api.Internal, "InternalFailureException", api.LimitExceeded, api.InUse, api.Missing, api.OldIterator,
	api.OldToken, api.Denied, api.KMSThrottling, "KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException",
	"KMSNotFoundException", "KMSOptInRequired",
}

// constraint is what a validation message says of the value that it quotes before. Only numbers vary in it.
var constraint = regexp.MustCompile(`Member must (?:not be null|satisfy regular expression pattern|satisfy enum value set|` +
	`have (?:length|value) (?:less|greater) than or equal to \d{1,10})`)

const longestWords = 300 // bytes of a message

// words are the service's, without the values that they quote.
func (c call) words(code, message string) string {
	switch {
	case slices.Contains(quotesNothing, code), code == api.Argument && !c.writes:
		if len(message) > longestWords {
			message = strings.ToValidUTF8(message[:longestWords], "") + "…"
		}
		return message
	case code == api.Validation:
		return strings.Join(constraint.FindAllString(message, 4), "; ")
	}
	return ""
}
