package streamtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream/streamtest"
)

func TestMemory(t *testing.T) {
	for _, profile := range []memory.Profile{memory.Kafka, memory.Kinesis, memory.Strict} {
		t.Run(profile.String(), func(t *testing.T) {
			streamtest.Run(t, func(t testing.TB) streamtest.Harness { return open(t, memory.Config{Profile: profile}) })
		})
	}
}

func open(t testing.TB, c memory.Config) streamtest.Harness {
	b, err := memory.Open(t.Context(), c)
	require.NoError(t, err)
	return streamtest.Harness{Backend: b, Bubble: true}
}
