package streamtest

import (
	"context"
	"testing"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Harness is one backend and what can be done to the service behind it. Only Backend must be set. An ability that is
// nil is not skipped in silence: the report says of each rule that needs it that it could not be tried, and why.
type Harness struct {
	Backend stream.Backend // with no streams in use by others; the suite closes it

	// Bubble says that the backend works in a testing/synctest bubble: all its goroutines end at Close, and it has no
	// connection to the outside. Every rule then runs in a bubble of its own, on a backend that was opened in it.
	// Without it every rule still has a backend of its own, and takes the time that it takes.
	Bubble bool

	// Parallel is how many rules are tried at a time; default 1. It is for a service beyond the process, where most of the
	// time is waiting: a rule that says "at once" still means a second.
	Parallel int

	Report string // the file to which the report is written as JSON; empty: see Run

	// MakeStream makes a stream; a field of the configuration that is zero is the backend's choice. Default
	// stream.EnsureStream.
	MakeStream func(ctx context.Context, c stream.StreamConfig) error
	// Crash does to a member of a group what kill -9 does. Default the backend's stream.Abandoner.
	Crash func(group, member string) error
	// Pause and Resume stop and continue a member as SIGSTOP and SIGCONT do.
	Pause, Resume func(group, member string) error
	// Expel has the group take a member for dead, although it is not.
	Expel func(group, member string) error
	// Split replaces a partition by two.
	Split func(stream, partition string) error
	// Merge replaces two adjacent partitions by one.
	Merge func(stream, left, right string) error
	// Grow adds partitions until there are so many.
	Grow func(stream string, partitions int) error
	// Trim deletes the records of a partition that stand before the position.
	Trim func(stream, partition string, before stream.Position) error
	// Cut takes the backend off the network until heal is called.
	Cut func() (heal func(), err error)
	// Trouble opens another backend, on a service of its own that refuses, slows down and loses answers to appends and
	// commits now and then, and does nothing worse. The suite closes it.
	Trouble func(t testing.TB) stream.Backend
	// Pass lets time pass for the service and for the backend. Default, in a bubble: time.Sleep.
	Pass func(d time.Duration)
	// Reopen opens another backend on the same service, as another process would. The suite closes it.
	Reopen func(ctx context.Context) (stream.Backend, error)
}

// withDefaults fills in the abilities that a backend offers by itself.
func (h Harness) withDefaults() Harness {
	b := h.Backend
	if h.MakeStream == nil {
		h.MakeStream = func(ctx context.Context, c stream.StreamConfig) error { return stream.EnsureStream(ctx, b, c) }
	}
	if a, ok := b.(stream.Abandoner); ok && h.Crash == nil {
		h.Crash = a.Abandon
	}
	if h.Pass == nil && h.Bubble {
		h.Pass = time.Sleep
	}
	return h
}
