package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// simulated opens the simulator for c with the stream "s", and returns what it can do.
func simulated(t *testing.T, c kafka.Config) (*memory.Backend, stream.Capabilities) {
	t.Helper()
	b, err := kafka.Simulate(c, 7)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	require.NoError(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "s", Partitions: 2}))
	have, err := b.Capabilities(t.Context(), "s")
	require.NoError(t, err)
	return b, have
}

func TestSimulateHasWhatTheConfigurationLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		change                             func(*kafka.Config)
		idempotent, transactions, keyOrder stream.Support
	}{
		"the zero Config": {func(*kafka.Config) {}, stream.Native, stream.Native, stream.Native},
		"acks=1":          {func(c *kafka.Config) { c.Acks = "1" }, stream.None, stream.None, stream.Native},
		"acks=0":          {func(c *kafka.Config) { c.Acks = kafka.AcksNone }, stream.None, stream.None, stream.Native},
		"no idempotence":  {func(c *kafka.Config) { c.NoIdempotence = true }, stream.None, stream.None, stream.Native},
		"more in flight":  {func(c *kafka.Config) { c.NoIdempotence, c.InFlight = true, 2 }, stream.None, stream.None, stream.None},
	} {
		t.Run(name, func(t *testing.T) {
			config := local()
			c.change(&config)
			b, have := simulated(t, config)
			require.Equal(t, c.idempotent, have.IdempotentProduce.Support)
			require.Equal(t, c.transactions, have.Transactions.Support)
			require.Equal(t, c.keyOrder, have.KeyOrder.Support)
			require.Equal(t, stream.Native, have.Headers.Support, "the rest is Kafka's")
			require.EqualValues(t, 1_048_588, have.MaxRecordBytes.Value)
			p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{
				Streams: []string{"s"}, Require: stream.Requirements{Transactions: stream.Native},
			})
			if c.transactions == stream.None {
				require.ErrorIs(t, err, stream.ErrUnsupported)
				require.ErrorContains(t, err, "idempotent producing")
				_, err = b.OpenSink(t.Context(), stream.SinkConfig{Transactions: true, Sessions: 1, Member: "m", Observe: func(stream.Event) {}})
				require.ErrorIs(t, err, stream.ErrUnsupported)
				return
			}
			require.NoError(t, err)
			require.NoError(t, p.Close(t.Context()))
		})
	}
}

func TestSimulateHasWhatKafkaGoLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		change               func(*kafka.Config)
		idempotent, keyOrder stream.Support
	}{
		"the zero Config": {func(*kafka.Config) {}, stream.Native, stream.Native},
		"named":           {func(c *kafka.Config) { c.Client = kafka.KafkaGo }, stream.Native, stream.Native},
		"acks=1":          {func(c *kafka.Config) { c.Acks = "1" }, stream.None, stream.None},
		"no idempotence":  {func(c *kafka.Config) { c.NoIdempotence = true }, stream.None, stream.None},
	} {
		t.Run(name, func(t *testing.T) {
			config := local()
			c.change(&config)
			b, err := kafkago.Simulate(config, 7)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, b.Close()) })
			require.NoError(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "s", Partitions: 2}))
			have, err := b.Capabilities(t.Context(), "s")
			require.NoError(t, err)
			require.Equal(t, c.idempotent, have.IdempotentProduce.Support)
			require.Equal(t, c.keyOrder, have.KeyOrder.Support)
			require.Equal(t, stream.None, have.Transactions.Support)
			require.Equal(t, stream.Native, have.Groups.Support, "the rest is Kafka's")
			_, err = stream.NewProducer(t.Context(), b, stream.ProducerConfig{
				Streams: []string{"s"}, Require: stream.Requirements{Transactions: stream.Native},
			})
			require.ErrorIs(t, err, stream.ErrUnsupported)
			require.ErrorContains(t, err, "use franz-go")
		})
	}
}

func TestSimulateIsAsStrictAsKafkaGo(t *testing.T) {
	m, err := kafkago.Simulation(local(), 3)
	require.NoError(t, err)
	require.Equal(t, memory.Eager, m.Assignment)
	require.EqualValues(t, 3, m.Seed)
	c := local()
	c.Assignment, c.Rack, c.StaticMembers = kafka.Cooperative, "r", true
	_, err = kafkago.Simulate(c, 3)
	require.ErrorIs(t, err, stream.ErrUnsupported)
	for _, field := range []string{"Assignment: ", "Rack: ", "StaticMembers: "} {
		require.ErrorContains(t, err, field)
	}
}

func TestSimulateCarriesTimesAndSizesOver(t *testing.T) {
	c := local()
	c.Assignment, c.Session, c.TxTimeout, c.BatchBytes = kafka.Eager, 7*time.Second, 9*time.Second, 1000
	m, err := c.Simulate(3)
	require.NoError(t, err)
	require.Equal(t, memory.Kafka, m.Profile)
	require.Equal(t, memory.Eager, m.Assignment)
	require.Equal(t, 7*time.Second, m.Session)
	require.Equal(t, 9*time.Second, m.TxTimeout)
	require.EqualValues(t, 3, m.Seed)
	b, have := simulated(t, c)
	require.EqualValues(t, 1000, have.MaxRecordBytes.Value)
	require.Contains(t, have.MaxRecordBytes.Reason, "BatchBytes")
	p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{"s"}})
	require.NoError(t, err)
	require.ErrorIs(t, p.Send(t.Context(), &stream.Record{Stream: "s", Value: make([]byte, 1000)}), stream.ErrTooLarge)
	require.NoError(t, p.Close(t.Context()))
}

func TestSimulateDialsNothing(t *testing.T) {
	c := kafka.Config{Brokers: []string{"192.0.2.1:1"}, SASL: kafka.SASL{Mechanism: kafka.AWSMSKIAM}, TLS: kafka.TLS{Enabled: true}}
	simulated(t, c)
}
