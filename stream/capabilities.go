package stream

import (
	"fmt"
	"time"
)

// Support says how far a backend can do something. More is better: None < Emulated < Native. Unknown is less than None,
// and not the same: nobody could find out.
type Support uint8

// The degrees of support.
const (
	Unknown  Support = iota // could not be found out
	None                    // cannot be done, or not in this mode
	Emulated                // done by this library on top of the service, with the cost that Flag.Reason tells
	Native                  // done by the service itself
)

// String returns the degree in lower case.
func (s Support) String() string {
	if int(s) < len(supportNames) {
		return supportNames[s]
	}
	return "unknown"
}

var supportNames = [...]string{Unknown: "unknown", None: "none", Emulated: "emulated", Native: "native"}

// A Flag is something that a stream can do or cannot.
type Flag struct {
	Support Support `json:"support"`
	Source  string  `json:"source"`
	Reason  string  `json:"reason"` // in words: why, and what would change it
}

// A Limit is a number that a stream imposes. A Value of 0 means that there is no limit, or, if Source is empty too,
// that it could not be found out. A Value below 0 means that nothing is allowed at all: a MaxStateBytes of -1 is a
// stream without room for state.
type Limit struct {
	Value  int64  `json:"value"`
	Hard   bool   `json:"hard"` // nothing raises it
	Source string `json:"source"`
	Reason string `json:"reason"` // in words: why, and what raises it how far
}

// Retention is how long a stream keeps records, compaction aside.
type Retention struct {
	Current   time.Duration // 0: not known
	Max       time.Duration // to what it can be raised; 0: not known
	Unlimited bool          // records are kept whatever their age; Current and Max are then 0
	Bytes     int64         // of a partition: beyond, the oldest records go before their time; 0: no such limit
	Source    string
	Reason    string
}

// Capabilities are facts about one opened stream in the mode in which it is used, not about a brand. Their String is a
// table for people; their JSON form, with names such as "partition_order", is stable and may be stored.
type Capabilities struct {
	PartitionOrder    Flag // a reader gets a partition's records in the order in which they are stored
	KeyOrder          Flag // a producer's records of one key are stored in the order in which it sent them
	NilKeys           Flag // a record without key is taken, and comes back without
	BinaryKeys        Flag // any bytes are a key, the empty key and long ones too, and come back exactly
	Headers           Flag // headers come back, in order, repeats kept
	Tombstones        Flag // a nil value comes back nil and an empty one empty
	EventTime         Flag // Record.Time is stored
	Groups            Flag // members share partitions, and checkpoints are kept
	Fencing           Flag // a member that has lost a partition cannot move its checkpoint
	IdempotentProduce Flag // a retry never stores a record twice
	Transactions      Flag // records and a checkpoint become visible together, or never
	SeekTime          Flag // reading can start at a time
	Compaction        Flag // this stream keeps the last record of each key, and earlier ones go
	Resharding        Flag // partitions can split and merge while in use, and keys keep their order
	AutoScaling       Flag // the service does so by itself
	PushDelivery      Flag // the service pushes records, readers need not poll
	LagRecords        Flag // lag is known as a number of records
	LagTime           Flag // lag is known as a time
	ThrottleDelay     Flag // the service slows a user down by late answers (Kafka's quotas)
	ThrottleReject    Flag // the service refuses what is over its rates, and the library retries (Kinesis)
	Durability        Flag // an acknowledged record survives the loss of a machine

	MaxRecordBytes        Limit // of one record, as the backend counts it
	MaxStateBytes         Limit // of CheckpointState, in the backend; a Checkpointer has its own
	MaxRequestRecords     Limit // of one write request; the library splits
	MaxRequestBytes       Limit // of one write request; the library splits
	PartitionWriteBytes   Limit // per second
	PartitionWriteRecords Limit // per second
	PartitionReadBytes    Limit // per second: of each reader with PushDelivery, of all together without
	PartitionReadCalls    Limit // per second, all readers together

	Retention  Retention
	Partitions int // that take records now; 0: not known
}

// unsupported makes an ErrUnsupported with its reason.
func unsupported(reason string) error { return fmt.Errorf("%w: %s", ErrUnsupported, reason) }
