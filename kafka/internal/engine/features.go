package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// contents says what a record may hold.
func (f facts) contents(c *stream.Capabilities) {
	c.NilKeys = f.nilKeys()
	c.BinaryKeys = declared(stream.Native, "any bytes are a key")
	c.Headers = declared(stream.Native, "headers are stored in order, with repeats")
	c.Tombstones = declared(stream.Native, "nil values are stored, and stay apart from empty ones")
	c.EventTime = f.eventTime()
}

func (f facts) nilKeys() stream.Flag {
	compacts, _, unknown := f.policy()
	switch {
	case unknown != "":
		return notKnown("a compacted topic refuses records without key, and " + unknown)
	case compacts:
		return found(stream.None, "the topic is compacted, and brokers refuse records without key (INVALID_RECORD); "+
			"give every record a key, or take compact out of cleanup.policy")
	}
	return found(stream.Native, "records without key are taken, and spread over the partitions")
}

func (f facts) eventTime() stream.Flag {
	kind, unknown := f.config("message.timestamp.type")
	switch {
	case unknown != "":
		return notKnown(unknown)
	case kind == "LogAppendTime":
		return found(stream.None, "brokers replace a record's time by that of its arrival; "+
			"set the topic's message.timestamp.type to CreateTime, or put the event's time into the value")
	}
	return found(stream.Native, "a record's own time is stored, in milliseconds")
}

// guarantees says what producers and consumers can rely on.
func (f facts) guarantees(c *stream.Capabilities) {
	c.PartitionOrder = declared(stream.Native, "readers get records in the order in which they are stored")
	c.KeyOrder = f.keyOrder()
	c.Groups = declared(stream.Native, "members share partitions, and checkpoints are the group's offsets")
	c.Fencing = declared(stream.Emulated, "brokers refuse the offsets of a member of an earlier generation, but take those of "+
		"a partition that has moved to another member; a guard in this library refuses these before they are sent")
	c.IdempotentProduce = f.idempotence()
	c.Transactions = f.transactions()
	c.Durability = f.durability()
}

func (f facts) keyOrder() stream.Flag {
	s := f.settings
	const growing = "as long as the number of partitions stays; growing it moves keys"
	switch {
	case s.Partitioner != nil:
		return notKnown("a partitioner of the program's own decides where a record goes; without it equal keys stay together")
	case s.PlaceByRecord:
		return notKnown("records may name their partition (PlaceByRecord); without it equal keys stay together")
	case s.Idempotent:
		return declared(stream.Native, "equal keys go to one partition "+growing)
	case f.abilities.Repeats != "":
		return declared(stream.None, f.abilities.Repeats)
	case s.InFlight <= 1:
		return declared(stream.Native, "equal keys go to one partition, one request at a time, "+growing)
	}
	return declared(stream.None, fmt.Sprintf("up to %d requests are under way at a time without idempotence, and one that is "+
		"sent again overtakes others; turn idempotence on, or set InFlight to 1", s.InFlight))
}

func (f facts) idempotence() stream.Flag {
	s := f.settings
	switch {
	case f.abilities.Idempotence != "":
		return declared(stream.None, f.abilities.Idempotence)
	case s.Acks != AcksAll:
		return declared(stream.None, fmt.Sprintf("acks=%s: a record that is sent again may be stored twice; set Acks to all", s.Acks))
	case !s.Idempotent:
		return declared(stream.None, "idempotence is turned off: a record that is sent again may be stored twice")
	case !f.knows(initProducerID):
		return found(stream.None, "the brokers are older than idempotent producing (Kafka 0.11)")
	}
	return found(stream.Native, "brokers know a batch that is sent again by its sequence number")
}

// API keys of the requests of idempotent and transactional producers.
const (
	initProducerID     = 22
	addPartitionsToTxn = 24
	addOffsetsToTxn    = 25
	endTxn             = 26
	txnOffsetCommit    = 28
)

// knows reports whether all brokers that answered know the requests.
func (f facts) knows(keys ...int16) bool {
	for _, key := range keys {
		if _, ok := f.cluster.APIs[key]; !ok {
			return false
		}
	}
	return true
}

