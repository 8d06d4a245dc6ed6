package franz

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	createTimeout  = 15 * time.Second // how long the controller may take
	createPause    = 20 * time.Millisecond
	createPauseMax = 500 * time.Millisecond
	awaitPatience  = time.Minute // how long a topic is waited for where the context has no end
)

// CreateTopic returns when every broker that is alive tells of the topic, with a leader for every partition: a producer
// that asks a broker that does not know it yet would wait for seconds.
func (c *client) CreateTopic(ctx context.Context, t engine.NewTopic) error {
	answer, err := createRequest(t).RequestWith(ctx, c.native)
	if err != nil {
		return engine.Denied(mapped(err), "CREATE", "topic "+t.Name)
	}
	if len(answer.Topics) != 1 {
		return fmt.Errorf("%w: the controller's answer leaves the topic out", stream.ErrUnknownOutcome)
	}
	if err := engine.Failed(answer.Topics[0].ErrorCode, answer.Topics[0].ErrorMessage); err != nil {
		return engine.Denied(engine.Map(err), "CREATE", "topic "+t.Name)
	}
	return c.AwaitTopic(ctx, t.Name)
}

func createRequest(t engine.NewTopic) *kmsg.CreateTopicsRequest {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = int32(createTimeout.Milliseconds())
	n := kmsg.NewCreateTopicsRequestTopic()
	n.Topic, n.NumPartitions, n.ReplicationFactor = t.Name, -1, -1 // -1: the broker's default (KIP-464)
	if t.Partitions > 0 {
		n.NumPartitions = t.Partitions
	}
	if t.Replication > 0 {
		n.ReplicationFactor = t.Replication
	}
	for name, value := range t.Configs {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = name, &value
		n.Configs = append(n.Configs, config)
	}
	request.Topics = append(request.Topics, n)
	return request
}

// AwaitTopic waits until every broker that is alive tells of the topic, with a leader for every partition.
func (c *client) AwaitTopic(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, awaitPatience)
	defer cancel()
	for pause := createPause; ; pause = min(2*pause, createPauseMax) {
		missing := c.unready(ctx, name)
		if missing == nil || errors.Is(missing, stream.ErrUnauthorized) {
			return missing
		}
		if err := wait(ctx, pause); err != nil {
			return fmt.Errorf("the topic is not ready everywhere: %w: %w", missing, err)
		}
	}
}

// unready says what is missing.
func (c *client) unready(ctx context.Context, name string) error {
	brokers, err := c.brokers(ctx)
	if err != nil {
		return err
	}
	for _, number := range brokers {
		answer, err := metadataRequest(name).RequestWith(ctx, c.native.Broker(int(number)))
		if err != nil {
			return fmt.Errorf("broker %d: %w", number, mapped(err))
		}
		for _, t := range answer.Topics {
			if err := engine.Failed(t.ErrorCode, nil); err != nil {
				return fmt.Errorf("broker %d: %w", number, engine.Denied(engine.Map(err), "DESCRIBE", "topic "+name))
			}
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 || p.Leader < 0 {
					return fmt.Errorf("broker %d: partition %d has no leader", number, p.Partition)
				}
			}
		}
	}
	return nil
}
