//go:build servers

package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestSameAsMemory compares the newest Kafka with the simulator's profile of it. Every difference says which assertion,
// made on the simulator, says nothing of Kafka.
func TestSameAsMemory(t *testing.T) {
	b := startBrokers(t, testenv.Config{})
	throttled := "quotas are not simulated: no test on the simulator says anything of answers that come late"
	split := "the simulator takes a call of any size as one request: that requests are split is not seen on it"
	named := "a partition's name that is no number is refused before brokers are asked: tests that tell a wrong name from " +
		"an unknown one are not sound"
	streamtest.Same(t, b.cooperative, memoryHarness,
		streamtest.Difference{
			Rule: "Capabilities.ThrottleDelay", Question: "claimed", Real: "native", Double: "none", Reason: throttled,
		},
		streamtest.Difference{
			Rule: "Capabilities.MaxRequestBytes", Question: "claimed", Real: "104857600", Double: "0", Reason: split,
		},
		streamtest.Difference{
			Rule: streamtest.Options, Question: "a consumer of no such partition", Real: "invalid", Double: "not found",
			Reason: named,
		},
	)
}

// TestSameAsFake compares the newest Kafka with the fake broker that quick tests use.
func TestSameAsFake(t *testing.T) {
	b := startBrokers(t, testenv.Config{})
	streamtest.Same(t, b.cooperative, func(t testing.TB) streamtest.Harness { return fakeHarness(t, franzGo, nil, kafka.Cooperative) })
}

func (b *brokers) cooperative(t testing.TB) streamtest.Harness {
	return b.harness(t, kafka.Cooperative)
}

// memoryHarness is the simulator as Kafka, with all that can be done to it.
func memoryHarness(t testing.TB) streamtest.Harness {
	config := memory.Config{Profile: memory.Kafka}
	b := openMemory(t, config)
	return streamtest.Harness{
		Backend: b, Bubble: true, Pause: b.Pause, Resume: b.Resume, Expel: b.Expel,
		Split: b.Split, Merge: b.Merge, Grow: b.Grow, Trim: b.Trim,
		Trouble: func(t testing.TB) stream.Backend {
			config.Faults = memory.Faults{Throttle: .05, FailEntry: .05, LoseAck: .05, Delay: .05, LoseCommit: .3}
			return openMemory(t, config)
		},
	}
}

func openMemory(t testing.TB, c memory.Config) *memory.Backend {
	b, err := memory.Open(t.Context(), c)
	require.NoError(t, err)
	return b
}
