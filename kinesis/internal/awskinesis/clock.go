package awskinesis

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// A clock lets the SDK sign once more what the service refused because this machine's clock is wrong: nothing was done, and
// the SDK has seen the service's time in the answer. Without it, no call of a machine whose clock is minutes off would ever
// be answered. Nothing else is repeated.
type clock struct{ aws.NopRetryer }

// MaxAttempts is 2.
func (clock) MaxAttempts() int { return 2 }

// RetryDelay is none.
func (clock) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

// IsErrorRetryable reports whether the SDK takes err, an answer, for one about the clock.
func (clock) IsErrorRetryable(err error) bool {
	var skewed interface{ RetryableError() bool }
	said, ok := errors.AsType[smithy.APIError](err)
	if !ok || !errors.As(err, &skewed) {
		return false
	}
	switch said.ErrorCode() {
	case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "AuthFailure", "AccessDeniedException":
		return skewed.RetryableError()
	}
	return false
}