// NoTransactions says why the settings or the library rule transactions out; "" if they do not.
func NoTransactions(s Settings, a Abilities) string {
	switch {
	case a.Transactions != "":
		return a.Transactions
	case s.Acks != AcksAll:
		return fmt.Sprintf("acks=%s: transactions need acks=all", s.Acks)
	case !s.Idempotent:
		return "idempotence is turned off: transactions need it"
	}
	return ""
}

func (f facts) transactions() stream.Flag {
	if why := NoTransactions(f.settings, f.abilities); why != "" {
		return declared(stream.None, why)
	}
	if !f.knows(initProducerID, addPartitionsToTxn, addOffsetsToTxn, endTxn, txnOffsetCommit) {
		return found(stream.None, "not all brokers know the requests of transactions")
	}
	longest, unknown := f.brokerNumber("transaction.max.timeout.ms")
	if asked := f.settings.TxTimeout.Milliseconds(); unknown == "" && asked > longest {
		return found(stream.None, fmt.Sprintf("the brokers allow transactions of %v (transaction.max.timeout.ms), and TxTimeout is %v; "+
			"lower TxTimeout", spell(longest), f.settings.TxTimeout))
	}
	return found(stream.Native, f.transactionsReason())
}

// transactionsReason says which transactions these are. Advertised versions alone do not tell: the finalised level does
// (KIP-890).
func (f facts) transactionsReason() string {
	level := "the first protocol"
	if f.cluster.Features["transaction.version"] >= 2 {
		level = "the second protocol, KIP-890"
	}
	reason := "records and a checkpoint become visible together (" + level + "); " +
		"whether the principal may do it shows when a transaction begins"
	if f.settings.Uncommitted {
		reason += "; this configuration reads uncommitted records, so that consumers here also see those of open and aborted ones"
	}
	if f.cluster.AllBrokers != nil {
		reason += "; not every broker answered"
	}
	return reason
}

// operations says what can be done with the stream.
func (f facts) operations(c *stream.Capabilities) {
	c.SeekTime = f.seekTime()
	c.Compaction = f.compaction()
	c.Resharding = declared(stream.None, "partitions are only added, and keys then move")
	c.AutoScaling = declared(stream.None, "partitions are added only when somebody asks for it")
	c.PushDelivery = declared(stream.None, "readers poll; brokers keep a poll waiting until there is something")
	c.LagRecords = declared(stream.Native, "records behind are counted by offsets, markers of transactions included")
	c.LagTime = declared(stream.Native, "by the time of the first record behind")
	c.ThrottleDelay = declared(stream.Native, "quotas delay answers (KIP-219)")
	c.ThrottleReject = declared(stream.None, "no record is refused for its rate")
}

func (f facts) seekTime() stream.Flag {
	const reason = "reading can start at the first record whose time is late enough"
	if kind, unknown := f.config("message.timestamp.type"); unknown == "" && kind == "LogAppendTime" {
		return declared(stream.Native, reason+", which is the time of its arrival")
	}
	return declared(stream.Native, reason+"; producers set times, so that earlier ones may follow it")
}

func (f facts) compaction() stream.Flag {
	compacts, deletes, unknown := f.policy()
	switch {
	case unknown != "":
		return notKnown(unknown)
	case compacts && deletes:
		return found(stream.Native, "the topic keeps the last record of each key, until retention deletes it too")
	case compacts:
		return found(stream.Native, "the topic keeps the last record of each key")
	}
	return found(stream.None, "the topic deletes by age or size; make it with StreamConfig.Compacted, or set cleanup.policy to compact")
}

// list splits a configuration value such as "compact,delete".
func list(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func spell(ms int64) string { return duration(ms).String() }

// duration is so many milliseconds, as far as a Duration goes: 292 years.
func duration(ms int64) time.Duration {
	return time.Duration(min(ms, int64(1<<63-1)/int64(time.Millisecond))) * time.Millisecond
}
