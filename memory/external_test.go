package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// TestExternalCheckpoints: positions come by Seek, and only the ownership is the backend's.
func TestExternalCheckpoints(t *testing.T) {
	bubble(t, one(memory.Config{}), func(t *testing.T, b *memory.Backend) {
		acks := sendAll(t, b, rec("a", "1"), rec("a", "2"), rec("a", "3"))
		c := sourceConfig("g", "m")
		c.External = true
		s := openSource(t, b, c)
		claim := next(t, s)
		require.Zero(t, claim.Hold().Saved)
		require.NoError(t, claim.Seek(t.Context(), acks[1].Position))
		require.Equal(t, []string{"3"}, values(read(t, claim, 1)))
		require.ErrorIs(t, claim.Checkpoint(t.Context(), stream.Checkpoint{Position: acks[0].Position}), stream.ErrUnsupported)
		require.NoError(t, claim.Release(t.Context(), false))
		require.Equal(t, []string{"1"}, values(read(t, next(t, s), 1)), "without Seek from the group's start")
		lags, err := b.Lag(t.Context(), c, func(name, partition string) (stream.Position, error) {
			require.Equal(t, "s", name)
			return acks[2].Position, nil
		})
		require.NoError(t, err)
		require.Equal(t, stream.Count{Known: true}, lags[0].Millis)
	})
}

func TestProducedIsToldOnceABatchAndOnlyIfWanted(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		for _, wanted := range []bool{true, false} {
			var told []stream.Event
			c := sinkConfig()
			c.Observed, c.Observe = wanted, func(e stream.Event) { told = append(told, e) }
			s, err := b.OpenSink(t.Context(), c)
			require.NoError(t, err)
			send(t, s, rec("a", "1"), rec("b", "2"))
			if !wanted {
				require.Empty(t, told)
				continue
			}
			require.Len(t, told, 1)
			require.Equal(t, stream.EventProduced, told[0].Kind)
			require.Equal(t, 2, told[0].Records)
			require.Equal(t, int64(4), told[0].Bytes)
			require.Equal(t, "0", told[0].Partition)
		}
	})
}

func TestUnknownPlacesAreRefused(t *testing.T) {
	bubble(t, kafka(), func(t *testing.T, b *memory.Backend) {
		c := sourceConfig("g", "m")
		c.Streams = []string{"none"}
		_, err := b.OpenSource(t.Context(), c)
		require.ErrorIs(t, err, stream.ErrNotFound)
		c.Streams, c.Partitions = []string{"s"}, []string{"7"}
		_, err = b.OpenSource(t.Context(), c)
		require.ErrorIs(t, err, stream.ErrNotFound)
		c.Partitions, c.Start = nil, stream.After(stream.Position{})
		_, err = b.OpenSource(t.Context(), c)
		require.ErrorIs(t, err, stream.ErrInvalid)
		p := sinkConfig()
		p.Streams = []string{"s"}
		s, err := b.OpenSink(t.Context(), p)
		require.NoError(t, err)
		require.NoError(t, b.EnsureStream(t.Context(), stream.StreamConfig{Name: "other"}))
		a := send(t, s, &stream.Record{Stream: "other", Value: []byte("v")})
		require.ErrorIs(t, a[0].err, stream.ErrUnsupported)
	})
}
