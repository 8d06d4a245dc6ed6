package kafka_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
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
	b, err := kafka.Open(t.Context(), kafka.Config{
		Brokers: cluster.ListenAddrs(), Session: 6 * time.Second, Heartbeat: 100 * time.Millisecond, Rebalance: 10 * time.Second,
		MetadataMaxAge: time.Second,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	admin := kadm.NewClient(b.Client())
	return streamtest.Harness{
		Backend: b,
		Expel:   func(group, member string) error { return expel(t.Context(), b.Client(), admin, group, member) },
		Grow: func(name string, partitions int) error {
			_, err := admin.UpdatePartitions(t.Context(), partitions, name)
			return err
		},
		Trim: func(name, partition string, before stream.Position) error {
			n, err := strconv.ParseInt(partition, 10, 32)
			if err != nil {
				return err
			}
			major, _, _ := before.Parts()
			return cluster.DeleteRecords(name, int32(n), int64(major[2])-1)
		},
	}
}

// expel has the group take a member for dead: it leaves without knowing. Its client id ends with its name.
func expel(ctx context.Context, client *kgo.Client, admin *kadm.Client, group, member string) error {
	described, err := admin.DescribeGroups(ctx, group)
	if err != nil {
		return err
	}
	for _, m := range described[group].Members {
		if !strings.HasSuffix(m.ClientID, "-"+member) {
			continue
		}
		request := kmsg.NewPtrLeaveGroupRequest()
		request.Group = group
		leaver := kmsg.NewLeaveGroupRequestMember()
		leaver.MemberID = m.MemberID
		request.Members = append(request.Members, leaver)
		_, err := request.RequestWith(ctx, client)
		return err
	}
	return fmt.Errorf("%w: no member %s in group %s", stream.ErrNotFound, member, group)
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
