package engine_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// brokers are an Admin over a map of topics. What a test does not need of Admin panics.
type brokers struct {
	engine.Admin

	mu       sync.Mutex // guards what follows
	cluster  engine.Cluster
	topics   map[string]engine.Topic
	fails    error            // of every request, if it is set
	delay    time.Duration    // of every request for a topic
	asked    map[string]int   // requests for topics, by name
	clusters int              // requests for the cluster
	racing   *engine.NewTopic // made by somebody else just before CreateTopic
	refuses  error            // of CreateTopic, if it is set
	awaited  int
}

func newBrokers() *brokers {
	return &brokers{topics: map[string]engine.Topic{}, asked: map[string]int{}, cluster: newestCluster()}
}

// newestCluster is what a cluster of Apache Kafka 4 tells.
func newestCluster() engine.Cluster {
	return engine.Cluster{
		Version: "v4.4", Brokers: 3, Features: map[string]int16{"transaction.version": 2, "group.version": 1},
		APIs: map[int16]int16{0: 13, 22: 6, 24: 5, 25: 4, 26: 5, 28: 6},
		Configs: map[string]string{
			"offset.metadata.max.bytes": "4096", "transaction.max.timeout.ms": "900000", "socket.request.max.bytes": "104857600",
		},
	}
}

// defaults are a topic's configuration as brokers tell it if nobody asks for anything.
func defaults() map[string]string {
	return map[string]string{
		"max.message.bytes": "1048588", "cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1",
		"min.insync.replicas": "2", "unclean.leader.election.enable": "false", "message.timestamp.type": "CreateTime",
	}
}

func topicOf(name string, partitions, replicas int, configs map[string]string) engine.Topic {
	t := engine.Topic{Name: name, Configs: defaults()}
	maps.Copy(t.Configs, configs)
	for n := range partitions {
		p := engine.TopicPartition{Number: int32(n)}
		for r := range replicas {
			p.Replicas, p.ISR = append(p.Replicas, int32(r)), append(p.ISR, int32(r))
		}
		t.Partitions = append(t.Partitions, p)
	}
	return t
}

func (b *brokers) Cluster(context.Context) (engine.Cluster, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clusters++
	return b.cluster, b.fails
}

func (b *brokers) Topic(ctx context.Context, name string) (engine.Topic, error) {
	b.mu.Lock()
	b.asked[name]++
	t, ok := b.topics[name]
	delay, err := b.delay, b.fails
	b.mu.Unlock()
	if delay > 0 {
		select {
		case <-ctx.Done():
			return engine.Topic{}, ctx.Err()
		case <-time.After(delay):
		}
	}
	if err == nil && !ok {
		err = fmt.Errorf("%w: no such topic", stream.ErrNotFound)
	}
	return t, err
}

func (b *brokers) CreateTopic(_ context.Context, n engine.NewTopic) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuses != nil {
		return b.refuses
	}
	if r := b.racing; r != nil {
		b.racing = nil
		b.topics[r.Name] = topicOf(r.Name, int(r.Partitions), 3, r.Configs)
	}
	if _, ok := b.topics[n.Name]; ok {
		return fmt.Errorf("%w: %w", engine.ErrExists, engine.Failed(36, nil))
	}
	b.topics[n.Name] = topicOf(n.Name, max(int(n.Partitions), 1), 3, n.Configs)
	return nil
}

func (b *brokers) AwaitTopic(context.Context, string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.awaited++
	return nil
}

// set changes a topic.
func (b *brokers) set(t engine.Topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topics[t.Name] = t
}

// count returns how often a topic was asked for.
func (b *brokers) count(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[name]
}

// settings are a configuration with its defaults.
func settings() engine.Settings {
	return engine.Settings{
		Acks: engine.AcksAll, Idempotent: true, InFlight: 5, BatchBytes: 1 << 30,
		TxTimeout: time.Minute, ProbeEvery: time.Minute,
	}
}
