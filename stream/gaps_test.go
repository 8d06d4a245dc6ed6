package stream_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

func gapsOf(t *testing.T, err error) stream.Gaps {
	t.Helper()
	var gaps stream.Gaps
	require.ErrorAs(t, err, &gaps)
	return gaps
}

// findGap returns the place of the gap in a field, or -1.
func findGap(gaps stream.Gaps, name string) int {
	for i := range gaps {
		if gaps[i].Name == name {
			return i
		}
	}
	return -1
}

func TestMissingIsNilWhenAllIsThere(t *testing.T) {
	var r stream.Requirements
	for _, value := range reflect.ValueOf(&r).Elem().Fields() {
		if value.Kind() == reflect.Uint8 {
			value.SetUint(uint64(stream.Emulated))
		}
	}
	r.Compaction, r.PushDelivery = 0, 0
	r.MaxRecordBytes, r.MaxStateBytes = 1_048_588, 3<<10
	r.PartitionWriteBytes, r.PartitionWriteRecords = math.MaxInt64, math.MaxInt64
	r.PartitionReadBytes, r.PartitionReadCalls = math.MaxInt64, math.MaxInt64
	r.Retention = -1
	err := kafka().Missing(r)
	require.True(t, err == nil, "%v", err)
}

func TestMissingListsEveryGapInOrder(t *testing.T) {
	r := everything(t)
	err := stream.Capabilities{}.Missing(r)
	require.ErrorIs(t, err, stream.ErrUnsupported)
	gaps := gapsOf(t, err)
	require.Len(t, gaps, reflect.TypeFor[stream.Requirements]().NumField())

	var order []string
	for field := range reflect.TypeFor[stream.Capabilities]().Fields() {
		if findGap(gaps, field.Name) >= 0 {
			order = append(order, field.Name)
		}
	}
	for i, gap := range gaps {
		require.Equal(t, order[i], gap.Name)
		require.Contains(t, gap.Have, "does not mean none")
		require.Contains(t, gap.WayOut, "let the backend find out")
		require.Contains(t, err.Error(), "\n\t"+gap.Name+": want "+gap.Want+", have "+gap.Have)
		require.Empty(t, gap.Stream)
	}
	require.Equal(t, err.Error(), stream.Capabilities{}.Missing(r).Error())
}

func TestGapTellsWantHaveReasonAndWayOut(t *testing.T) {
	err := kinesis().Missing(stream.Requirements{Transactions: stream.Native})
	require.Equal(t, stream.Gaps{{
		Name: "Transactions", Want: "native", Have: "none (declared)", Reason: "Kinesis has no transactions",
		WayOut: "use a Checkpointer in your own database for exactly-once effects",
	}}, gapsOf(t, err))
	require.Equal(t, "unsupported: Transactions: want native, have none (declared): Kinesis has no transactions; "+
		"way out: use a Checkpointer in your own database for exactly-once effects", err.Error())
}

func TestSupportIsEnoughFromTheDegreeWanted(t *testing.T) {
	for have := stream.Unknown; have <= stream.Native; have++ {
		for want := stream.Unknown; want <= stream.Native; want++ {
			c := stream.Capabilities{Headers: stream.Flag{Support: have, Source: stream.Declared}}
			err := c.Missing(stream.Requirements{Headers: want})
			if want <= stream.None || have >= want {
				require.NoError(t, err, "have %v, want %v", have, want)
			} else {
				require.Len(t, gapsOf(t, err), 1, "have %v, want %v", have, want)
			}
		}
	}
}

func TestLimitBounds(t *testing.T) {
	for name, test := range map[string]struct {
		have stream.Limit
		want int64
		gap  string // Have and the beginning of WayOut; empty: enough
	}{
		"exactly enough":       {stream.Limit{Value: 100, Source: stream.Discovered}, 100, ""},
		"one too few":          {stream.Limit{Value: 99, Source: stream.Discovered}, 100, "99 B (discovered)|change the stream's"},
		"hard is not raised":   {stream.Limit{Value: 99, Hard: true, Source: stream.Declared}, 100, "99 B, hard (declared)|wrap the"},
		"no limit":             {stream.Limit{Source: stream.Declared}, math.MaxInt64, ""},
		"no limit, hard":       {stream.Limit{Hard: true, Source: stream.Declared}, math.MaxInt64, ""},
		"not known":            {stream.Limit{Reason: "denied"}, 1, "unknown (it could|let the backend find out, or"},
		"nothing":              {stream.Limit{Value: -1, Source: stream.Assumed}, 1, "nothing (assumed)|change the stream's"},
		"nothing is asked":     {stream.Limit{}, 0, ""},
		"value without source": {stream.Limit{Value: 5}, 6, "5 B|change the stream's"},
	} {
		t.Run(name, func(t *testing.T) {
			c := stream.Capabilities{MaxRecordBytes: test.have}
			err := c.Missing(stream.Requirements{MaxRecordBytes: test.want})
			if test.gap == "" {
				require.NoError(t, err)
				return
			}
			gap := gapsOf(t, err)[0]
			have, way, _ := strings.Cut(test.gap, "|")
			require.True(t, strings.HasPrefix(gap.Have, have), gap.Have)
			require.True(t, strings.HasPrefix(gap.WayOut, way), gap.WayOut)
			require.Equal(t, test.have.Reason, gap.Reason)
		})
	}
}

