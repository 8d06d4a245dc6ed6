package kinesis

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Config says which streams to use and how. The zero value of every field works where AWS's usual chain finds a region and
// credentials, and is the safest choice. In brackets stand the names of the service, of the Kinesis Client Library (KCL)
// and of the Kinesis Producer Library (KPL).
//
// What KPL calls RecordTtl is stream.ProducerConfig's DeliveryTimeout; KCL's initialPositionInStream is
// stream.ConsumerConfig's Start, its applicationName the Group, its workerIdentifier the Member.
type Config struct {
	// Streams are the names or ARNs of the streams that may be used; others are refused with stream.ErrInvalid. Default: any.
	Streams []string
	Region  string // default: as AWS's chain finds it (AWS_REGION, shared configuration)
	Profile string // of the shared configuration; default AWS_PROFILE
	// Endpoint replaces the service's own: https, or http on a loopback address. To a loopback address made-up credentials are
	// sent, unless Credentials is set.
	Endpoint string
	// TableEndpoint is the same for the lease table. Default: DynamoDB's own.
	TableEndpoint string

	// Credentials replace AWS's default chain (environment, shared configuration, web identity, container, instance).
	Credentials aws.CredentialsProvider `config:"-" json:"-" yaml:"-"`
	// HTTP carries the requests to both services. Default: a transport of this package's own, with HTTP/2.
	HTTP http.RoundTripper `config:"-" json:"-" yaml:"-"`
	// Logger hears of what goes wrong, and at slog.LevelDebug of what happens. Never keys, values or secrets. Default: none.
	Logger *slog.Logger `config:"-" json:"-" yaml:"-"`
	// CBOR makes PutRecords and GetRecords speak CBOR instead of JSON, which takes a quarter less CPU and, where records are
	// packed or large, a quarter less on the wire. Amazon's Java SDK does so by default; for Go it was seen to work on the emulator only, so it is
	// opt-in until somebody has verified it on the service.
	CBOR bool

	Mode        Mode        // what order a producer keeps; default KeyOrdered
	Aggregation Aggregation // which records share a Kinesis record; default AggregateOff
	// Tags lets records carry what Kinesis has no place for (headers, event time, tombstones, nil, binary and over-long keys)
	// in the tags of a KPL aggregate. Readers that do not take aggregates apart, such as a plain Lambda handler, cannot read
	// such records; KCL can, and sees the value. Without it they are refused. Records without any of these stay plain.
	Tags bool
	// Compression of values, said in a header; needs Tags, and readers of this library. Default NoCompression.
	Compression Compression
	// Linger is how long an entry waits for others of its request; at most 1 min, default 5 ms; -1 is not at all
	// [RecordMaxBufferedTime].
	Linger time.Duration `config:",forever"`
	// AggregateBytes bounds an aggregate, and the stream's record size does; 1 KiB to 10 MiB, default 50 KiB
	// [AggregationMaxSize].
	AggregateBytes int `config:",bytes"`
	// AggregateRecords bounds what is in one; 1 to 100,000, default 4,096 [AggregationMaxCount].
	AggregateRecords int
	// InFlight bounds requests to store that wait for their answer; 1 to 200, default 24 [MaxConnections].
	InFlight int
	// WriteShare is what part of a shard's limits, 1,000 records and 1 MiB a second, this producer may use; above 1, several
	// producers compete for it. 0.01 to 1.5, default 1 [RateLimit].
	WriteShare float64
	// PutTimeout bounds one request to store; after it the outcome is unknown. 100 ms to 1 min, default 6 s
	// [RequestTimeout].
	PutTimeout time.Duration

	// FanOut is the name of a consumer for enhanced fan-out, which is registered if there is none: records are pushed, with
	// 2 MiB a second for each shard and consumer, at a price. A shard has one subscription of a consumer at a time, so each
	// group needs a name of its own: {group} stands for the group's. Readings without a group poll, unless Static is set.
	// Default: polling [consumerName].
	FanOut string
	// Static reads without a lease table: one process reads all shards, or those that the consumer lists, and checkpoints
	// live in a stream.Checkpointer.
	Static bool
	// LeaseTable is the DynamoDB table of a group and stream, with {group} and {stream} for their names. To share the work
	// with KCL it is KCL's applicationName. Default "{group}-{stream}" [applicationName].
	LeaseTable string
	// CreateTable makes the table if there is none, with on-demand capacity. Without it, a table that is missing is
	// stream.ErrNotFound.
	CreateTable bool
	// Shared says that KCL workers use the table too: a lease is then taken from its owner at once, as KCL 2.x does, instead
	// of being asked back. KCL must be 2.x, or 3.x in CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X_PHASE1 or
	// …_COMPATIBLE_WITH_2X; only start positions of Oldest are then kept by all. A table whose leases a leader of KCL 3 assigns is
	// noticed only with Shared: nothing is taken there.
	Shared bool
	// Failover is after what silence of its owner a lease is taken. 1 s to 10 min, default 10 s; the same in all members
	// [failoverTimeMillis].
	Failover time.Duration
	// MaxSteal bounds the leases that a member takes from others in one round, of which there are four in Failover; default:
	// what balance needs [maxLeasesToStealAtOneTime].
	MaxSteal int

	// PollEvery is how often a shard is read whose reader is at the tip; one that is behind is read on at once, within
	// the shard's 5 calls a second. 200 ms to 1 min, default 1 s [idleTimeBetweenReadsInMillis].
	PollEvery time.Duration
	// PollRecords bounds an answer; 1 to 10,000, default 10,000 [maxRecords].
	PollRecords int
	// PollShare is what part of the 5 calls a second this reader may use: others poll the shard too. 0.05 to 1, default 1.
	PollShare float64
	// BufferBytes is how much of a shard is fetched ahead of its handler; 10 MiB at least if records may be that large. Each
	// shard that a process holds takes that much, and two answers of up to 10 MiB more, if its handler is the slower: there is
	// no bound for all together. 1 MiB to 1 GiB, default 16 MiB.
	BufferBytes int64 `config:",bytes"`
	// DropForeign drops an aggregate as a whole if one of its records does not belong to the shard, as KCL does, without a
	// word. Default: its records are delivered, with a warning.
	DropForeign bool
	// SyncEvery is how often shards are listed for what nobody told of. 1 s to 1 h, default 1 min [shardSyncIntervalMillis].
	SyncEvery time.Duration
	// ListingLag is how long a shard may be missing from a listing although it is there. 1 s to 10 min, default 30 s.
	ListingLag time.Duration
	// RequestTimeout bounds a request that stores nothing. 100 ms to 5 min, default 10 s.
	RequestTimeout time.Duration
	// ProbeEvery is how often capabilities are found out again while something is open. 1 s to 24 h, default 1 min.
	ProbeEvery time.Duration
}

