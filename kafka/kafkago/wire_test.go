package kafkago

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/stream"
)

// body is a request as brokers see it, without its header.
func body(t *testing.T, request wired, client string) []byte {
	t.Helper()
	frame := framed(request, 7, client)
	require.EqualValues(t, len(frame)-4, binary.BigEndian.Uint32(frame))
	require.EqualValues(t, request.ApiKey(), binary.BigEndian.Uint16(frame[4:]))
	require.EqualValues(t, request.version(), binary.BigEndian.Uint16(frame[6:]))
	require.EqualValues(t, 7, binary.BigEndian.Uint32(frame[8:]))
	require.EqualValues(t, len(client), binary.BigEndian.Uint16(frame[12:]))
	require.Equal(t, client, string(frame[14:14+len(client)]))
	require.Zero(t, frame[14+len(client)], "tags")
	return frame[15+len(client):]
}

// versionsAnswer is what a broker tells, by another library.
func versionsAnswer() *kmsg.ApiVersionsResponse {
	told := kmsg.NewPtrApiVersionsResponse()
	told.SetVersion(3)
	told.ThrottleMillis = 5
	for _, key := range []int16{0, 18, 300} {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = key, 1, key+3
		told.ApiKeys = append(told.ApiKeys, k)
	}
	supported := kmsg.NewApiVersionsResponseSupportedFeature()
	supported.Name, supported.MaxVersion = "transaction.version", 2
	told.SupportedFeatures = append(told.SupportedFeatures, supported)
	told.FinalizedFeaturesEpoch = 9
	for name, level := range map[string]int16{"transaction.version": 1, "group.version": 4} {
		f := kmsg.NewApiVersionsResponseFinalizedFeature()
		f.Name, f.MaxVersionLevel, f.MinVersionLevel = name, level, 1
		told.FinalizedFeatures = append(told.FinalizedFeatures, f)
	}
	return told
}

func TestVersionsAreReadAsTheyWereTold(t *testing.T) {
	asked := kmsg.NewPtrApiVersionsRequest()
	asked.SetVersion(3)
	require.NoError(t, asked.ReadFrom(body(t, &versionsRequest{}, "client")))
	require.Equal(t, softwareName, asked.ClientSoftwareName)

	got, err := (&versionsRequest{}).decode(versionsAnswer().AppendTo(nil))
	require.NoError(t, err)
	require.Equal(t, &versionsResponse{
		highest:  map[int16]int16{0: 3, 18: 21, 300: 303},
		features: map[string]int16{"transaction.version": 1, "group.version": 4},
	}, got)
}

// identityAnswer is what a broker tells, by another library.
func identityAnswer() *kmsg.MetadataResponse {
	told := kmsg.NewPtrMetadataResponse()
	told.SetVersion(10)
	rack, name := "a", "orders"
	for number := range int32(2) {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = number, "host", 9092+number
		if number == 1 {
			b.Rack = &rack
		}
		told.Brokers = append(told.Brokers, b)
	}
	told.ClusterID, told.ControllerID = &rack, 1
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic, topic.TopicID, topic.AuthorizedOperations = &name, [16]byte{1, 15: 9}, 24
	for number := range int32(3) {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.ErrorCode, p.Partition, p.Leader, p.LeaderEpoch = 5, number, number%2, 4
		p.Replicas, p.ISR, p.OfflineReplicas = []int32{0, 1}, []int32{number % 2}, []int32{1}
		topic.Partitions = append(topic.Partitions, p)
	}
	told.Topics = append(told.Topics, topic)
	return told
}

func TestIdentitiesAreReadAsTheyWereTold(t *testing.T) {
	asked := kmsg.NewPtrMetadataRequest()
	asked.SetVersion(10)
	require.NoError(t, asked.ReadFrom(body(t, &identityRequest{topic: "orders"}, "client")))
	require.Len(t, asked.Topics, 1)
	require.Equal(t, "orders", *asked.Topics[0].Topic)
	require.Zero(t, asked.Topics[0].TopicID)
	require.False(t, asked.AllowAutoTopicCreation)
	require.True(t, asked.IncludeTopicAuthorizedOperations)

	told := identityAnswer().AppendTo([]byte{0}) // the header has tags
	got, err := (&identityRequest{topic: "orders"}).decode(told)
	require.NoError(t, err)
	answer := got.(*identityResponse)
	require.Equal(t, map[string][16]byte{"orders": {1, 15: 9}}, answer.ids)
	require.Equal(t, metadata.ResponseBroker{NodeID: 1, Host: "host", Port: 9093, Rack: "a"}, answer.Brokers[1])
	require.EqualValues(t, 1, answer.ControllerID)
	topic := answer.Topics[0]
	require.Equal(t, "orders", topic.Name)
	require.EqualValues(t, 24, topic.TopicAuthorizedOperations)
	require.Equal(t, metadata.ResponsePartition{
		ErrorCode: 5, PartitionIndex: 2, LeaderID: 0, LeaderEpoch: 4,
		ReplicaNodes: []int32{0, 1}, IsrNodes: []int32{0}, OfflineReplicas: []int32{1},
	}, topic.Partitions[2])
}

func TestAnAnswerThatEndsEarlyIsCorrupt(t *testing.T) {
	versions, identity := versionsAnswer().AppendTo(nil), identityAnswer().AppendTo([]byte{0})
	for n := range versions {
		_, err := (&versionsRequest{}).decode(slices.Clip(versions[:n]))
		require.ErrorIs(t, err, stream.ErrCorrupt, "%d of %d bytes", n, len(versions))
	}
	for n := range identity {
		_, err := (&identityRequest{}).decode(slices.Clip(identity[:n]))
		require.ErrorIs(t, err, stream.ErrCorrupt, "%d of %d bytes", n, len(identity))
	}
}

func FuzzVersions(f *testing.F) {
	f.Add(versionsAnswer().AppendTo(nil))
	f.Add([]byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, answer []byte) { checkDecoded(t, &versionsRequest{}, answer) })
}

func FuzzIdentities(f *testing.F) {
	f.Add(identityAnswer().AppendTo([]byte{0}))
	f.Fuzz(func(t *testing.T, answer []byte) { checkDecoded(t, &identityRequest{}, answer) })
}

// checkDecoded wants an answer or corruption.
func checkDecoded(t *testing.T, request wired, answer []byte) {
	got, err := request.decode(answer)
	if err != nil {
		require.ErrorIs(t, err, stream.ErrCorrupt)
		return
	}
	require.Equal(t, request.ApiKey(), got.ApiKey())
}
