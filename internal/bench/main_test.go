package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnknownSubcommandListsTheKnownOnes(t *testing.T) {
	for _, args := range [][]string{nil, {"sqs"}} {
		err := dispatch(t.Context(), args, &strings.Builder{}, &strings.Builder{})
		require.ErrorContains(t, err, "memory (")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, args := range [][]string{
		{"-reps", "4"}, {"-n", "1"}, {"extra"}, {"-only", "("}, {"-no-such-flag"},
	} {
		_, err := parseOptions("memory", args, &strings.Builder{})
		require.Error(t, err, "%q", args)
	}
	for _, flag := range []string{"-smoke", "-short"} {
		o, err := parseOptions("memory", []string{flag}, &strings.Builder{})
		require.NoError(t, err)
		require.True(t, o.Smoke)
	}
}

// The metrics that are promised by name come out, in lines and in JSON.
func TestSmokeRunPrintsEveryMetric(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	var out strings.Builder
	require.NoError(t, dispatch(t.Context(), []string{"memory", "-smoke", "-json", file}, &out, &strings.Builder{}))

	printed := map[string]bool{}
	line := regexp.MustCompile(`^metric (\S+) -?[0-9]+(\.[0-9]+)? \S+$`)
	for text := range strings.Lines(out.String()) {
		if strings.HasPrefix(text, "metric ") {
			found := line.FindStringSubmatch(strings.TrimSuffix(text, "\n"))
			require.NotNil(t, found, text)
			require.False(t, printed[found[1]], "%s twice", found[1])
			printed[found[1]] = true
		}
	}
	for _, name := range []string{
		"memory.batch_vs_channel", "memory.single_vs_channel", "memory.vs_watermill", "memory.vs_mempubsub",
		"memory.partitions16_vs_1", "memory.consume_allocs", "memory.produce_allocs", "bykey64_speedup",
		"memory.bykey_vs_each", "memory.overhead_bytes", "memory.middle_start", "memory.trim_growth",
		"memory.rebalance_growth_8_members",
	} {
		require.True(t, printed[name], name)
	}

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var report Report
	require.NoError(t, json.Unmarshal(text, &report))
	require.Len(t, report.Metrics, len(printed))
	require.NotEmpty(t, report.Tables)
	require.True(t, report.Smoke)
}
