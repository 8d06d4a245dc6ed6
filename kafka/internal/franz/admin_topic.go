package franz

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Topic describes one topic. Its configuration needs a right of its own; without it, Topic.ConfigsErr says so.
func (c *client) Topic(ctx context.Context, name string) (engine.Topic, error) {
	request := metadataRequest(name)
	request.IncludeTopicAuthorizedOperations = true
	answer, err := ask(ctx, func() (*kmsg.MetadataResponse, error) { return request.RequestWith(ctx, c.native) })
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

// mostQuestions is how often a question is asked whose answer did not come in time, or whose connection ended: franz-go
// asks once where it waited for an answer.
const mostQuestions = 3

// ask asks again what only a broken connection, or a broker that let it wait for too long, has left without an answer.
// Where no connection can be made franz-go has tried long enough.
func ask[A any](ctx context.Context, question func() (A, error)) (answer A, err error) {
	for range mostQuestions {
		answer, err = question()
		if err == nil || ctx.Err() != nil || isDial(err) || !isTransient(mapped(err)) {
			return answer, err
		}
	}
	return answer, err
}

// Topics lists the topics that the principal may describe, by name.
func (c *client) Topics(ctx context.Context) ([]string, error) {
	answer, err := ask(ctx, func() (*kmsg.MetadataResponse, error) { return metadataRequest().RequestWith(ctx, c.native) })
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
	answer, err := ask(ctx, func() (*kmsg.DescribeConfigsResponse, error) { return request.RequestWith(ctx, c.native) })
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
