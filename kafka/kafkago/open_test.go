package kafkago_test

import (
	"context"
	"testing"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
	"github.com/streamport-go/streamport/stream"
)

// fakeBackend opens a fake cluster through this package until the test is over.
func fakeBackend(t *testing.T, c kafka.Config, options ...kfake.Opt) (*kafka.Backend, *kfake.Cluster) {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	c.Brokers = fake.ListenAddrs()
	b, err := kafkago.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b, fake
}

func TestStreamsAreMadeAndCompared(t *testing.T) {
	b, _ := fakeBackend(t, kafka.Config{})
	asked := stream.StreamConfig{Name: "orders", Partitions: 4, Retention: time.Hour, MaxRecordBytes: 70_000}
	require.NoError(t, b.EnsureStream(t.Context(), asked))
	require.NoError(t, b.EnsureStream(t.Context(), asked))
	asked.Partitions = 5
	err := b.EnsureStream(t.Context(), asked)
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorContains(t, err, "Partitions 4, not 5")
	can, err := b.Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, 4, can.Partitions)
	require.Equal(t, time.Hour, can.Retention.Current)
	require.EqualValues(t, 70_000, can.MaxRecordBytes.Value)
	_, err = b.Capabilities(t.Context(), "nowhere")
	require.ErrorIs(t, err, stream.ErrNotFound)
}

// TestWhatKafkaGoCannotDoIsRefusedAtOpen: each field alone, and all at once.
func TestWhatKafkaGoCannotDoIsRefusedAtOpen(t *testing.T) {
	all := kafka.Config{Brokers: []string{"localhost:9092"}, Assignment: kafka.Cooperative, StaticMembers: true, Rack: "r"}
	for field, c := range map[string]kafka.Config{
		"Assignment":    {Brokers: all.Brokers, Assignment: kafka.Server},
		"StaticMembers": {Brokers: all.Brokers, StaticMembers: true},
		"Rack":          {Brokers: all.Brokers, Rack: "r"},
	} {
		_, err := kafkago.Open(t.Context(), c)
		require.ErrorIs(t, err, stream.ErrUnsupported, field)
		require.ErrorContains(t, err, field+": ")
		require.ErrorContains(t, err, "use franz-go")
		_, err = kafkago.Open(t.Context(), all)
		require.ErrorContains(t, err, field+": ")
	}
}

func TestTransactionsAreRefusedAtOpen(t *testing.T) {
	b, _ := fakeBackend(t, kafka.Config{}, kfake.SeedTopics(1, "orders"))
	can, err := b.Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, stream.None, can.Transactions.Support)
	require.Contains(t, can.Transactions.Reason, "use franz-go")
	_, err = b.OpenSink(t.Context(), stream.SinkConfig{Transactions: true})
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.ErrorContains(t, err, "use franz-go")
}

func TestWhatIsAskedOfAClosedBackend(t *testing.T) {
	b, _ := fakeBackend(t, kafka.Config{}, kfake.SeedTopics(1, "orders"))
	_, err := b.Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	native := kafkago.Client(b)
	require.NoError(t, b.Close())
	_, err = b.Capabilities(t.Context(), "orders")
	require.ErrorIs(t, err, stream.ErrClosed)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = native.Metadata(ctx, &segmentio.MetadataRequest{})
	require.Error(t, err)
}
