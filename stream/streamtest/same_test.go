package streamtest_test

import (
	"testing"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream/streamtest"
)

func on(profile memory.Profile) func(testing.TB) streamtest.Harness {
	return func(t testing.TB) streamtest.Harness { return harness(t, memory.Config{Profile: profile}) }
}

func TestProfilesDifferAsExpected(t *testing.T) {
	size := "sizes are counted as Kafka counts them: no size near the limit is portable"
	guard := "a late checkpoint is refused by the library on Kafka: what passes on Strict needs no more"
	streamtest.Same(t, on(memory.Kinesis), on(memory.Strict),
		streamtest.Difference{
			Rule: "Capabilities.Fencing", Question: "claimed", Real: "native", Double: "emulated", Reason: guard,
		},
		streamtest.Difference{
			Rule: streamtest.Options, Question: "requiring Fencing native", Real: "accepted", Double: "unsupported", Reason: guard,
		},
		streamtest.Difference{
			Rule: "Capabilities.ThrottleReject", Question: "claimed", Real: "native", Double: "none",
			Reason: "rates are declared and not enforced: no test on Strict says anything of throttling",
		},
		streamtest.Difference{
			Rule: "Capabilities.MaxRecordBytes", Question: "what is added to a value at the limit", Real: "1",
			Double: "73", Reason: size,
		},
		streamtest.Difference{
			Rule: "Capabilities.MaxStateBytes", Question: "claimed", Real: "65536", Double: "3069",
			Reason: "the smaller state, which is Kafka's, is portable",
		},
	)
}

func TestAProfileIsTheSameAsItself(t *testing.T) {
	streamtest.Same(t, on(memory.Strict), on(memory.Strict))
}
