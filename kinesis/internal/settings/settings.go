// Package settings holds a kinesis.Config with every default filled in and every mistake refused.
package settings

import (
	"log/slog"
	"net/http"
	"time"
)

// A Settings is a checked configuration: no field that must have a value is zero.
type Settings struct {
	Region   string
	Endpoint string             // of Kinesis; "": AWS's own. Loopback or https
	Tables   string             // endpoint of DynamoDB, likewise
	Allow    func(string) error // why a stream may not be used, by its name; nil: any may
	HTTP     http.RoundTripper  // nil: a transport of our own
	Logger   *slog.Logger       // never nil
	CBOR     bool               // PutRecords and GetRecords speak CBOR

	// Producing.
	Mode             Mode
	Aggregation      Aggregation
	Tags             bool
	Compression      string        // of values: "none", "gzip", "zstd"; needs Tags
	Linger           time.Duration // how long an entry waits for others
	AggregateBytes   int           // of an aggregate, at most
	AggregateRecords int           // in an aggregate, at most
	InFlight         int           // PutRecords requests under way, at most
	Share            float64       // of a shard's write limits that this producer may use
	PutTimeout       time.Duration // of one put request

	// Consuming.
	FanOut         string        // name of the enhanced fan-out consumer, with {group} for the group's; "": polling
	Failover       time.Duration // of a lease: how long an owner may be silent
	LeaseTable     string        // with {group} and {stream} for their names; "": static, without DynamoDB
	CreateTable    bool
	GoOnly         bool          // the table is used by this library only: leases are handed over gracefully
	MaxSteal       int           // leases stolen in one round, at most
	PollEvery      time.Duration // of a shard at its tip
	PollLimit      int           // records of a GetRecords call
	PollShare      float64       // of the shard's 5 calls a second that this reader may make
	BufferBytes    int64         // of a hold, fetched and not yet taken
	SyncEvery      time.Duration // how often shards are listed again
	ListingLag     time.Duration // how long a listing may lag behind (rule 8)
	DropForeign    bool          // aggregates with records outside the shard's range are dropped whole, as KCL does
	RequestTimeout time.Duration // of reads and control calls

	ProbeEvery time.Duration
}

// A Mode says what order a producer keeps.
type Mode string

// The modes.
const (
	KeyOrdered Mode = "key_ordered" // one unacknowledged Kinesis record a key
	Strict     Mode = "strict"      // PutRecord with SequenceNumberForOrdering
	Unordered  Mode = "unordered"
)

// An Aggregation says which records may share a Kinesis record.
type Aggregation string

// The aggregations.
const (
	AggregateOff Aggregation = "off"
	SameKey      Aggregation = "same_key" // of one key
	ByShard      Aggregation = "by_shard" // of one shard, as KPL does
)
