package reader

import (
	"errors"
	"net/http"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

// patience is how long what should pass is waited for before it is an error: a fault of the service that lasts longer is
// to be heard of, and then waited for again.
const patience = time.Minute

// A kind says what is to be done about an error.
type kind int

const (
	lasting   kind = iota // it is for the caller
	passing               // the same again, later
	throttled             // the same again, later, and others are told
	expired               // a new iterator
	refused               // a new iterator, once
	missing               // the shard, the stream or the consumer is gone
)

// kindOf classifies an error of the service.
func kindOf(err error) kind {
	e, ok := errors.AsType[*api.Error](err)
	switch {
	case errors.Is(err, errDoubt):
		return passing
	case !ok || errors.Is(err, stream.ErrUnauthorized):
		return lasting
	case errors.Is(err, stream.ErrThrottled):
		return throttled
	case e.Code == api.OldIterator:
		return expired
	case e.Code == api.Argument:
		return refused
	case e.Code == api.Missing:
		return missing
	case e.Status >= 500, e.Code == api.Internal, e.Code == "InternalFailureException":
		return passing
	case e.Code == "" && (e.Status < 400 || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests):
		return passing
	}
	return lasting
}

// A trouble counts failures in a row.
type trouble struct {
	since time.Time // of the first
	count int
}

// again counts a failure and says how long to wait; false if patience is over.
func (t *trouble) again(first, most time.Duration) (time.Duration, bool) {
	now := time.Now()
	if t.count == 0 {
		t.since = now
	}
	if now.Sub(t.since) > patience {
		*t = trouble{}
		return most, false
	}
	wait := min(first<<min(t.count, 10), most)
	t.count++
	return wait, true
}

// over forgets.
func (t *trouble) over() { *t = trouble{} }
