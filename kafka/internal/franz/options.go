package franz

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// maxClientID is what franz-go takes, in bytes.
const maxClientID = 256

// common are the options of every kgo.Client: how to connect, and how long to wait. Member is added to the client id, if
// there is one.
func common(s engine.Settings, member string) ([]kgo.Opt, error) {
	id := s.ClientID
	if member != "" {
		id += "-" + member
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(s.Brokers...),
		kgo.ClientID(id[:min(len(id), maxClientID)]),
		kgo.SoftwareNameAndVersion("streamport-franz-go", "1"),
		kgo.Rack(s.Rack),
		kgo.RequestTimeoutOverhead(s.RequestOverhead),
		kgo.RetryTimeoutFn(retryTimeout(s)),
		kgo.MetadataMinAge(s.MetadataMinAge),
		kgo.MetadataMaxAge(s.MetadataMaxAge),
		kgo.BrokerMaxReadBytes(s.ReadBytes),
		kgo.DisableClientMetrics(),
	}
	if member == "" { // its questions are for one broker each, and are not asked elsewhere
		options = append(options, kgo.Dialer(dialer(s)))
	} else {
		brokers := newStalls(dialer(s), s.RequestOverhead, s.Acks != engine.AcksNone)
		options = append(options, kgo.WithHooks(brokers), kgo.Dialer(brokers.connect))
	}
	if s.Logger != nil {
		options = append(options, kgo.WithLogger(logger{s.Logger}))
	}
	if s.SASL != nil {
		m, err := mechanism(*s.SASL)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.SASL(m))
	}
	return options, nil
}

// retryFor is how long a request is tried again: twice the time that a killed broker's partitions and groups were seen to
// take until others had them.
const retryFor = 15 * time.Second

// retryTimeout gives up on joining a group only when the session would be over, and on a transaction's requests only when
// brokers have ended it: before that, giving up leaves an outcome unknown. A checkpoint is sent once: franz-go would tell
// the answer to its second request, and not that the first has none.
func retryTimeout(s engine.Settings) func(int16) time.Duration {
	return func(key int16) time.Duration {
		switch kmsg.Key(key) {
		case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat:
			return s.Session
		case kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.EndTxn, kmsg.TxnOffsetCommit:
			return max(retryFor, s.TxTimeout)
		case kmsg.OffsetCommit:
			return time.Nanosecond
		}
		return retryFor
	}
}

// checked are the options that no client has all of, so that Check can have franz-go look at each.
func checked(s engine.Settings) []kgo.Opt {
	options := []kgo.Opt{
		kgo.ProducerLinger(s.Linger), kgo.ProducerBatchMaxBytes(s.BatchBytes), kgo.ProduceRequestTimeout(s.ProduceTimeout),
		kgo.FetchMinBytes(s.FetchMinBytes), kgo.FetchMaxBytes(s.FetchMaxBytes), kgo.FetchMaxWait(s.FetchMaxWait),
		kgo.FetchMaxPartitionBytes(s.PartitionBytes), kgo.MaxDecompressBatchBytes(int(s.DecompressBytes)),
		kgo.SessionTimeout(s.Session), kgo.HeartbeatInterval(s.Heartbeat), kgo.RebalanceTimeout(s.Rebalance),
		kgo.ConsumerGroup("check"), kgo.TransactionTimeout(s.TxTimeout),
	}
	switch s.Acks {
	case engine.AcksLeader:
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()))
	case engine.AcksNone:
		options = append(options, kgo.RequiredAcks(kgo.NoAck()))
	}
	if s.Idempotent {
		return append(options, kgo.TransactionalID(s.TxID))
	}
	return append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(s.InFlight))
}

// inFlight is what franz-go always has with idempotence.
const inFlight = 5

// checkInFlight refuses what franz-go would ignore.
func checkInFlight(s engine.Settings) error {
	if s.Idempotent && s.InFlight != inFlight {
		return fmt.Errorf("%w: franz-go has %d produce requests in flight with idempotence, not %d",
			stream.ErrUnsupported, inFlight, s.InFlight)
	}
	return nil
}
