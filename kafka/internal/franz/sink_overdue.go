package franz

import (
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// errOverdue is why records fail that are dropped since others were not answered in time.
var errOverdue = errors.New("franz-go has left records unanswered, and had to drop all that it had")

// grace is how long after the delivery timeout franz-go is left to itself. Before that, a request that is under way may
// still be answered or given up, and so may a question for the leaders of partitions.
func grace(s engine.Settings) time.Duration { return s.RequestOverhead + s.ProduceTimeout + retryFor }

// watch makes sure that the term's records are answered. By itself franz-go looks at the delivery timeout only when it is
// about to send a batch, or has an answer to it, and there is a case in which a partition's first batch is never looked at
// again (1.22.2): a broker asks for it once more (such as NOT_LEADER_OR_FOLLOWER), and at that moment a later batch of the
// partition is taken out of a request since the producer's epoch has changed, be it by another partition's failure. From
// then on franz-go goes on with the later batch and skips the answers.
//
// What helps is to drop everything that waits, in all partitions; there is no way to drop one partition's alone, short of
// franz-go forgetting the topic and with it the sequence numbers, so that brokers could take new batches for old ones.
func (t *term) watch(wait time.Duration) {
	s := t.sink
	s.watches.Add(1)
	t.watched = time.AfterFunc(wait, func() {
		defer s.watches.Done()
		if left := t.left.Load(); left != t.joined.Load() {
			s.drop()
		}
	})
}

// unwatch ends watch.
func (t *term) unwatch() {
	if t.watched != nil && t.watched.Stop() {
		t.sink.watches.Done()
	}
}

// drop fails what franz-go has, and what comes while that is under way, in order. Franz-go changes the epoch if any of it was sent, so that no sequence number
// stands for two batches; in a transaction it cannot.
func (s *sink) drop() {
	s.config.Logger.Error("records were not answered in time: all fails that the producer has, later records go on",
		slog.Duration("timeout", s.config.DeliveryTimeout))
	s.native.UnsafeAbortBufferedRecords()
}

// transactional reports whether what the client sends is part of transactions.
func transactional(c *kgo.Client) bool {
	id, _ := c.OptValue(kgo.TransactionalID).(string)
	return id != ""
}
