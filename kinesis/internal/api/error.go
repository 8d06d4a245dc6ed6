package api

import (
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// Codes of errors that callers tell apart (API reference, errors of each operation).
const (
	Throughput    = "ProvisionedThroughputExceededException" // also of a record in PutRecords
	Internal      = "InternalFailure"                        // also of a record in PutRecords
	LimitExceeded = "LimitExceededException"
	InUse         = "ResourceInUseException"
	Missing       = "ResourceNotFoundException"
	OldIterator   = "ExpiredIteratorException"
	OldToken      = "ExpiredNextTokenException"
	Argument      = "InvalidArgumentException"
	Validation    = "ValidationException"
	Denied        = "AccessDeniedException"
	KMSThrottling = "KMSThrottlingException"
)

// An Error is an answer of the service, or the lack of one.
type Error struct {
	Op      string // the API operation
	Code    string // the service's name of the error; "" if there was no answer
	Status  int    // of HTTP; 0: no answer
	Message string // the service's words; holds no data of a record
	Unknown bool   // what was asked may have been done: no answer, or a 5xx
	Err     error  // beneath, without secrets; may be nil
}

// Error names the operation and the service's code.
func (e *Error) Error() string {
	what := e.Code
	if what == "" && e.Status == 0 {
		what = "no answer"
	}
	if what == "" {
		what = fmt.Sprintf("status %d", e.Status)
	}
	if e.Message != "" {
		what += ": " + e.Message
	}
	if e.Err != nil && e.Code == "" {
		what += ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s: %s", e.Op, what)
}

// Unwrap returns the sentinel of package stream that callers act on, and what is beneath.
func (e *Error) Unwrap() []error {
	var all []error
	if s := Sentinel(e.Code); s != nil {
		all = append(all, s)
	}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}

// CodeOf is the service's code in err, or "".
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Sentinel maps a code of the service, of a request or of one record, to what callers act on; nil if to nothing.
func Sentinel(code string) error {
	switch code {
	case Throughput, LimitExceeded, KMSThrottling, "ThrottlingException", "Throttling", "RequestLimitExceeded":
		return stream.ErrThrottled
	case Missing:
		return stream.ErrNotFound
	case Argument, Validation, "SerializationException":
		return stream.ErrInvalid
	case Denied, "UnrecognizedClientException", "ExpiredTokenException", "ExpiredToken", "InvalidSignatureException", "IncompleteSignature",
		"InvalidClientTokenId", "MissingAuthenticationTokenException", "OptInRequired", "NotAuthorized",
		"KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException", "KMSOptInRequired":
		return stream.ErrUnauthorized
	}
	return nil
}
