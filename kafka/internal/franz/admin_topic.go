package franz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Topic describes one topic. Its configuration needs a right of its own; without it, Topic.ConfigsErr says so.
func (c *client) Topic(ctx context.Context, name string) (engine.Topic, error) {
	request := metadataRequest(name)
	request.IncludeTopicAuthorizedOperations = true
	answer, err := request.RequestWith(ctx, c.native)
	for try := 1; err != nil && isUnanswered(err) && try < mostQuestions && ctx.Err() == nil; try++ {
		answer, err = request.RequestWith(ctx, c.native)
	}
	if err != nil {
		return engine.Topic{}, mapped(err)
	}
	if len(answer.Topics) != 1 {
		return engine.Topic{}, fmt.Errorf("%w: the brokers do not tell of it", stream.ErrNotFound)
	}
	found := answer.Topics[0]
	if err := engine.Failed(found.ErrorCode, nil); err != nil {
		return engine.Topic{}, engine.Denied(engine.Map(err), "DESCRIBE", "topic "+name)
	}
	t := engine.Topic{Name: name, ID: found.TopicID, Operations: operations(found.AuthorizedOperations)}
	for _, p := range found.Partitions {
		t.Partitions = append(t.Partitions, engine.TopicPartition{
			Number: p.Partition, Leader: p.Leader, Replicas: p.Replicas, ISR: p.ISR,
			Err: engine.Map(engine.Failed(p.ErrorCode, nil)),
		})
	}
	slices.SortFunc(t.Partitions, func(a, b engine.TopicPartition) int { return cmp.Compare(a.Number, b.Number) })
	t.Configs, err = c.configs(ctx, kmsg.ConfigResourceTypeTopic, name)
	t.ConfigsErr = engine.Denied(err, "DESCRIBE_CONFIGS", "topic "+name)
	return t, nil
}

// mostQuestions is how often a question is asked that a broker took and did not answer in time: franz-go asks once.
const mostQuestions = 3

// isUnanswered reports whether a broker had a request and let it wait for too long.
func isUnanswered(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout() && !isDial(err)
}

// Topics lists the topics that the principal may describe, by name.
func (c *client) Topics(ctx context.Context) ([]string, error) {
	answer, err := metadataRequest().RequestWith(ctx, c.native)
	if err != nil {
		return nil, mapped(err)
	}
	var names []string
	for _, t := range answer.Topics {
		if t.Topic != nil && !t.IsInternal && t.ErrorCode == 0 {
			names = append(names, *t.Topic)
		}
	}
	slices.Sort(names)
	return names, nil
}

// metadataRequest asks for topics, or for all, and makes none.
func metadataRequest(topics ...string) *kmsg.MetadataRequest {
	request := kmsg.NewPtrMetadataRequest()
	request.AllowAutoTopicCreation = false
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		request.Topics = append(request.Topics, t)
	}
	return request
}

// operations are the names of the bits (KIP-430); nil where the brokers tell none.
func operations(bits int32) []string {
	if bits == math.MinInt32 {
		return nil
	}
	names := []string{}
	for i := range 31 {
		if bits&(1<<i) != 0 {
			names = append(names, kmsg.ACLOperation(i).String())
		}
	}
	return names
}

// configs describes one resource. Values that are secret are left out.
func (c *client) configs(ctx context.Context, kind kmsg.ConfigResourceType, name string) (map[string]string, error) {
	request := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, name
	request.Resources = append(request.Resources, r)
	answer, err := request.RequestWith(ctx, c.native)
	if err != nil {
		return nil, mapped(err)
	}
	if len(answer.Resources) != 1 {
		return nil, fmt.Errorf("the brokers answered for %d resources, asked was one", len(answer.Resources))
	}
	found := answer.Resources[0]
	if err := engine.Failed(found.ErrorCode, found.ErrorMessage); err != nil {
		return nil, engine.Map(err)
	}
	values := make(map[string]string, len(found.Configs))
	for _, v := range found.Configs {
		if v.Value != nil && !v.IsSensitive {
			values[v.Name] = *v.Value
		}
	}
	return values, nil
}
