package kafkago_test

import (
	"testing"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
)

func TestTheTypedWayOut(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "orders"))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	b, err := kafkago.Open(t.Context(), kafka.Config{Brokers: fake.ListenAddrs()})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	client := kafkago.Client(b)
	require.Same(t, client, kafkago.Client(b))
	require.Nil(t, b.Client(), "it is not franz-go's")

	told, err := client.Metadata(t.Context(), &segmentio.MetadataRequest{Topics: []string{"orders"}})
	require.NoError(t, err)
	require.Len(t, told.Topics[0].Partitions, 2)
	written, err := client.Produce(t.Context(), &segmentio.ProduceRequest{
		Topic: "orders", Partition: 1, RequiredAcks: segmentio.RequireAll,
		Records: segmentio.NewRecordReader(segmentio.Record{Value: segmentio.NewBytes([]byte("v"))}),
	})
	require.NoError(t, err)
	require.NoError(t, written.Error)

	franz, err := kafka.Open(t.Context(), kafka.Config{Brokers: fake.ListenAddrs()})
	require.NoError(t, err)
	defer func() { require.NoError(t, franz.Close()) }()
	require.Nil(t, kafkago.Client(franz))
	require.Same(t, franz.Client(), franz.Native())
}
