package kafka_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// A log that has lost what a group's checkpoint points at is told with both positions, and is never jumped over in silence.
func TestExpiredCheckpoint(t *testing.T) {
	inEach(t, func(t *testing.T, l library) { expiredCheckpoint(t, fakeHarness(t, l, nil, "")) })
}

func expiredCheckpoint(t *testing.T, h streamtest.Harness) {
	t.Helper()
	require.NoError(t, stream.EnsureStream(t.Context(), h.Backend, stream.StreamConfig{Name: "orders", Partitions: 1}))
	p, err := stream.NewProducer(t.Context(), h.Backend, stream.ProducerConfig{})
	require.NoError(t, err)
	for i := range 10 {
		require.NoError(t, p.Send(t.Context(), &stream.Record{Stream: "orders", Value: fmt.Append(nil, i)}))
	}
	require.NoError(t, p.Close(t.Context()))
	var read []stream.Position
	run := func(expired string) error {
		c, err := stream.NewConsumer(t.Context(), h.Backend, stream.ConsumerConfig{
			Group: "g", Streams: []string{"orders"}, End: stream.Latest(), Expired: expired,
		})
		require.NoError(t, err)
		return c.Run(t.Context(), func(ctx context.Context, p *stream.Partition) error {
			for rec, err := range p.Records(ctx) {
				if err != nil {
					return err
				}
				read = append(read, rec.Position)
				if len(read) <= 2 || expired != "" {
					if err := p.Checkpoint(ctx, rec); err != nil || len(read) == 2 {
						return err
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, run(""))
	require.Len(t, read, 2)
	seventh, _, _ := read[1].Parts()
	oldest := stream.MakePosition([3]uint64{2: seventh[2] + 5}, 0, 0)
	require.NoError(t, h.Trim("orders", "0", oldest))
	err = run("")
	require.ErrorIs(t, err, stream.ErrExpired)
	var placed *stream.Error
	require.ErrorAs(t, err, &placed)
	require.Zero(t, placed.Asked.Compare(read[1]))
	require.Zero(t, placed.Oldest.Compare(oldest))
	require.Len(t, read, 2, "nothing is delivered from behind the gap")
	require.NoError(t, run(stream.ExpiredOldest))
	require.Len(t, read, 6)
	require.Zero(t, read[2].Compare(oldest))
}
