package memory

import (
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Profile says which service the backend behaves like. In text and configuration it is "strict", "kafka" or
// "kinesis".
type Profile uint8

// The profiles; the package comment says what each one does.
const (
	Strict  Profile = iota // only what Kafka and Kinesis both guarantee
	Kafka                  // Apache Kafka 4, and Amazon MSK
	Kinesis                // Amazon Kinesis Data Streams
)

var profileNames = [...]string{Strict: "strict", Kafka: "kafka", Kinesis: "kinesis"}

// String returns the profile's name in lower case.
func (p Profile) String() string {
	if int(p) < len(profileNames) {
		return profileNames[p]
	}
	return fmt.Sprintf("profile %d", uint8(p))
}

// MarshalText returns the profile's name, or an error that Is stream.ErrInvalid for a value that is no profile.
func (p Profile) MarshalText() ([]byte, error) {
	if int(p) >= len(profileNames) {
		return nil, fmt.Errorf("%w: %v", stream.ErrInvalid, p)
	}
	return []byte(profileNames[p]), nil
}

// UnmarshalText reads a profile's name; empty is Strict. Anything else is an error that Is stream.ErrInvalid.
func (p *Profile) UnmarshalText(text []byte) error {
	for i, name := range profileNames {
		if name == string(text) || (len(text) == 0 && Profile(i) == Strict) {
			*p = Profile(i)
			return nil
		}
	}
	return fmt.Errorf("%w: profile %.40q is none of strict, kafka and kinesis", stream.ErrInvalid, text)
}

const (
	kib = 1 << 10
	mib = 1 << 20
	day = 24 * time.Hour
)

// traits are the facts in which profiles differ. A limit of 0 is no limit.
type traits struct {
	hashed      bool // MD5 ranges, long positions, split and merge; else murmur2, counting positions, growth
	nilKeys     bool
	binaryKeys  bool // any bytes; else 1 to maxKeyPoints code points of UTF-8
	headers     bool
	tombstones  bool
	eventTime   bool
	tagged      bool // the four above ride in tags: emulated
	keyOrder    bool
	idempotent  bool
	transacts   bool
	compacts    bool
	resharding  bool
	lagRecords  bool
	eager       bool // every change of members asks all partitions back
	holes       bool // positions leave out numbers at random
	batchSizes  bool // a record's size is that of a Kafka batch that holds it alone
	refuses     bool // over its rate a partition refuses records, which the sink retries
	guarded     bool // late checkpoints are refused by the library, not by the service
	unfenced    bool // checkpoints of members that have lost the partition are written
	ungrouped   bool // no groups
	untimed     bool // no reading from a time
	session     time.Duration
	retention   time.Duration // by default
	shortest    time.Duration // retention that can be asked for
	longest     time.Duration // and 0: no limit, stream.Forever too
	recordBytes int64         // by default
	mostBytes   int64         // to which a stream can raise it
	stateBytes  int64
	requestRecs int64
	requestSize int64
	writeRecs   int64 // a second and partition
	writeBytes  int64
	readBytes   int64
	readCalls   int64
}

// maxKeyPoints is how long a Kinesis partition key may be, in Unicode code points (API operation PutRecord).
const maxKeyPoints = 256

// Rates and sizes of Kinesis: API operations PutRecords, GetRecords, UpdateMaxRecordSize and
// IncreaseStreamRetentionPeriod. Kafka's state is what 4,096 bytes of offset metadata hold
// as base64 behind a mark of four bytes.
const (
	kafkaBatchBytes   = 1_048_588
	kafkaStateBytes   = (4096 - 4) * 3 / 4
	kinesisStateBytes = 64 * kib
)

func (p Profile) traits() traits {
	switch p {
	case Kafka:
		return traits{
			nilKeys: true, binaryKeys: true, headers: true, tombstones: true, eventTime: true, keyOrder: true,
			idempotent: true, transacts: true, compacts: true, resharding: true, lagRecords: true, batchSizes: true, guarded: true,
			session: 45 * time.Second, retention: 7 * day, shortest: time.Millisecond,
			recordBytes: kafkaBatchBytes, mostBytes: 1 << 30, stateBytes: kafkaStateBytes,
		}
	case Kinesis:
		return traits{
			hashed: true, keyOrder: true, resharding: true, holes: true, refuses: true,
			session: 10 * time.Second, retention: day, shortest: day, longest: 365 * day,
			recordBytes: mib, mostBytes: 10 * mib, stateBytes: kinesisStateBytes,
			requestRecs: 500, requestSize: 10 * mib,
			writeRecs: 1000, writeBytes: mib, readBytes: 2 * mib, readCalls: 5,
		}
	}
	return traits{
		hashed: true, keyOrder: true, resharding: true, holes: true, eager: true, batchSizes: true, guarded: true,
		session: 10 * time.Second, retention: day, shortest: day, longest: 365 * day,
		recordBytes: mib, mostBytes: 10 * mib, stateBytes: kafkaStateBytes,
		requestRecs: 500, requestSize: 10 * mib,
		writeRecs: 1000, writeBytes: mib, readBytes: 2 * mib, readCalls: 5,
	}
}
