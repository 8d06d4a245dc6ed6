package api

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// A Service is the part of Kinesis that the adapter calls. Methods may be called from many goroutines.
//
// Stream is a name or an ARN, as the user wrote it.
type Service interface {
	// PutRecords stores entries, at most 500 and 10 MiB of them. Results has one element an entry, in order; the error is
	// that of the whole request.
	PutRecords(ctx context.Context, stream string, entries []Entry) ([]Result, error)
	// PutRecord stores one entry after the record with the sequence number after, which is of the same key
	// (SequenceNumberForOrdering); "": none.
	PutRecord(ctx context.Context, stream string, e Entry, after string) (Result, error)

	// Iterator begins reading a shard. It lives 5 minutes.
	Iterator(ctx context.Context, stream, shard string, from From) (string, error)
	// Records reads at most limit records, 1 to 10,000.
	Records(ctx context.Context, stream, iterator string, limit int) (Page, error)
	// Subscribe begins to be pushed a shard's records, for at most 5 minutes. Ctx bounds the call and the subscription.
	Subscribe(ctx context.Context, consumerARN, shard string, from From) (Subscription, error)

	// Shards lists all shards that the filter lets through, over all pages.
	Shards(ctx context.Context, stream string, f Filter) (Listing, error)
	// Summary describes the stream (DescribeStreamSummary).
	Summary(ctx context.Context, stream string) (Summary, error)

	// Register makes an enhanced fan-out consumer; one that exists is an *Error with Code ResourceInUse.
	Register(ctx context.Context, streamARN, name string) (Consumer, error)
	Consumer(ctx context.Context, streamARN, name string) (Consumer, error)
	Deregister(ctx context.Context, consumerARN string) error

	Create(ctx context.Context, c Creation) error
	SetRetention(ctx context.Context, stream string, from, to time.Duration) error // raises or lowers
	SetRecordBytes(ctx context.Context, streamARN string, bytes int64) error
}

// An Entry is a Kinesis record to store.
type Entry struct {
	Key  string // PartitionKey, 1 to 256 code points
	Hash string // ExplicitHashKey, decimal; "": the MD5 of Key
	Data []byte
}

// A Result is what became of an Entry.
type Result struct {
	Shard, Sequence string
	Code, Message   string // Code is not "" if it was not stored
}

// From says where reading a shard begins.
type From struct {
	Kind     string    // one of the service's iterator types, below
	Sequence string    // AtSequence, AfterSequence
	Time     time.Time // AtTime; milliseconds
}

// Iterator types (API operation GetShardIterator).
const (
	Oldest        = "TRIM_HORIZON"
	Latest        = "LATEST"
	AtTime        = "AT_TIMESTAMP"
	AtSequence    = "AT_SEQUENCE_NUMBER"
	AfterSequence = "AFTER_SEQUENCE_NUMBER"
)

// A Record is a Kinesis record as it is read.
type Record struct {
	Key      string // "" where the service distributes records itself
	Sequence string
	Data     []byte
	Arrival  time.Time // ApproximateArrivalTimestamp: milliseconds, not monotonic
}

// A Page is an answer of GetRecords, or an event of a subscription.
type Page struct {
	Records  []Record
	Next     string        // the iterator to go on with; "" and End if the shard is closed and fully read
	Continue string        // of a subscription: the sequence number to resume with, which moves when nothing comes too
	Behind   time.Duration // MillisBehindLatest; 0: at the tip
	Bytes    int           // of data and keys
	End      bool          // nothing follows, ever
	Children []shard.Child // with End, as far as the service tells
	Date     time.Time     // the service's clock in the answer; zero: not told
}

// A Subscription pushes pages. Next is called from one goroutine at a time; Close may be called beside it and ends it.
type Subscription interface {
	// Next waits for a page. io.EOF means that the subscription is over, by its five minutes or a broken connection: the
	// end of the shard is Page.End only.
	Next(ctx context.Context) (Page, error)
	Close() error
}

// A Filter selects shards (ShardFilter). The zero Filter is all that are not trimmed.
type Filter struct {
	Type  string    // "" or one of the service's: AT_LATEST, AT_TRIM_HORIZON, FROM_TRIM_HORIZON, …
	Shard string    // AFTER_SHARD_ID
	Time  time.Time // AT_TIMESTAMP, FROM_TIMESTAMP
}

// A Listing is what ListShards said.
type Listing struct {
	Shards []shard.Shard
	Date   time.Time // the service's clock in the first page's answer; zero: not told
}

// A Summary is what DescribeStreamSummary says.
type Summary struct {
	Name, ARN    string
	Status       string // CREATING, DELETING, ACTIVE, UPDATING
	Created      time.Time
	Retention    time.Duration
	OpenShards   int
	Consumers    int
	RecordBytes  int64  // MaxRecordSizeInKiB; 0: not told
	Mode         string // PROVISIONED, ON_DEMAND; "": not told
	Distribution string // USER_PARTITION_KEY, AUTO; "": not told
	Encryption   string // NONE, KMS
}

// A Consumer is a registered consumer of enhanced fan-out.
type Consumer struct {
	ARN    string // embeds the time of its creation: never keep it across a new start
	Status string // CREATING, DELETING, ACTIVE
}

// A Creation says what stream to make.
type Creation struct {
	Name        string
	Shards      int   // 0: on demand
	RecordBytes int64 // 0: the service's default, 1 MiB
}
