package kafka_test

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokerDefaults are what brokers tell of their configuration by default, and fake ones do not know.
var brokerDefaults = map[string]string{
	"offset.metadata.max.bytes": "4096", "socket.request.max.bytes": "104857600", "transaction.max.timeout.ms": "900000",
}

// mend lets a fake cluster do what real brokers do.
func mend(cluster *kfake.Cluster) {
	answerEpochs(cluster)
	tellConfigs(cluster)
	cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.OffsetCommit, kmsg.TxnOffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: -1, When: tooLong,
	})
}

// answerEpochs says that the log ends nowhere: the fake takes it for cut off where a leader's epoch has no record yet.
func answerEpochs(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked := request.(*kmsg.OffsetForLeaderEpochRequest)
		response := asked.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		for _, topic := range asked.Topics {
			answer := kmsg.NewOffsetForLeaderEpochResponseTopic()
			answer.Topic = topic.Topic
			for _, p := range topic.Partitions {
				end := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				end.Partition, end.LeaderEpoch, end.EndOffset = p.Partition, p.LeaderEpoch, math.MaxInt64
				answer.Partitions = append(answer.Partitions, end)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
}

// tellConfigs answers for a broker's configuration.
func tellConfigs(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.DescribeConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked := request.(*kmsg.DescribeConfigsRequest)
		if len(asked.Resources) != 1 || asked.Resources[0].ResourceType != kmsg.ConfigResourceTypeBroker {
			return nil, nil, false
		}
		response := asked.ResponseKind().(*kmsg.DescribeConfigsResponse)
		broker := kmsg.NewDescribeConfigsResponseResource()
		broker.ResourceType, broker.ResourceName = asked.Resources[0].ResourceType, asked.Resources[0].ResourceName
		for name, value := range brokerDefaults {
			c := kmsg.NewDescribeConfigsResponseResourceConfig()
			c.Name, c.Value = name, kmsg.StringPtr(value)
			broker.Configs = append(broker.Configs, c)
		}
		response.Resources = append(response.Resources, broker)
		return response, nil, true
	})
}

// tooLong reports whether a commit has metadata that brokers refuse by default.
func tooLong(request kmsg.Request) bool {
	long := func(metadata *string) bool { return metadata != nil && len(*metadata) > 4096 }
	switch r := request.(type) {
	case *kmsg.OffsetCommitRequest:
		return slices.ContainsFunc(r.Topics, func(t kmsg.OffsetCommitRequestTopic) bool {
			return slices.ContainsFunc(t.Partitions, func(p kmsg.OffsetCommitRequestTopicPartition) bool { return long(p.Metadata) })
		})
	case *kmsg.TxnOffsetCommitRequest:
		return slices.ContainsFunc(r.Topics, func(t kmsg.TxnOffsetCommitRequestTopic) bool {
			return slices.ContainsFunc(t.Partitions, func(p kmsg.TxnOffsetCommitRequestTopicPartition) bool { return long(p.Metadata) })
		})
	}
	return false
}

// refuseKeyless has the brokers refuse records without key, as real ones do for a compacted topic.
func refuseKeyless(cluster *kfake.Cluster, topic string) {
	cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.InvalidRecord, Count: -1, When: keyless,
	})
}

// keyless reports whether a request has a record without key. Batches are not compressed.
func keyless(request kmsg.Request) bool {
	for _, t := range request.(*kmsg.ProduceRequest).Topics {
		for _, p := range t.Partitions {
			var batch kmsg.RecordBatch
			if batch.ReadFrom(p.Records) == nil && lacksKey(batch.Records) {
				return true
			}
		}
	}
	return false
}

func lacksKey(records []byte) bool {
	for len(records) > 0 {
		size, n := binary.Varint(records)
		long := n + int(size)
		var r kmsg.Record
		if n <= 0 || long > len(records) || r.ReadFrom(records[:long]) != nil {
			return false
		}
		if r.Key == nil {
			return true
		}
		records = records[long:]
	}
	return false
}
