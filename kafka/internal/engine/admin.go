package engine

import (
	"context"
	"time"
)

// An Admin asks brokers questions and makes single writes, each bounded by its context. Errors are mapped by Map and name
// no topic: the caller knows the place.
type Admin interface {
	// Cluster asks every broker for its versions and finalised features, and one for its configuration.
	Cluster(ctx context.Context) (Cluster, error)
	// Topic describes one topic; stream.ErrNotFound if there is none.
	Topic(ctx context.Context, name string) (Topic, error)
	// Topics returns the names of all topics that are not internal.
	Topics(ctx context.Context) ([]string, error)
	// CreateTopic makes a topic and returns when every broker knows it; a topic that exists is ErrExists.
	CreateTopic(ctx context.Context, t NewTopic) error
	// AwaitTopic waits until every broker that is alive tells of a topic, with a leader for every partition.
	AwaitTopic(ctx context.Context, name string) error
	// Offsets asks for the same edge of many partitions of one topic; -1 where a time is past the last record.
	Offsets(ctx context.Context, topic string, partitions []int32, edge Edge) (map[int32]Edged, error)
	// Committed reads a group's offsets in a topic, pending ones of transactions waited for (RequireStable, KIP-447).
	// Partitions without one are left out.
	Committed(ctx context.Context, group, topic string, partitions []int32) (map[int32]Committed, error)
	// Commit writes offsets of one topic for a member, in one request; the error of a partition is in the map.
	Commit(ctx context.Context, m Membership, topic string, offsets map[int32]Committed) (map[int32]error, error)
}

// An Edge says which offset of a partition is asked for.
type Edge struct {
	Kind string    // one of the constants below
	Time time.Time // of EdgeSince
}

// The kinds of Edge.
const (
	EdgeOldest = "oldest" // the log's start
	EdgeEnd    = "end"    // the high watermark
	EdgeStable = "stable" // the last stable offset: before it every transaction is decided
	EdgeSince  = "since"  // the first record whose time is Edge.Time or later
)

// An Edged is the answer for one partition.
type Edged struct {
	Offset Offset
	Time   time.Time // of the record there, if the kind is EdgeSince
	Err    error
}

// A Committed is what a group has stored for a partition.
type Committed struct {
	Offset   Offset
	Metadata string
}

// A Cluster is what is known of the brokers.
type Cluster struct {
	Version    string           // the lowest that the brokers' API versions fit, such as "v4.1"; a guess by the tables of the library
	Features   map[string]int16 // finalised feature levels, the lowest over all brokers: "transaction.version", "group.version"
	APIs       map[int16]int16  // the highest version of a request that all brokers know, by API key; a key that one lacks is left out
	Brokers    int
	Configs    map[string]string // of one broker: message.max.bytes, transaction.max.timeout.ms, offset.metadata.max.bytes, group limits
	ConfigsErr error             // why Configs is not known
	AllBrokers error             // a broker did not answer: Features holds what the others said
}

// A Topic is what is known of a topic.
type Topic struct {
	Name       string
	ID         [16]byte
	Partitions []TopicPartition // by number
	Configs    map[string]string
	ConfigsErr error    // why Configs is not known: often DESCRIBE_CONFIGS is denied
	Operations []string // the authorised operations in Kafka's names, "READ"; nil where they are not told
}

// A TopicPartition is what is known of one partition.
type TopicPartition struct {
	Number, Leader int32
	Replicas, ISR  []int32
	Err            error
}

// A NewTopic is a topic to be made. A zero or nil field leaves the choice to the brokers.
type NewTopic struct {
	Name        string
	Partitions  int32
	Replication int16
	Configs     map[string]string
}
