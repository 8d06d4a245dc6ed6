package franz

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A session is one transactional id and the kgo.Client that has it now. It belongs to one goroutine at a time.
type session struct {
	client *client
	id     string
	open   func(options ...kgo.Opt) (*sink, error)

	native   *kgo.Client // nil: none, or not fit
	sink     *sink       // on native, which it owns
	implicit bool        // TxnOffsetCommit adds the group to the transaction (KIP-890: transaction.version 2)
	broken   bool        // the next transaction needs a new client
	endings  *endings
}

// begin opens a transaction, with a new client where it takes one.
func (s *session) begin(ctx context.Context) error {
	if s.native != nil && !s.broken {
		if s.native.BeginTransaction() == nil {
			return nil
		}
	}
	if err := s.renew(ctx); err != nil {
		return err
	}
	if err := s.native.BeginTransaction(); err != nil {
		s.broken = true
		return mapped(err)
	}
	return nil
}

// renew makes a new client with the same id. InitProducerId raises the epoch: it fences whoever used the id before, aborts
// what is open, and answers when that, or a commit that had begun, is complete.
func (s *session) renew(ctx context.Context) error {
	s.discard()
	implicit, err := s.client.addsOffsetsImplicitly(ctx)
	if err != nil {
		return mapped(err)
	}
	ends := new(endings)
	options := []kgo.Opt{
		kgo.TransactionalID(s.id), kgo.TransactionTimeout(s.client.settings.TxTimeout), kgo.WithHooks(ends),
		kgo.ConcurrentTransactionsBackoff(firstRetry), kgo.RetryBackoffFn(retryPause),
	}
	if !implicit {
		// By this bound franz-go knows that its own requests, too, must be those of transaction.version 1.
		old := kversion.Tip()
		old.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), lastExplicit)
		options = append(options, kgo.MaxVersions(old))
	}
	sink, err := s.open(options...)
	if err != nil {
		return err
	}
	if _, _, err := sink.native.ProducerID(ctx); err != nil {
		closeSink(sink)
		return s.denied(mapped(cause(ctx, err)))
	}
	s.native, s.sink, s.implicit, s.endings, s.broken = sink.native, sink, implicit, ends, false
	return nil
}

// Brokers refuse the first requests of a transaction while they write the markers of the one before, which takes some
// milliseconds. Franz-go's own pause of 250 ms would be most of what a transaction takes.
const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = time.Second
)

// retryPause doubles from firstRetry to lastRetry.
func retryPause(failures int) time.Duration {
	return min(firstRetry<<min(max(failures-1, 0), 10), lastRetry)
}

// seesPartitions waits until franz-go has noted the partitions of topics that are new to it. Version 1.22.2 hands the first
// records of a topic to its brokers before that (storePartitionsUpdate), and they may have answered already. EndTransaction
// then sees nothing that was produced: it commits nothing and returns nil. Both hold one lock, and the only method that
// takes it and does nothing else when all records are answered is this one.
func (s *session) seesPartitions(ctx context.Context) error {
	return s.native.AbortBufferedRecords(ctx)
}

// discard closes the client. Records that have no answer fail.
func (s *session) discard() {
	if s.sink == nil {
		return
	}
	closeSink(s.sink)
	s.native, s.sink, s.endings, s.broken = nil, nil, nil, true
}

// closeSink closes a sink without waiting for its records.
func closeSink(sink *sink) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = sink.Close(ctx) // it says that the records failed, which their promises say too
}

// fence does what renew does for others, and makes no client.
func (s *session) fence(ctx context.Context) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID = &s.id
		req.TransactionTimeoutMillis = int32(s.client.settings.TxTimeout.Milliseconds())
		resp, err := req.RequestWith(ctx, s.client.native)
		if err == nil {
			err = engine.Failed(resp.ErrorCode, nil)
		}
		if code, _ := engine.CodeOf(err); code != concurrentTransactions {
			return s.denied(mapped(err))
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

func (s *session) denied(err error) error {
	return engine.Denied(err, "WRITE", "transactional id "+s.id)
}

// lastExplicit is the last version of TxnOffsetCommit before which the group is added by AddOffsetsToTxn (KIP-890).
const lastExplicit = 4

// addsOffsetsImplicitly asks a broker whether the cluster has finalised transaction.version 2. Advertised versions of
// requests do not tell: a broker has them before the feature is on.
func (c *client) addsOffsetsImplicitly(ctx context.Context) (bool, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "streamport", "1"
	resp, err := req.RequestWith(ctx, c.native)
	if err != nil {
		return false, cause(ctx, err)
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			return f.MaxVersionLevel >= 2, nil
		}
	}
	return false, nil
}

// endings counts the EndTxn requests that went out and their answers. Franz-go sends one again by itself, and what the
// second is told may be the consequence of the first.
type endings struct{ sent, answered atomic.Int64 }

// OnBrokerWrite is called by franz-go when it has written a request.
func (e *endings) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, n int, _, _ time.Duration, _ error) {
	if key == int16(kmsg.EndTxn) && n > 0 {
		e.sent.Add(1)
	}
}

// OnBrokerRead is called by franz-go when it has read an answer.
func (e *endings) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key == int16(kmsg.EndTxn) && err == nil {
		e.answered.Add(1)
	}
}

// missing reports whether a request has no answer.
func (e *endings) missing() bool { return e.sent.Load() != e.answered.Load() }
