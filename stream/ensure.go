package stream

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A StreamConfig says what a stream should be like. A zero field means the backend's default, and is not compared with a
// stream that exists already.
type StreamConfig struct {
	Name           string
	Partitions     int
	Retention      time.Duration // how long records are kept; below 0: whatever their age
	MaxRecordBytes int64
	Compacted      bool // keep the last record of each key instead of deleting by age
}

// An Ensurer is a Backend that can make streams.
//
// Rules:
//   - EnsureWaits: EnsureStream returns when the stream can be written to and read from.
//   - EnsureIdempotent: a stream that exists and has what was asked is nil; one that differs is ErrInvalid, naming every
//     field that differs, and is left as it is.
//   - EnsureRefuses: what the backend cannot give is ErrUnsupported, and nothing is made.
type Ensurer interface {
	EnsureStream(ctx context.Context, s StreamConfig) error
}

// EnsureStream makes sure that a stream exists and is as s says, and waits until it can be used. A backend that is no
// Ensurer answers ErrUnsupported.
func EnsureStream(ctx context.Context, b Backend, s StreamConfig) error {
	if err := s.check(); err != nil {
		return &Error{Op: "ensure", Stream: s.Name, Err: err}
	}
	e, ok := b.(Ensurer)
	if !ok {
		return &Error{Op: "ensure", Stream: s.Name, Err: unsupported("the backend cannot make streams; make it by its own tools")}
	}
	return wrap("ensure", s.Name, "", e.EnsureStream(ctx, s))
}

func (s StreamConfig) check() error {
	var errs []error
	if s.Name == "" {
		errs = append(errs, fmt.Errorf("%w: the stream has no name", ErrInvalid))
	}
	if s.Partitions < 0 {
		errs = append(errs, fmt.Errorf("%w: %d partitions", ErrInvalid, s.Partitions))
	}
	if s.MaxRecordBytes < 0 {
		errs = append(errs, fmt.Errorf("%w: records of %d bytes", ErrInvalid, s.MaxRecordBytes))
	}
	return errors.Join(errs...)
}
