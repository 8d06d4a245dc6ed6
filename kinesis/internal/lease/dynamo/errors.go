package dynamo

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

// readError is what becomes of an error of a call that changes nothing.
func readError(op string, err error) error {
	if err == nil {
		return nil
	}
	return answer(op, err)
}

// writeError is what becomes of an error of a write. It Is stream.ErrUnknownOutcome unless the service refused the write or
// the request was not sent.
func writeError(op string, err error) error {
	if err == nil {
		return nil
	}
	e := answer(op, err)
	e.Unknown = e.Status >= http.StatusInternalServerError || e.Status < http.StatusBadRequest && sent(err)
	if e.Unknown {
		return fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, e)
	}
	return e
}

// answer takes an error of the SDK apart.
func answer(op string, err error) *api.Error {
	e := &api.Error{Op: op, Err: err}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		e.Status = response.HTTPStatusCode()
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		e.Code, e.Message = refused.ErrorCode(), refused.ErrorMessage()
	}
	return e
}

// sent reports whether a call got as far as the network, as far as the SDK tells.
func sent(err error) bool {
	var (
		failed   *smithyhttp.RequestSendError
		answered *smithyhttp.ResponseError
		canceled *smithy.CanceledError
		garbled  *smithy.DeserializationError
	)
	return errors.As(err, &failed) || errors.As(err, &answered) || errors.As(err, &canceled) || errors.As(err, &garbled)
}

// refused returns the service's answer that a condition was not met; nil if err is something else.
func refused(err error) *types.ConditionalCheckFailedException {
	var failed *types.ConditionalCheckFailedException
	errors.As(err, &failed)
	return failed
}
