package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireSame compares whole outputs, and shows no more than the first line that differs.
func requireSame(t *testing.T, want, have string) {
	t.Helper()
	if want == have {
		return
	}
	wanted, got := strings.Split(want, "\n"), strings.Split(have, "\n")
	for i := range min(len(wanted), len(got)) {
		require.Equal(t, wanted[i], got[i], "line %d", i+1)
	}
	require.Len(t, got, len(wanted))
}

// requireRight compares the report with what the file says.
func requireRight(t *testing.T, output string) {
	t.Helper()
	tables := strings.Split(output, "\n\n")
	require.Len(t, tables, 4)
	require.Equal(t, wantCounts(t), words(tables[0])[1:])
	account := map[string]string{}
	for _, line := range strings.Split(tables[1], "\n") {
		name, rest, _ := strings.Cut(line, "  ")
		account[name] = strings.Fields(rest)[0]
	}
	require.Equal(t, "1707", account["produced"])
	require.Equal(t, "1707", account["handled"])
	require.Equal(t, "0", account["lost"])
	require.Equal(t, "0", account["out of order"])
	require.NotEqual(t, "0", account["redelivered"], "the crash cost nothing: it came too late to show anything")
	require.Contains(t, tables[2], "doomed")
	require.Contains(t, tables[2], "lost")
	require.Contains(t, tables[3], "PartitionOrder")
}

// wantCounts reads the file by other means than the program: the words of the first table below its heading.
func wantCounts(t *testing.T) [][]string {
	t.Helper()
	file, err := os.ReadFile("earthquakes.ndjson")
	require.NoError(t, err)
	type sum struct {
		count         int
		largest, last float64
	}
	sums := map[string]sum{}
	for _, line := range strings.Split(strings.TrimSpace(string(file)), "\n") {
		var event map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &event))
		for _, network := range []string{event["net"].(string), "all"} {
			s := sums[network]
			s.count++
			s.largest = math.Max(s.largest, event["mag"].(float64))
			s.last = math.Max(s.last, event["time"].(float64))
			sums[network] = s
		}
	}
	require.Equal(t, 1707, sums["all"].count)
	var lines [][]string
	for network, s := range sums {
		last := time.UnixMilli(int64(s.last)).UTC().Format("2006-01-02T15:04:05Z")
		lines = append(lines, []string{network, fmt.Sprint(s.count), fmt.Sprintf("%.2f", s.largest), last})
	}
	slices.SortFunc(lines, func(a, b []string) int {
		if all := strings.Compare(b[0], a[0]); a[0] == "all" || b[0] == "all" {
			return map[bool]int{true: 1, false: -1}[a[0] == "all" && all != 0]
		}
		return sums[b[0]].count - sums[a[0]].count
	})
	return lines
}

func words(table string) [][]string {
	var lines [][]string
	for _, line := range strings.Split(table, "\n") {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}
