package streamtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

func TestMemory(t *testing.T) {
	for name, c := range map[string]memory.Config{
		"kafka":        {Profile: memory.Kafka},
		"kinesis":      {Profile: memory.Kinesis},
		"kinesis tags": {Profile: memory.Kinesis, Tags: true},
		"strict":       {Profile: memory.Strict},
	} {
		t.Run(name, func(t *testing.T) {
			streamtest.Run(t, func(t testing.TB) streamtest.Harness { return harness(t, c) })
		})
	}
}

func harness(t testing.TB, c memory.Config) streamtest.Harness {
	b := open(t, c)
	return streamtest.Harness{
		Backend: b, Bubble: true, Pause: b.Pause, Resume: b.Resume, Expel: b.Expel,
		Split: b.Split, Merge: b.Merge, Grow: b.Grow, Trim: b.Trim,
		Trouble: func(t testing.TB) stream.Backend {
			c.Faults = memory.Faults{Throttle: .05, FailEntry: .05, LoseAck: .05, Delay: .05, LoseCommit: .3}
			return open(t, c)
		},
	}
}

func open(t testing.TB, c memory.Config) *memory.Backend {
	b, err := memory.Open(t.Context(), c)
	require.NoError(t, err)
	return b
}
