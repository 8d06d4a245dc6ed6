package kafkago

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Topic describes one topic. Its configuration needs a right of its own; without it, Topic.ConfigsErr says so.
func (c *client) Topic(ctx context.Context, name string) (engine.Topic, error) {
	found, id, err := c.identify(ctx, name)
	if err != nil {
		return engine.Topic{}, err
	}
	t := engine.Topic{Name: name, ID: id, Operations: operations(found.TopicAuthorizedOperations)}
	for _, p := range found.Partitions {
		t.Partitions = append(t.Partitions, engine.TopicPartition{
			Number: p.PartitionIndex, Leader: p.LeaderID, Replicas: p.ReplicaNodes, ISR: p.IsrNodes,
			Err: engine.Map(engine.Failed(p.ErrorCode, nil)),
		})
	}
	slices.SortFunc(t.Partitions, func(a, b engine.TopicPartition) int { return cmp.Compare(a.Number, b.Number) })
	t.Configs, err = c.configs(ctx, "", resourceTopic, name)
	t.ConfigsErr = engine.Denied(err, "DESCRIBE_CONFIGS", "topic "+name)
	return t, nil
}

// identify asks for a topic with its id, or, of brokers that are older than ids, without.
func (c *client) identify(ctx context.Context, name string) (found metadata.ResponseTopic, id [16]byte, err error) {
	told, err := question[*identityResponse](ctx, c.lines, "", &identityRequest{topic: name})
	if err == nil {
		found, err = the(told.Topics, name)
		return found, told.ids[name], err
	}
	if !errors.Is(err, stream.ErrUnsupported) {
		return found, id, err
	}
	request := &metadata.Request{TopicNames: []string{name}, IncludeTopicAuthorizedOperations: true}
	older, err := question[*metadata.Response](ctx, c.lines, "", request)
	if err != nil {
		return found, id, err
	}
	found, err = the(older.Topics, name)
	return found, id, err
}

// Topics lists the topics that the principal may describe, by name.
func (c *client) Topics(ctx context.Context) ([]string, error) {
	answer, err := c.metadataOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range answer.Topics {
		if t.Name != "" && !t.IsInternal && t.ErrorCode == 0 {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// acls are the names of the bits of authorised operations, as of Kafka 4.4; kafka-go's table is shorter and spells them in
// another way.
var acls = [...]string{
	"UNKNOWN", "ANY", "ALL", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS",
	"ALTER_CONFIGS", "IDEMPOTENT_WRITE", "CREATE_TOKENS", "DESCRIBE_TOKENS", "TWO_PHASE_COMMIT",
}

// operations are the names of the bits (KIP-430); nil where the brokers tell none.
func operations(bits int32) []string {
	if bits == math.MinInt32 {
		return nil
	}
	names := []string{}
	for i, name := range acls {
		if bits&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Types of resources of a DescribeConfigs request.
const (
	resourceTopic  = 2
	resourceBroker = 4
)

// configs describes one resource at the broker of an address, or at any. Values that are secret are left out, and empty
// ones, which kafka-go does not tell from those that are not set.
func (c *client) configs(ctx context.Context, address string, kind int8, name string) (map[string]string, error) {
	resource := describeconfigs.RequestResource{ResourceType: kind, ResourceName: name}
	request := &describeconfigs.Request{Resources: []describeconfigs.RequestResource{resource}}
	answer, err := question[*describeconfigs.Response](ctx, c.lines, address, request)
	if err != nil {
		return nil, err
	}
	if len(answer.Resources) != 1 {
		return nil, fmt.Errorf("the brokers answered for %d resources, asked was one", len(answer.Resources))
	}
	found := answer.Resources[0]
	if err := engine.Failed(found.ErrorCode, &found.ErrorMessage); err != nil {
		return nil, engine.Map(err)
	}
	values := make(map[string]string, len(found.ConfigEntries))
	for _, v := range found.ConfigEntries {
		if v.ConfigValue != "" && !v.IsSensitive {
			values[v.ConfigName] = v.ConfigValue
		}
	}
	return values, nil
}

// decimal is a broker's name as a resource.
func decimal(broker int32) string { return strconv.Itoa(int(broker)) }
