package kafka

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/stream"
)

// A Config says which brokers to use and how. Brokers must be set; the zero value of every other field works and is the
// safest choice. In brackets stand Kafka's own names.
//
// What Kafka calls buffer.memory, max.block.ms and delivery.timeout.ms are stream.ProducerConfig's BufferedBytes, the
// context of Append and DeliveryTimeout; auto.offset.reset is stream.ConsumerConfig's Start and policy for what expired;
// max.poll.records is the max of Batches.
type Config struct {
	// Brokers are host:port of some brokers, the port 9092 by default; the others are learnt from them [bootstrap.servers].
	Brokers []string
	Client  Client // the library that talks to them; default FranzGo, and KafkaGo by package kafkago
	// ClientID is how brokers call this program in their logs, followed by "-" and the member's name; at most 200 bytes,
	// default "streamport" [client.id].
	ClientID string
	Rack     string // where this program runs: replicas of the same rack are read from, at most 512 bytes [client.rack]
	TLS      TLS    // default plaintext [security.protocol, ssl.*]
	SASL     SASL   // default none [sasl.*]

	// Dial replaces net.Dialer; TLS is spoken on the connection that it returns. Default: dialling for at most 3 s.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `config:"-" json:"-" yaml:"-"`
	// Logger hears of what goes wrong, and at slog.LevelDebug of what the client does. Never keys, values or secrets.
	// Default: none.
	Logger *slog.Logger `config:"-" json:"-" yaml:"-"`

	// Acks other than AcksAll turn idempotent producing off: a retry may then store a record twice, transactions are not
	// to be had, and a record that was acknowledged may be lost with its leader [acks].
	Acks Acks // default AcksAll
	// NoIdempotence sends without sequence numbers: IdempotentProduce and Transactions are lost [enable.idempotence=false].
	NoIdempotence bool
	// Linger is how long a batch waits for more records; at most 1 min, default 0: no longer than requests are in the way
	// [linger.ms].
	Linger time.Duration

	// BatchBytes bounds a compressed batch, header included, and so the largest record; a topic's own limit lowers it. 512 to
	// 1 GiB, default 1,048,588, which is the brokers' default limit [max.request.size, batch.size].
	BatchBytes int32
	// Compression lists codecs, the preferred one first; the first that the brokers know is used. Default none
	// [compression.type].
	Compression []Codec
	// CompressionLevel trades time for size: gzip and lz4 1 to 9, zstd 1 to 22; default the codec's own
	// [compression.gzip.level, compression.lz4.level, compression.zstd.level].
	CompressionLevel int
	// InFlight is how many produce requests a broker may have to answer: always 5 with idempotence, which keeps their order;
	// without it 1 to 100, default 1: more lose KeyOrder [max.in.flight.requests.per.connection].
	InFlight int
	// Partitioner chooses a record's partition out of so many, from 0. A negative answer leaves the choice to the default:
	// for a key the hash of Java's client (murmur2), for none the same partition for a batch at a time. It is called from
	// many goroutines, must not block nor keep the record; a panic in it fails the record [partitioner.class].
	Partitioner Partitioner `config:"-" json:"-" yaml:"-"`
	// PlaceByRecord sends a record whose Partition is set there. Without it Record.Partition is ignored when sending, so that
	// what was consumed can be sent on.
	PlaceByRecord bool
	// ProduceTimeout is how long a leader may wait for its replicas; 100 ms to 15 min, default 4 s. A leader that does not
	// answer is left after ProduceTimeout and RequestTimeout together [part of request.timeout.ms].
	ProduceTimeout time.Duration
	// TxTimeout is after what time brokers abort a transaction whose producer is gone; readers of its partitions wait for it.
	// 1 s to 15 min, default 60 s: twice the time that a record may take by default, and a fifteenth of the brokers'
	// transaction.max.timeout.ms, beyond which they refuse it [transaction.timeout.ms].
	TxTimeout time.Duration
	// TxID begins the transactional ids; the member's name and a number follow. Programs that share a cluster and members'
	// names need different ones, and ACLs are given to the prefix. Default "streamport", at most 200 bytes
	// [transactional.id].
	TxID string

	Isolation Isolation // default ReadCommitted [isolation.level]
	// FetchMinBytes is what a broker waits for before it answers; 1 byte to FetchMaxBytes, default 1 byte [fetch.min.bytes].
	FetchMinBytes int32
	// FetchMaxBytes bounds an answer, but for a first batch that is larger; 1 KiB to 1 GiB, default 50 MiB [fetch.max.bytes].
	FetchMaxBytes int32
	FetchMaxWait  time.Duration // how long it waits for FetchMinBytes; 10 ms to 1 min, default 500 ms [fetch.max.wait.ms]
	// PartitionBytes bounds a partition's part of an answer likewise; 1 KiB to FetchMaxBytes, default 1 MiB, or
	// FetchMaxBytes if that is less [max.partition.fetch.bytes].
	PartitionBytes int32

	// BufferBytes is how much of a partition is fetched ahead of its handler: at more it is paused. 1 KiB to 1 TiB, default
	// 4 MiB. What was under way may still come on top [none in Kafka; queued.max.messages.kbytes in librdkafka].
	BufferBytes int64
	// DecompressBytes bounds what a fetched batch may grow to; a larger one is stream.ErrCorrupt. 1 KiB to 2 GiB - 1, default
	// 64 MiB [none in Kafka].
	DecompressBytes int64
	Assignment      Assignment // default Cooperative [partition.assignment.strategy, group.protocol]
	// StaticMembers makes the member's name its group.instance.id: a member that comes back within Session gets its
	// partitions back without a rebalance, and one that ends for good keeps them for that long (KIP-345).
	StaticMembers bool
	// Session is after what silence a member is taken for dead. 1 s to 30 min, within the brokers' bounds, which are 6 s to
	// 30 min by default; default 45 s. With Server the brokers' own configuration counts instead [session.timeout.ms].
	Session time.Duration
	// Heartbeat is how often a member shows that it is alive, and learns of a rebalance. 100 ms to Session / 3, default 1 s,
	// or Session / 3 if that is less: Kafka's own 3 s make partitions that move stand still for longer
	// [heartbeat.interval.ms].
	Heartbeat time.Duration
	// Rebalance is how long members have to give partitions back; the consumer's Grace must be shorter. 1 s to 1 h, default
	// 60 s [rebalance.timeout.ms; in Java's consumer max.poll.interval.ms].
	Rebalance time.Duration
	// Stuck is after what time a handler that has records waiting and takes none loses its partition. 1 s or more, default
	// 5 min; -1 ("forever") is never [max.poll.interval.ms].
	Stuck time.Duration `config:",forever"`

	// RequestTimeout is what a request may take beyond the time that it allows the broker, and dialling. 100 ms to 15 min,
	// default 3 s [request.timeout.ms, socket.connection.setup.timeout.ms].
	RequestTimeout time.Duration
	// MetadataMinAge is how soon after an answer brokers are asked again where partitions are: the time that a moved leader
	// may cost. 10 ms to 1 h, default 250 ms [retry.backoff.ms].
	MetadataMinAge time.Duration
	// MetadataMaxAge is after what time new partitions, and topics of a regular expression, are seen at the latest.
	// MetadataMinAge to 1 h, default 1 min, or MetadataMinAge if that is more [metadata.max.age.ms].
	MetadataMaxAge time.Duration
	// ProbeEvery is how often capabilities are found out again while something is open. 1 s to 24 h, default 1 min.
	ProbeEvery time.Duration
	// ReadBytes bounds any answer of a broker; a longer one ends the connection. FetchMaxBytes to 1 GiB, default 100 MiB, or
	// twice FetchMaxBytes if that is more [receive.message.max.bytes in librdkafka].
	ReadBytes int32
}