func TestRetentionBounds(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		have stream.Retention
		want time.Duration
		gap  string
	}{
		"exactly enough":     {stream.Retention{Current: day, Source: stream.Discovered}, day, ""},
		"too short":          {stream.Retention{Current: day}, day + 1, "24h|change the stream's configuration"},
		"can be raised":      {stream.Retention{Current: day, Max: 3 * day}, 3 * day, "24h, can be raised to 72h|change the stream's"},
		"not so far":         {stream.Retention{Current: day, Max: 3 * day}, 4 * day, "24h, can be raised to 72h|copy the records"},
		"unlimited":          {stream.Retention{Unlimited: true}, -1, ""},
		"forever is wanted":  {stream.Retention{Current: day, Max: 3 * day}, -1, "24h, can be raised to 72h|copy the"},
		"not known":          {stream.Retention{Max: 3 * day}, 1, "unknown (it could|let the backend find out, or copy"},
		"bytes come first":   {stream.Retention{Unlimited: true, Bytes: 1 << 30}, 1, "unlimited, but at most 1 GiB a partition|change the"},
		"nothing is asked":   {stream.Retention{}, 0, ""},
		"maximum is current": {stream.Retention{Current: day, Max: day}, 2 * day, "24h|copy the records"},
	} {
		t.Run(name, func(t *testing.T) {
			err := stream.Capabilities{Retention: test.have}.Missing(stream.Requirements{Retention: test.want})
			if test.gap == "" {
				require.NoError(t, err)
				return
			}
			gap := gapsOf(t, err)[0]
			have, way, _ := strings.Cut(test.gap, "|")
			require.True(t, strings.HasPrefix(gap.Have, have), gap.Have)
			require.True(t, strings.HasPrefix(gap.WayOut, way), gap.WayOut)
		})
	}
}

func TestRequirementsThatNothingMeetsAreInvalid(t *testing.T) {
	err := kafka().Missing(stream.Requirements{KeyOrder: 9, MaxRecordBytes: -1})
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.NotErrorIs(t, err, stream.ErrUnsupported)
	for _, name := range []string{"KeyOrder", "MaxRecordBytes"} {
		require.ErrorContains(t, err, name)
	}
}

func TestGapSurvivesWrapping(t *testing.T) {
	err := fmt.Errorf("start: %w", &stream.Error{Op: "open", Err: kinesis().Missing(stream.Requirements{Compaction: stream.Native})})
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.Equal(t, "Compaction", gapsOf(t, err)[0].Name)
}

func ExampleCapabilities_Missing() {
	have := stream.Capabilities{
		KeyOrder:       stream.Flag{Support: stream.Native, Source: stream.Declared},
		Transactions:   stream.Flag{Support: stream.None, Source: stream.Declared, Reason: "Kinesis has no transactions"},
		Durability:     stream.Flag{Reason: "the client may not describe the stream"},
		MaxRecordBytes: stream.Limit{Value: 1 << 20, Source: stream.Discovered, Reason: "UpdateMaxRecordSize raises it to 10 MiB"},
	}
	err := have.Missing(stream.Requirements{
		KeyOrder: stream.Emulated, Transactions: stream.Native, Durability: stream.Native, MaxRecordBytes: 2 << 20,
	})
	var gaps stream.Gaps
	if errors.As(err, &gaps) {
		for _, gap := range gaps {
			fmt.Printf("%s: want %s, have %s\n  %s\n  way out: %s\n", gap.Name, gap.Want, gap.Have, gap.Reason, gap.WayOut)
		}
	}
	// Output:
	// Transactions: want native, have none (declared)
	//   Kinesis has no transactions
	//   way out: use a Checkpointer in your own database for exactly-once effects
	// Durability: want native, have unknown (it could not be found out, which does not mean none)
	//   the client may not describe the stream
	//   way out: let the backend find out, or keep a second copy in another stream or store
	// MaxRecordBytes: want at least 2 MiB, have 1 MiB (discovered)
	//   UpdateMaxRecordSize raises it to 10 MiB
	//   way out: change the stream's configuration, or wrap the backend in Chunked, or keep the value elsewhere and send where it is
}
