package probe

import (
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// Limits of the service (API operations PutRecords, GetRecords, SubscribeToShard, UpdateMaxRecordSize and
// IncreaseStreamRetentionPeriod).
const (
	kib                = 1 << 10
	mib                = 1 << 20
	defaultRecordBytes = mib
	mostRecordBytes    = 10 * mib
	requestRecords     = 500
	requestBytes       = 10 * mib
	writeBytes         = mib
	writeRecords       = 1000
	readBytes          = 2 * mib
	readCalls          = 5
	leastRetention     = 24 * time.Hour
	mostRetention      = 365 * 24 * time.Hour
	provisioned        = "PROVISIONED"
	onDemand           = "ON_DEMAND"
)

// StateBytes bounds a handler's state: it is kept in the item of the lease, which DynamoDB bounds to 400 KB.
const StateBytes = 64 * kib

// view is what is known of a stream, with the questions that flags ask of it.
type view struct {
	Facts
	settings settings.Settings
}

// capabilities says what a stream can do in the mode in which the settings use it. What could not be found out is Unknown
// with its reason, never the service's default.
func capabilities(f Facts, s settings.Settings) stream.Capabilities {
	v := view{f, s}
	c := stream.Capabilities{Partitions: f.Summary.OpenShards}
	v.contents(&c)
	v.guarantees(&c)
	v.operations(&c)
	v.limits(&c)
	c.Retention = v.retention()
	return c
}

func declared(s stream.Support, reason string) stream.Flag {
	return stream.Flag{Support: s, Source: stream.Declared, Reason: reason}
}

func found(s stream.Support, reason string) stream.Flag {
	return stream.Flag{Support: s, Source: stream.Discovered, Reason: reason}
}

// denied is the flag of what the missing right would tell.
func (v view) denied() stream.Flag {
	return stream.Flag{Reason: "not known without the right kinesis:DescribeStreamSummary"}
}

// contents says what a record may hold.
func (v view) contents(c *stream.Capabilities) {
	carried := func(what, without string) stream.Flag {
		if v.settings.Tags {
			return declared(stream.Emulated, what+" in tags of an aggregate, which only readers that take aggregates apart understand (KCL, this library)")
		}
		return declared(stream.None, without+"; Config.Tags carries it in tags of an aggregate")
	}
	c.NilKeys = carried("a missing key is told", "every record needs a key")
	c.BinaryKeys = carried("any bytes are a key,", "a key is 1 to 256 characters of UTF-8")
	c.Headers = carried("headers ride", "the service has no headers")
	c.Tombstones = carried("a nil value is told", "the service has no nil values")
	c.EventTime = carried("a record's own time rides", "the service stores the time of arrival only")
}

// guarantees says what producers and consumers can rely on.
func (v view) guarantees(c *stream.Capabilities) {
	c.PartitionOrder = declared(stream.Native, "a shard is read in the order of sequence numbers, by one member at a time, after its parents")
	c.KeyOrder = v.keyOrder()
	c.Groups = declared(stream.Emulated, "members share shards by leases in a DynamoDB table, KCL's")
	c.Fencing = declared(stream.Native, "a checkpoint is a conditional write on the lease's counter")
	if v.settings.LeaseTable == "" {
		const static = "Config.Static reads without leases, in one process, with checkpoints in a stream.Checkpointer"
		c.Groups, c.Fencing = declared(stream.None, static), declared(stream.None, static)
	}
	c.IdempotentProduce = declared(stream.None, "the service has no idempotence: a retry after a lost answer stores a record twice; make handlers idempotent")
	c.Transactions = declared(stream.None, "Kinesis has no transactions; use a Checkpointer in your own database for exactly-once effects")
	c.Durability = declared(stream.Native, "an acknowledged record is in three availability zones")
	if v.settings.Endpoint != "" {
		c.Durability = stream.Flag{Reason: "what stands behind Config.Endpoint is not known to be Amazon's service"}
	}
}

func (v view) keyOrder() stream.Flag {
	switch {
	case v.settings.Mode == settings.Unordered:
		return declared(stream.None, "the mode is Unordered; use KeyOrdered or Strict")
	case v.Denied != nil:
		return v.denied()
	case v.Auto():
		return found(stream.None, "the stream's record distribution strategy is AUTO: the service ignores keys; UpdateStreamRecordDistributionStrategy sets it back to USER_PARTITION_KEY")
	case v.Summary.Mode == onDemand && v.Summary.Distribution == "":
		return stream.Flag{Reason: "the service does not tell the on-demand stream's record distribution strategy, which may ignore keys"}
	}
	how := stream.Flag{
		Support: stream.Emulated, Source: stream.Discovered,
		Reason: "the producer has one record of each key without an answer at a time; the service itself promises a coarse order of arrival only",
	}
	if v.settings.Mode == settings.Strict {
		how.Support, how.Reason = stream.Native, "each record names the sequence number before it (SequenceNumberForOrdering)"
	}
	if v.settings.Aggregation == settings.SameKey {
		how.Reason += "; an aggregate that is sent again, since its answer was lost, repeats the run of records that it holds"
	}
	if v.Summary.Mode == "" {
		how.Source = stream.Assumed
		how.Reason += "; the service does not tell the stream's mode, so it is taken for provisioned"
	}
	return how
}

// operations says what can be done with the stream.
func (v view) operations(c *stream.Capabilities) {
	c.SeekTime = declared(stream.Native, "by the time of arrival, in milliseconds (AT_TIMESTAMP)")
	c.Compaction = declared(stream.None, "the service deletes by age only; keep the last value of each key in a database")
	c.Resharding = declared(stream.Native, "shards split and merge; children are read after all of their parents")
	c.AutoScaling = v.autoScaling()
	c.PushDelivery = declared(stream.None, "readers poll; Config.FanOut has records pushed")
	if v.settings.FanOut != "" {
		c.PushDelivery = declared(stream.Native, "enhanced fan-out (SubscribeToShard), and polling where it fails again and again")
	}
	c.LagRecords = declared(stream.None, "the service tells how far behind a reader is in time, not how many records follow")
	c.LagTime = declared(stream.Native, "MillisBehindLatest")
	c.ThrottleDelay = declared(stream.None, "what is over a rate is refused, not delayed")
	c.ThrottleReject = declared(stream.Native, "what is over a shard's rate is refused, record by record; the producer retries")
}

func (v view) autoScaling() stream.Flag {
	switch {
	case v.Denied != nil:
		return v.denied()
	case v.Summary.Mode == onDemand:
		return found(stream.Native, "the stream is on demand: the service splits shards by load")
	case v.Summary.Mode == provisioned:
		return found(stream.None, "the stream is provisioned; UpdateStreamMode makes it on demand")
	}
	return stream.Flag{Reason: "the service does not tell the stream's mode"}
}

func (v view) limits(c *stream.Capabilities) {
	limit := func(value int64, reason string) stream.Limit {
		return stream.Limit{Value: value, Hard: true, Source: stream.Declared, Reason: reason}
	}
	c.MaxRecordBytes = v.recordBytes()
	c.MaxStateBytes = limit(StateBytes, "the state is kept in the item of the lease")
	if v.settings.LeaseTable == "" {
		c.MaxStateBytes = limit(-1, "Config.Static has no leases to keep state in; a Checkpointer has its own limit")
	}
	c.MaxRequestRecords = limit(requestRecords, "of PutRecords; the library splits")
	c.MaxRequestBytes = limit(requestBytes, "of PutRecords, keys included; the library splits")
	c.PartitionWriteBytes = limit(writeBytes, "of a shard a second, with bursts up to 10 MiB; more shards take more")
	c.PartitionWriteRecords = limit(writeRecords, "of a shard a second; aggregation puts several into one, and more shards take more")
	if v.settings.Aggregation != settings.AggregateOff {
		c.PartitionWriteRecords = stream.Limit{
			Source: stream.Declared, Reason: "a shard takes 1,000 Kinesis records a second, and an aggregate is one of them",
		}
	}
	c.PartitionReadBytes = limit(readBytes, "of a shard a second, all readers together; Config.FanOut has as much for itself")
	c.PartitionReadCalls = limit(readCalls, "of a shard a second, all readers together")
	if v.settings.FanOut != "" {
		c.PartitionReadBytes = limit(readBytes, "of a shard a second and consumer")
		c.PartitionReadCalls = stream.Limit{Source: stream.Declared, Reason: "records are pushed"}
	}
}

func (v view) recordBytes() stream.Limit {
	const counted = "data and key of a Kinesis record, tags and headers included"
	bytes, known := v.RecordBytes()
	switch {
	case v.Denied != nil:
		return stream.Limit{Reason: v.denied().Reason}
	case !known:
		return stream.Limit{
			Value: bytes, Source: stream.Assumed,
			Reason: counted + "; the service does not tell the stream's limit, so it is taken for the default",
		}
	}
	return stream.Limit{
		Value: bytes, Hard: bytes >= mostRecordBytes, Source: stream.Discovered,
		Reason: counted + "; UpdateMaxRecordSize raises it to 10 MiB, and a shard takes 1 MiB a second all the same",
	}
}

func (v view) retention() stream.Retention {
	if v.Denied != nil {
		return stream.Retention{Reason: v.denied().Reason}
	}
	how := fmt.Sprintf("records are deleted by age; %s; IncreaseStreamRetentionPeriod raises it", v.also())
	return stream.Retention{Current: v.Summary.Retention, Max: mostRetention, Source: stream.Discovered, Reason: how}
}

// also are facts of the stream that have no field of their own.
func (v view) also() string {
	mode, encryption := v.Summary.Mode, v.Summary.Encryption
	if mode == "" {
		mode = "mode not told"
	}
	if encryption == "" {
		encryption = "not told"
	}
	return fmt.Sprintf("the stream is %s, encryption %s, %d registered consumers", mode, encryption, v.Summary.Consumers)
}
