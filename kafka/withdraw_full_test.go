//go:build servers && full

package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// A capability that goes while a producer is open is an event, and withdraws the producer that required it.
func TestCapabilityThatGoesWithdrawsTheProducer(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{Nodes: 1})
	b, err := kafka.Open(t.Context(), kafka.Config{Brokers: cluster.Bootstrap(), ProbeEvery: time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	require.NoError(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "shrinking", MaxRecordBytes: 512 << 10}))
	changed := make(chan stream.Event, 16)
	p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{
		Streams: []string{"shrinking"}, Require: stream.Requirements{MaxRecordBytes: 256 << 10},
		Observe: func(e stream.Event) {
			if e.Kind == stream.EventCapabilityChanged {
				changed <- e
			}
		},
	})
	require.NoError(t, err)
	record := &stream.Record{Stream: "shrinking", Value: []byte("v")}
	require.NoError(t, p.Send(t.Context(), record))
	alterTopic(t, b, "shrinking", "max.message.bytes", "100000")
	select {
	case e := <-changed:
		require.Equal(t, "shrinking", e.Stream)
		require.ErrorContains(t, e.Err, "MaxRecordBytes")
	case <-time.After(3 * time.Minute):
		t.Fatal("no event came")
	}
	require.ErrorIs(t, p.Send(t.Context(), record), stream.ErrUnsupported)
	_ = p.Close(t.Context()) // it says again why it was withdrawn
}
