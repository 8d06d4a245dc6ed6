// Package engine is the seam between the Kafka adapter and the client libraries that talk to brokers. What is written once
// for all libraries stands here: the claims and their ownership guard, positions and stored state, starts, ends and
// expired offsets, the mapping of error codes and of probed facts to capabilities, and the resolved configuration.
//
// A client library behind it is a Driver. It brings four things: an Admin for questions and single writes, a Producer, a
// Fetcher that reads partitions at exact offsets and knows no groups, and a Member that is in a group and reads nothing.
package engine

import (
	"context"
	"strconv"

	"github.com/streamport-go/streamport/stream"
)

// A Driver opens one client library.
type Driver interface {
	// Name is the library's, as reasons and errors tell it: "franz-go".
	Name() string
	// Assignment is how groups share partitions where the configuration does not say.
	Assignment() Assignment
	// Check validates the settings with the library's own option check, without dialling.
	Check(s Settings) error
	// Open connects to nothing yet: the first request dials.
	Open(s Settings) (Client, error)
}

// A Client is one opened library. Methods may be called from many goroutines.
type Client interface {
	Admin
	// OpenSink opens a producer. The topics' limits come from facts; a stream.TxSink if and only if c.Transactions.
	OpenSink(ctx context.Context, c stream.SinkConfig, p Probe) (stream.Sink, error)
	// OpenFetcher opens a reader that knows no groups.
	OpenFetcher(r Receiver, c FetchConfig) (Fetcher, error)
	// OpenMember joins a group for the topics of c.
	OpenMember(ctx context.Context, l Listener, c MemberConfig) (Member, error)
	// Abilities tells what the library itself can do, whatever the brokers can.
	Abilities() Abilities
	// Native is the library's own client, for the typed way out.
	Native() any
	// Close ends everything that the client opened and waits for its goroutines.
	Close()
}

// Abilities is what a library can do and not, in the words that flags and refusals use: "" is yes, a text is why not.
type Abilities struct {
	Idempotence, Transactions                        string
	Cooperative, ServerAssigned, StaticMembers, Rack string
	Truncation                                       string
	// Repeats says why keys can lose their order where a batch that is sent again may be stored twice, even if there is one
	// request at a time: without idempotence.
	Repeats string
}

// A Probe answers for a topic's limits while a sink is open, without I/O: what was found out last.
type Probe interface {
	// MaxBatchBytes is the topic's max.message.bytes: of a compressed batch with its header of 61 bytes. known is false
	// where it could not be found out.
	MaxBatchBytes(topic string) (bytes int64, known bool)
}

// A Partition is one partition of a topic.
type Partition struct {
	Topic  string
	Number int32
}

// String returns the number in decimal, which is the partition's name in package stream.
func (p Partition) String() string { return strconv.Itoa(int(p.Number)) }

// An Offset is a place in a partition: of the next record to be read. Epoch is the leader epoch of the record before it,
// or -1.
type Offset struct {
	At    int64
	Epoch int32
}

// Position returns where the record at offset stands. A position's number is the offset plus one, the number that Kafka
// itself commits, so that the zero Position precedes every record. Epoch is the record's leader epoch, or -1, and is kept
// plus one, so that none is 0.
func Position(offset int64, epoch int32) stream.Position {
	return stream.MakePosition([3]uint64{2: uint64(offset + 1)}, 0, uint32(epoch+1))
}

// After returns the offset of what follows p.
func After(p stream.Position) Offset {
	major, _, term := p.Parts()
	return Offset{At: int64(major[2]), Epoch: int32(term) - 1}
}

// Before returns the position after which the record at o is read: the inverse of After.
func Before(o Offset) stream.Position { return Position(o.At-1, o.Epoch) }
