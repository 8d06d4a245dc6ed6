package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/streamport-go/streamport/stream"
)

// errShut is why records fail that Close could not wait for.
var errShut = fmt.Errorf("%w while the record was on its way", stream.ErrClosed)

// Flush returns when every record accepted before it is done.
func (s *sink) Flush(ctx context.Context) error {
	if s.gate.isShut() {
		return fault("flush", "", "", stream.ErrClosed)
	}
	return s.lanes.flush(ctx)
}

// Close waits until every record is done, and fails the rest when ctx ends.
func (s *sink) Close(ctx context.Context) error {
	s.once.Do(func() {
		empty := s.halt()
		err := s.lanes.flush(ctx)
		if err != nil {
			s.lanes.end(errShut)
		}
		<-empty
		if last := s.lanes.flush(context.WithoutCancel(ctx)); err == nil {
			err = last
		}
		s.b.forgetSink(s)
		if err != nil && !errors.Is(err, stream.ErrClosed) {
			s.err = fault("close", "", "", err)
		}
	})
	return s.err
}

// shut ends the sink at once, when the backend is closed.
func (s *sink) shut() {
	empty := s.halt()
	s.lanes.end(errShut)
	<-empty
	_ = s.lanes.flush(context.Background()) // cannot fail: its context never ends
}

// halt lets no more calls in, and aborts the open transactions. The channel is closed when the last call has left.
func (s *sink) halt() <-chan struct{} {
	s.halting.Do(func() {
		close(s.shutting)
		if s.tx != nil {
			s.tx.fence()
		}
	})
	return s.gate.shut()
}

func (b *Backend) forgetSink(s *sink) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sinks = slices.DeleteFunc(b.sinks, func(other *sink) bool { return other == s })
}
