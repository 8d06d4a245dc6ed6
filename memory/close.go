package memory

import (
	"context"
	"slices"
)

// Flush returns when every record accepted before it is done.
func (s *sink) Flush(ctx context.Context) error { return nil }

// Close waits until every record is done, and fails the rest when ctx ends.
func (s *sink) Close(ctx context.Context) error {
	<-s.gate.shut()
	s.b.forgetSink(s)
	return nil
}

func (s *sink) shut() { <-s.gate.shut() }

func (b *Backend) forgetSink(s *sink) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sinks = slices.DeleteFunc(b.sinks, func(other *sink) bool { return other == s })
}