// A Mode says what order a producer keeps, and so its KeyOrder flag.
type Mode string

// The modes. The empty one is KeyOrdered.
const (
	// KeyOrdered has at most one Kinesis record of each key without an answer: whatever fails and is retried, those of a key
	// are stored in the order in which they were sent. A key's rate is then one Kinesis record a round trip; SameKey
	// aggregation packs what waits into one.
	KeyOrdered Mode = "key_ordered"
	// Strict stores one record at a time of each key, each by a request of its own that names the sequence number before it
	// (SequenceNumberForOrdering of PutRecord): the only order that the service documents.
	Strict Mode = "strict"
	// Unordered has no order: records that are refused are stored after later ones. KeyOrder is None.
	Unordered Mode = "unordered"
)

// An Aggregation says which records may share a Kinesis record, in KPL's format. Readers must take aggregates apart, as
// this library and KCL do.
type Aggregation string

// The aggregations. The empty one is AggregateOff.
const (
	AggregateOff Aggregation = "off"      // none: every reader understands the records
	SameKey      Aggregation = "same_key" // records of one key, under that key: ordered, and whole through any reshard
	ByShard      Aggregation = "by_shard" // records of one shard, as KPL does: with Unordered only
)

// A Compression is how values are compressed.
type Compression string

// The compressions. The empty one is NoCompression.
const (
	NoCompression Compression = "none"
	Gzip          Compression = "gzip"
	Zstd          Compression = "zstd"
)
