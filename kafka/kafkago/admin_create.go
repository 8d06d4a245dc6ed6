package kafkago

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/metadata"

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
// that asks a broker that does not know it yet would fail.
func (c *client) CreateTopic(ctx context.Context, t engine.NewTopic) error {
	answer, err := c.create(ctx, t)
	if err != nil {
		return engine.Denied(err, "CREATE", "topic "+t.Name)
	}
	if len(answer.Topics) != 1 {
		return fmt.Errorf("%w: the controller's answer leaves the topic out", stream.ErrUnknownOutcome)
	}
	if err := engine.Failed(answer.Topics[0].ErrorCode, &answer.Topics[0].ErrorMessage); err != nil {
		return engine.Denied(engine.Map(err), "CREATE", "topic "+t.Name)
	}
	return c.AwaitTopic(ctx, t.Name)
}

// create asks the controller until there is an answer, or until retryFor or ctx end. Of what was sent and not answered the
// outcome is unknown, unless a later try tells.
func (c *client) create(ctx context.Context, t engine.NewTopic) (*createtopics.Response, error) {
	patience := time.Now().Add(retryFor)
	unknown := false
	for pause := createPause; ; pause = min(2*pause, createPauseMax) {
		answer, err := c.createOnce(ctx, createRequest(t))
		if err == nil && !isMoved(answer) {
			return answer, nil
		}
		unknown = unknown || (err != nil && !errors.Is(err, errUnsent))
		if time.Now().After(patience) || (err != nil && !isPassing(err)) {
			return answer, unsure(unknown, err)
		}
		if ended := wait(ctx, pause); ended != nil {
			return nil, unsure(unknown, ending(ended, err))
		}
	}
}

func (c *client) createOnce(ctx context.Context, request *createtopics.Request) (*createtopics.Response, error) {
	known, err := c.metadataOf(ctx, []string{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	answer, err := c.lines.ask(ctx, addressesOf(known.Brokers)[known.ControllerID], request)
	if err != nil {
		return nil, mapped(err)
	}
	return answer.(*createtopics.Response), nil
}

// isMoved reports whether the broker that was asked is not the controller.
func isMoved(answer *createtopics.Response) bool {
	return len(answer.Topics) == 1 && engine.Code(answer.Topics[0].ErrorCode) == engine.NotController
}

func createRequest(t engine.NewTopic) *createtopics.Request {
	n := createtopics.RequestTopic{Name: t.Name, NumPartitions: -1, ReplicationFactor: -1} // -1: the broker's default (KIP-464)
	if t.Partitions > 0 {
		n.NumPartitions = t.Partitions
	}
	if t.Replication > 0 {
		n.ReplicationFactor = t.Replication
	}
	for name, value := range t.Configs {
		n.Configs = append(n.Configs, createtopics.RequestConfig{Name: name, Value: value})
	}
	return &createtopics.Request{Topics: []createtopics.RequestTopic{n}, TimeoutMs: int32(createTimeout.Milliseconds())}
}

// AwaitTopic waits until every broker that is alive tells of the topic, with a leader for every partition.
func (c *client) AwaitTopic(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, awaitPatience)
	defer cancel()
	for pause := createPause; ; pause = min(2*pause, createPauseMax) {
		missing := c.unready(ctx, name)
		if missing == nil || errors.Is(missing, stream.ErrUnauthorized) || errors.Is(missing, stream.ErrClosed) {
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
	for _, b := range brokers {
		answer, err := c.lines.ask(ctx, addressOf(b), &metadata.Request{TopicNames: []string{name}})
		if err != nil {
			return fmt.Errorf("broker %d: %w", b.NodeID, mapped(err))
		}
		t, err := the(answer.(*metadata.Response).Topics, name)
		if err != nil {
			return fmt.Errorf("broker %d: %w", b.NodeID, err)
		}
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 || p.LeaderID < 0 {
				return fmt.Errorf("broker %d: partition %d has no leader", b.NodeID, p.PartitionIndex)
			}
		}
	}
	return nil
}
