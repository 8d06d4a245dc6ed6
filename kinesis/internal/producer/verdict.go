package producer

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

// What became of a Kinesis record.
const (
	stored    = uint8(iota)
	refused   // it is not stored, and is tried again
	throttled // likewise, at a slower pace
	uncertain // it may be stored, and is tried again
	tooMuch   // its request is refused, and is tried again in parts
	failed    // it is not stored, ever
)

// A verdict is what one try of a Kinesis record has come to.
type verdict struct {
	fate uint8
	err  error
	at   stream.Position // stored
}

// judge tells what the error of a whole request says of each of its n Kinesis records.
func judge(err error, n int) verdict {
	var e *api.Error
	if !errors.As(err, &e) {
		return verdict{fate: uncertain, err: err}
	}
	switch {
	case e.Unknown:
		return verdict{fate: uncertain, err: err}
	case e.Code == api.Throughput:
		return verdict{fate: throttled, err: err}
	case errors.Is(err, stream.ErrThrottled), e.Code == api.InUse, e.Code == "":
		return verdict{fate: refused, err: err}
	case n > 1 && (errors.Is(err, stream.ErrInvalid) || e.Status == http.StatusRequestEntityTooLarge):
		return verdict{fate: tooMuch, err: err}
	case e.Status >= http.StatusInternalServerError:
		return verdict{fate: uncertain, err: err}
	}
	return verdict{fate: failed, err: err}
}

// judgeResult tells what a result says of its Kinesis record (API operation PutRecords: a code of a record is that of a
// throttle or of an internal failure).
func judgeResult(res *api.Result) verdict {
	switch res.Code {
	case "":
		return verdict{fate: stored}
	case api.Throughput:
		return verdict{fate: throttled, err: codeError(res)}
	case api.Internal:
		return verdict{fate: refused, err: codeError(res)}
	}
	if errors.Is(api.Sentinel(res.Code), stream.ErrThrottled) {
		return verdict{fate: refused, err: codeError(res)}
	}
	return verdict{fate: failed, err: codeError(res)}
}

func codeError(res *api.Result) error {
	return &api.Error{Op: "PutRecords", Code: res.Code, Status: http.StatusOK, Message: res.Message}
}

// errCount is the cause where an answer does not say what became of each record.
var errCount = fmt.Errorf("the answer has another number of results than the request has records")
