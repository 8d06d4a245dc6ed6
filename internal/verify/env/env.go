// Package env is the seam between the workload and the services that it runs on. An environment is one service, made for
// one run, with one backend on it and the faults that it can be made to have.
package env

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// An Env is one service with one backend on it. Methods may be called from many goroutines.
type Env interface {
	// Backend is what the workload works with. A mutant stands here, in front of the real one.
	Backend() stream.Backend
	// Apply makes a step of a fault script come true. What it changes in the logs is in the operations that it returns.
	Apply(ctx context.Context, step fault.Step, w World) ([]history.Op, error)
	// Heal ends every fault that is under way; only rates go on.
	Heal()
	// Partitions are all partitions of a stream, closed ones too.
	Partitions(stream string) []string
	// Saved is a group's checkpoint in a partition, as the service has it; zero if there is none.
	Saved(ctx context.Context, group, stream, partition string) (stream.Position, error)
	// Close ends the service.
	Close() error
}

// A World is what a step may need to know of the run.
type World struct {
	Group   string
	Stream  string                                   // whose partitions change
	Members []string                                 // those that are alive, in the order of their names
	Known   func(partition string) []stream.Position // acknowledged records of a partition, in order
}

// An Opener opens an environment of one kind, and knows what it is like.
type Opener interface {
	// Choices are the faults that an environment of this kind can have.
	Choices() []fault.Choice
	// Traits are what the workload must know before it opens the service.
	Traits() Traits
	// Open makes the service.
	Open(ctx context.Context, s Settings) (Env, error)
}

// Traits are what differs between environments of a kind.
type Traits struct {
	Headers, Tombstones, NilKeys, EventTime, Transactions bool

	Level       check.Level   // what is promised whatever the workload
	Steals      bool          // a partition may be taken from a member that is well: records come again although nothing goes wrong
	Clock       time.Duration // how exactly the service tells its time: Latest may begin so much too early
	RecordBytes int           // the largest key and value together that are surely taken; 0: not to be tried
}

// Settings are what a run asks of an environment.
type Settings struct {
	Seed    uint64
	Replay  bool // one goroutine at a time: the same seed gives the same history
	Streams []stream.StreamConfig
	Script  fault.Script                        // whose rates hold from the beginning
	Wrap    func(stream.Backend) stream.Backend // what stands in front of the backend; nil: nothing
}
