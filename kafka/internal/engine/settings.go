package engine

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Settings is a kafka.Config with every default filled in and every mistake refused: no field that must have a value is
// zero. Engines map each field to their library's options.
type Settings struct {
	Brokers  []string
	ClientID string
	Rack     string
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // nil: net.Dialer
	TLS      *tls.Config                                                          // nil: plaintext
	SASL     *SASL                                                                // nil: none
	Logger   *slog.Logger                                                         // never nil

	// Producing.
	Acks           Acks
	Idempotent     bool
	Linger         time.Duration
	BatchBytes     int32         // at most; a topic's own limit lowers it
	Compression    []string      // preferred first: "none", "gzip", "snappy", "lz4", "zstd"
	CompressLevel  int           // 0: the codec's own default
	InFlight       int           // produce requests of one broker; at most 5 with idempotence
	Partitioner    Partitioner   // nil: the default
	PlaceByRecord  bool          // Record.Partition, where it is set, is where the record goes
	ProduceTimeout time.Duration // how long a broker may take to answer a produce request
	TxTimeout      time.Duration // transaction.timeout.ms
	TxID           string        // prefix of transactional ids; the member and the slot follow

	// Consuming.
	Uncommitted     bool // isolation.level=read_uncommitted
	FetchMinBytes   int32
	FetchMaxBytes   int32
	FetchMaxWait    time.Duration
	PartitionBytes  int32 // max.partition.fetch.bytes
	BufferBytes     int64 // of a hold: it is paused when it has buffered more
	DecompressBytes int64 // of one batch, at most
	Assignment      Assignment
	StaticMembers   bool // group.instance.id is the member's name
	Session         time.Duration
	Heartbeat       time.Duration
	Rebalance       time.Duration
	Stuck           time.Duration // a hold whose handler makes no progress for so long fails; 0: never

	// Everything.
	RequestOverhead time.Duration // what a request may take beyond the time that it allows the broker
	MetadataMinAge  time.Duration
	MetadataMaxAge  time.Duration
	ProbeEvery      time.Duration // how often capabilities are probed again while something is open
	ReadBytes       int32         // of one response
}

// Acks says which replicas have a record when it is acknowledged.
type Acks string

// The values of acks.
const (
	AcksAll    Acks = "all"
	AcksLeader Acks = "leader"
	AcksNone   Acks = "none"
)

// An Assignment is how a group shares partitions.
type Assignment string

// The ways of sharing.
const (
	Cooperative Assignment = "cooperative" // cooperative-sticky (KIP-429)
	Eager       Assignment = "eager"       // range, everything is revoked first
	Server      Assignment = "server"      // by the coordinator (KIP-848)
)

// A Partitioner chooses the partition of a record out of so many. A negative answer leaves the choice to the default:
// murmur2 as Java's for a key, sticky for none.
type Partitioner func(r *stream.Record, partitions int) int

// SASL is one mechanism with what it needs.
type SASL struct {
	Mechanism  string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM
	User       string
	Password   string
	Token      func(context.Context) (Token, error)      // OAUTHBEARER, called for each connection and re-authentication
	Credential func(context.Context) (Credential, error) // AWS_MSK_IAM, likewise
}

// A Token is a bearer token with its SASL extensions (KIP-342).
type Token struct {
	Value      string
	Extensions map[string]string
}

// A Credential signs for AWS_MSK_IAM.
type Credential struct {
	AccessKey, SecretKey, SessionToken string
}
