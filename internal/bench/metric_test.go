package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMetricTakesTheMedianAndJudgesIt(t *testing.T) {
	m := newMetric("a.b", "x", Sample{0.5, 0.3, 0.9}, atMost(0.5))
	require.Equal(t, 0.5, m.Value)
	require.Equal(t, "met", m.verdict())
	require.Equal(t, "MISSED", newMetric("a.b", "x", Sample{0.51}, atMost(0.5)).verdict())
	require.Equal(t, "met", newMetric("a.b", "x", Sample{30}, atLeast(30)).verdict())
	require.Equal(t, "MISSED", newMetric("a.b", "x", Sample{29.9}, atLeast(30)).verdict())
	require.Equal(t, "-", newMetric("a.b", "x", Sample{1}, nil).verdict())
}

func TestTargetReadsAsPeopleWriteIt(t *testing.T) {
	require.Equal(t, "≤ 0.4", atMost(0.4).String())
	require.Equal(t, "≥ 52", atLeast(52).String())
	require.Equal(t, "-", (*Target)(nil).String())
}

func TestMetricLineHasFourFields(t *testing.T) {
	for _, value := range []float64{0, 0.000123456, 0.4, 1, 59.54321, 999.96, 1234.56, 12_345_678, -3.25} {
		m := newMetric("memory.some_metric", "B/record", Sample{value}, nil)
		fields := strings.Split(m.Line(), " ")
		require.Len(t, fields, 4, m.Line())
		require.Equal(t, []string{"metric", "memory.some_metric", "B/record"}, []string{fields[0], fields[1], fields[3]})
		read, err := strconv.ParseFloat(fields[2], 64)
		require.NoError(t, err)
		require.InEpsilon(t, value+1e-9, read+1e-9, 0.001)
		require.NotContains(t, fields[2], "e")
	}
}
