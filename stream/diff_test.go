package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

func TestDiffOfTheSameIsEmpty(t *testing.T) {
	require.Empty(t, stream.Diff(kafka(), kafka()))
	other := kafka()
	other.Headers.Source, other.Headers.Reason = stream.Discovered, "asked again"
	require.Empty(t, stream.Diff(kafka(), other), "another source or reason is no change")
}

func TestDiffTellsLossesThenUnclearThenGainsThenChanges(t *testing.T) {
	b := kinesis()
	b.Durability = stream.Flag{Reason: "not allowed to ask"}
	var kinds []string
	for line := range strings.Lines(stream.Diff(kafka(), b)) {
		kind, _, _ := strings.Cut(line, " ")
		if len(kinds) == 0 || kinds[len(kinds)-1] != kind {
			kinds = append(kinds, kind)
		}
	}
	require.Equal(t, []string{"lost", "unclear", "gained", "changed"}, kinds)
}

func TestDiffMirrorsLossAndGain(t *testing.T) {
	to, back := stream.Diff(kafka(), kinesis()), stream.Diff(kinesis(), kafka())
	for _, lost := range []string{"Transactions: native -> none", "KeyOrder: native -> emulated", "Retention: unlimited -> 24h",
		"PartitionReadCalls: no limit -> 5 calls/s, hard", "MaxRecordBytes: 1048588 B -> 1 MiB"} {
		require.Contains(t, to, "lost     "+lost)
		name, _, _ := strings.Cut(lost, ":")
		require.Contains(t, back, "gained   "+name+":")
	}
	require.Contains(t, to, "gained   LagTime: emulated -> native")
	for _, told := range []string{"ThrottleDelay: native -> none", "Partitions: 12 -> 4", "Resharding: none -> native",
		"AutoScaling: none -> native", "MaxRequestRecords: no limit -> 500 records, hard"} {
		require.Contains(t, to, "changed  "+told)
	}
}

func TestDiffOfLimitsAndRetention(t *testing.T) {
	limit := func(l stream.Limit) stream.Capabilities { return stream.Capabilities{MaxRecordBytes: l} }
	kept := func(r stream.Retention) stream.Capabilities { return stream.Capabilities{Retention: r} }
	for name, test := range map[string]struct {
		a, b stream.Capabilities
		want string
	}{
		"to no limit":    {limit(stream.Limit{Value: 5}), limit(stream.Limit{Source: stream.Declared}), "gained"},
		"to nothing":     {limit(stream.Limit{Value: 5}), limit(stream.Limit{Value: -1}), "lost"},
		"to hard":        {limit(stream.Limit{Value: 5}), limit(stream.Limit{Value: 5, Hard: true}), "changed"},
		"to unknown":     {limit(stream.Limit{Value: 5}), limit(stream.Limit{}), "unclear"},
		"from unknown":   {limit(stream.Limit{}), limit(stream.Limit{Value: 5}), "changed"},
		"less raisable":  {kept(stream.Retention{Current: 5, Max: 9}), kept(stream.Retention{Current: 5, Max: 8}), "lost"},
		"longer":         {kept(stream.Retention{Current: 5, Max: 9}), kept(stream.Retention{Current: 6, Max: 9}), "gained"},
		"to bytes":       {kept(stream.Retention{Unlimited: true}), kept(stream.Retention{Unlimited: true, Bytes: 1}), "lost"},
		"more and less":  {kept(stream.Retention{Current: 5}), kept(stream.Retention{Unlimited: true, Bytes: 1}), "changed"},
		"to for ever":    {kept(stream.Retention{Current: time.Hour}), kept(stream.Retention{Unlimited: true}), "gained"},
		"from for ever":  {kept(stream.Retention{Unlimited: true}), kept(stream.Retention{Current: time.Hour}), "lost"},
		"no longer told": {kept(stream.Retention{Unlimited: true}), kept(stream.Retention{}), "unclear"},
	} {
		t.Run(name, func(t *testing.T) {
			kind, _, _ := strings.Cut(stream.Diff(test.a, test.b), " ")
			require.Equal(t, test.want, kind)
		})
	}
}

func ExampleDiff() {
	a := stream.Capabilities{
		Transactions: stream.Flag{Support: stream.Native, Source: stream.Discovered},
		LagTime:      stream.Flag{Support: stream.Emulated, Source: stream.Declared, Reason: "by the records' times"},
		Retention:    stream.Retention{Unlimited: true, Source: stream.Discovered},
		Partitions:   12,
	}
	b := stream.Capabilities{
		Transactions: stream.Flag{Support: stream.None, Source: stream.Declared, Reason: "Kinesis has no transactions"},
		LagTime:      stream.Flag{Support: stream.Native, Source: stream.Declared, Reason: "MillisBehindLatest"},
		Retention:    stream.Retention{Current: 24 * time.Hour, Max: 8760 * time.Hour, Source: stream.Discovered},
		Partitions:   4,
	}
	fmt.Println(stream.Diff(a, b))
	// Output:
	// lost     Transactions: native -> none (declared): Kinesis has no transactions
	// lost     Retention: unlimited -> 24h, can be raised to 8760h (discovered)
	// gained   LagTime: emulated -> native (declared): MillisBehindLatest
	// changed  Partitions: 12 -> 4
}
