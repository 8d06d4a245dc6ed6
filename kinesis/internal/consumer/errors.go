package consumer

import (
	"context"
	"errors"
	"io"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

// fault adds the operation and the place to err once.
func fault(op, name, partition string, err error) error {
	var placed *stream.Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &placed) {
		return err
	}
	return &stream.Error{Op: op, Stream: name, Partition: partition, Err: err}
}

// passing reports whether a failure will probably be over by itself: the service, or the network, is busy or away.
func passing(err error) bool {
	var answer *api.Error
	switch {
	case errors.Is(err, stream.ErrThrottled):
		return true
	case errors.As(err, &answer):
		return answer.Unknown || answer.Code == "" || answer.Status >= 500
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, stream.ErrUnknownOutcome)
}