// A Secret is not printed by any verb of fmt, nor by JSON, YAML, text, gob or slog: see streamport.Secret, which it is.
type Secret = secret.Secret

// A Client is the library that talks to brokers. Packages kafka and kafkago open one each, and package streamport both.
type Client string

// The libraries. The empty one is that of the package.
const (
	FranzGo Client = "franz-go" // github.com/twmb/franz-go, which can do all that this package offers: the one to choose
	// KafkaGo is github.com/segmentio/kafka-go: for services that run on it and know how to operate it. It has no
	// transactions, and groups are eager; static members and racks are refused.
	KafkaGo Client = "kafka-go"
)

// Acks says which replicas have a record when it is acknowledged. "-1", "1" and "0" are understood as well.
type Acks string

// The values of acks. The empty one is AcksAll.
const (
	AcksAll    Acks = "all"    // every replica in sync, at least min.insync.replicas of them
	AcksLeader Acks = "leader" // the leader alone
	AcksNone   Acks = "none"   // none: a record is taken for stored when it was written to the connection
)

// A Codec compresses batches.
type Codec string

// The codecs.
const (
	None   Codec = "none"
	Gzip   Codec = "gzip"
	Snappy Codec = "snappy"
	LZ4    Codec = "lz4"
	Zstd   Codec = "zstd"
)

// Isolation says which records of transactions are read.
type Isolation string

// The isolation levels. The empty one is ReadCommitted.
const (
	ReadCommitted   Isolation = "read_committed"   // those of committed transactions, once these are decided
	ReadUncommitted Isolation = "read_uncommitted" // all, those that are or will be aborted too
)

// An Assignment is how the members of a group share partitions. All members of a group must have the same.
type Assignment string

// The ways of sharing. The empty one is Cooperative.
const (
	Cooperative Assignment = "cooperative" // only partitions that move are asked back, cooperative-sticky (KIP-429)
	Eager       Assignment = "eager"       // all partitions are asked back first, then shared by range
	Server      Assignment = "server"      // the coordinator shares (KIP-848); needs Kafka 4 with the feature group.version
)

// A Partitioner chooses the partition of a record out of so many, or leaves the choice to the default by a negative answer.
type Partitioner = func(r *stream.Record, partitions int) int
