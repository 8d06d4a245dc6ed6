package stream_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// A hold's first event is its grant, and says after which position it reads, wherever checkpoints live.
func TestGrantedTellsWhereTheHoldReads(t *testing.T) {
	for name, checkpointer := range map[string]stream.Checkpointer{"in the backend": nil, "in a Checkpointer": stream.MemoryCheckpointer()} {
		t.Run(name, func(t *testing.T) {
			b := open("orders")
			var before stream.Position
			for _, value := range []string{"a=1", "a=2"} {
				fill(b, "orders", value)
				kinds, granted, saved := runOnce(t, b, checkpointer)
				require.Equal(t, stream.EventGranted, kinds[0])
				require.Equal(t, before, granted)
				require.Equal(t, 1, saved.Compare(granted))
				before = saved
			}
		})
	}
}

// runOnce reads to the end and returns the events, the position of the grant and the last checkpoint.
func runOnce(t *testing.T, b stream.Backend, checkpointer stream.Checkpointer) (kinds []string, granted, saved stream.Position) {
	t.Helper()
	var mu sync.Mutex
	c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
		Group: "g", Streams: []string{"orders"}, End: stream.Latest(), Checkpointer: checkpointer,
		Observe: func(e stream.Event) {
			mu.Lock()
			defer mu.Unlock()
			kinds = append(kinds, e.Kind)
			switch e.Kind {
			case stream.EventGranted:
				granted = e.Position
			case stream.EventCheckpointed:
				saved = e.Position
			}
		},
	})
	require.NoError(t, err)
	require.NoError(t, c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error { return nil })))
	return kinds, granted, saved
}
