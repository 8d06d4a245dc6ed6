package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestFake proves the adapter against the contract on a fake broker.
func TestFake(t *testing.T) {
	streamtest.Run(t, fakeHarness)
}

func fakeHarness(t testing.TB) streamtest.Harness {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	answerEpochs(cluster)
	return harnessOf(t, kafka.Config{
		Brokers: cluster.ListenAddrs(), Session: 6 * time.Second, Heartbeat: 100 * time.Millisecond, Rebalance: 10 * time.Second,
		MetadataMaxAge: time.Second,
	})
}

// answerEpochs mends the fake: where a leader's epoch has no record yet, it says that the log ends nowhere.
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
				end.Partition, end.LeaderEpoch, end.EndOffset = p.Partition, p.LeaderEpoch, 1<<40
				answer.Partitions = append(answer.Partitions, end)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
}
