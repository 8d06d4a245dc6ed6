package franz

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// hooks tell a sink what franz-go sees at the connections.
type hooks struct {
	sink *sink

	mu   sync.Mutex              // guards what follows
	took map[int32]time.Duration // the last produce request of each broker
}

// hooks returns those that the sink needs.
func (s *sink) hooks() []kgo.Hook {
	h := &s.answers.hooks
	h.sink, h.took = s, map[int32]time.Duration{}
	all := []kgo.Hook{requests{h}, throttles{h}}
	if s.config.Observed {
		all = append(all, batches{h})
	}
	return all
}

// requests watch produce requests that were written, perhaps in part, and have no answer.
type requests struct{ *hooks }

func (h requests) OnBrokerE2E(meta kgo.BrokerMetadata, key int16, e kgo.BrokerE2E) {
	if key != int16(kmsg.Produce) {
		return
	}
	if e.Err() != nil {
		h.sink.answers.doubtAll()
		return
	}
	if h.sink.config.Observed {
		h.mu.Lock()
		h.took[meta.NodeID] = e.DurationE2E()
		h.mu.Unlock()
	}
}

// The waits before a batch or a request is tried again: a leader that was killed is replaced within seconds.
const (
	firstBackoff = 100 * time.Millisecond
	mostBackoff  = time.Second
)

// backoff is how long franz-go waits before it tries again. An answer that leaves open whether a batch is stored makes it
// wait too.
func (s *sink) backoff(tries int) time.Duration {
	s.answers.doubtAll()
	wait := min(firstBackoff<<min(max(tries-1, 0), 4), mostBackoff)
	return wait*4/5 + rand.N(wait*2/5)
}

// throttles tell of brokers that make the producer wait (KIP-219).
type throttles struct{ *hooks }

func (h throttles) OnBrokerThrottle(_ kgo.BrokerMetadata, wait time.Duration, _ bool) {
	h.sink.config.Observe(stream.Event{Kind: stream.EventThrottled, Member: h.sink.config.Member, Duration: wait})
}

// batches tell of batches that are stored. Bytes are as encoded: some 7 a record more than keys, values and headers.
type batches struct{ *hooks }

func (h batches) OnProduceBatchWritten(
	meta kgo.BrokerMetadata, topic string, partition int32, m kgo.ProduceBatchMetrics,
) {
	h.mu.Lock()
	took := h.took[meta.NodeID]
	h.mu.Unlock()
	h.sink.config.Observe(stream.Event{
		Kind: stream.EventProduced, Member: h.sink.config.Member,
		Stream: topic, Partition: engine.Partition{Number: partition}.String(),
		Records: m.NumRecords, Bytes: int64(m.UncompressedBytes), Duration: took,
	})
}
