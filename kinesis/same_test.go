//go:build !race

package kinesis_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestSameAsMemory compares the adapter on the fake services with the simulator's profile of it. Every difference says
// which assertion, made on the simulator, says nothing of Kinesis.
func TestSameAsMemory(t *testing.T) {
	small := "no stream of Kinesis has a limit below 1 MiB, and the simulator makes any: a test with small limits is not sound"
	foreign := "whether an endpoint that is not Amazon's keeps records is not known; of the simulator it is"
	blind := "the service gives positions that are in no order that could be checked without asking: tests that count on a " +
		"refusal of a position that was never given are not sound"
	streamtest.Same(t, plainFake, memoryHarness,
		streamtest.Difference{
			Rule: "EnsureRefuses", Question: "a stream with records of 4 KiB", Real: "unsupported", Double: "accepted", Reason: small,
		},
		streamtest.Difference{
			Rule: streamtest.Options, Question: fmt.Sprintf("a stream %+v", stream.StreamConfig{MaxRecordBytes: 1 << 10}),
			Real: "unsupported", Double: "accepted", Reason: small,
		},
		streamtest.Difference{
			Rule: "Capabilities.Durability", Question: "claimed", Real: "unknown", Double: "none", Reason: foreign,
		},
		streamtest.Difference{
			Rule: streamtest.Options, Question: "a checkpoint of nothing delivered", Real: "accepted", Double: "invalid", Reason: blind,
		},
		streamtest.Difference{
			Rule: streamtest.Options, Question: "a consumer after a position of no record", Real: "accepted", Double: "invalid",
			Reason: blind,
		},
		streamtest.Difference{
			Rule: streamtest.Options, Question: "a record of 1 MiB", Real: "invalid", Double: "too large",
			Reason: "of a record without a key that is too large as well, another mistake is told first",
		},
	)
}

// plainFake is the adapter on the fake services, as it is configured by default.
func plainFake(t testing.TB) streamtest.Harness {
	return fakeHarness(t, func(*kinesis.Config) {})
}

// memoryHarness is the simulator as Kinesis, with all that can be done to it.
func memoryHarness(t testing.TB) streamtest.Harness {
	config := memory.Config{Profile: memory.Kinesis, Session: failover}
	b := openMemory(t, config)
	return streamtest.Harness{
		Backend: b, Bubble: true, Pause: b.Pause, Resume: b.Resume, Expel: b.Expel,
		Split: b.Split, Merge: b.Merge, Grow: b.Grow,
		Trouble: func(t testing.TB) stream.Backend {
			config.Faults = memory.Faults{Throttle: .05, FailEntry: .05, LoseAck: .05, Delay: .05, LoseCommit: .3}
			return openMemory(t, config)
		},
	}
}

// openMemory opens a simulator, which is closed when the test is over.
func openMemory(t testing.TB, c memory.Config) *memory.Backend {
	b, err := memory.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}
