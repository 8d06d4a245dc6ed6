package stream_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// panicky is a Checkpointer whose Save panics.
type panicky struct{ stream.Checkpointer }

func (panicky) Save(context.Context, stream.CheckpointKey, stream.Checkpoint) error { panic("no disk") }

// A Checkpointer that panics in a save in the background ends the run with an error, not the process.
func TestPanicOfACheckpointerEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open("s")
		fill(b, "s", "a=1")
		c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
			Group: "g", Streams: []string{"s"}, Checkpointer: panicky{stream.MemoryCheckpointer()},
		})
		require.NoError(t, err)
		err = c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error { return nil }))
		require.ErrorContains(t, err, "the Checkpointer panicked: no disk")
		require.NoError(t, b.Close())
	})
}
