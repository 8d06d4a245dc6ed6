package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedianIsTheMiddleWhateverTheOrder(t *testing.T) {
	require.Equal(t, 3.0, Sample{9, 1, 3}.Median())
	require.Equal(t, 2.5, Sample{4, 1, 2, 3}.Median())
	require.Equal(t, 7.0, Sample{7}.Median())
	require.Zero(t, Sample(nil).Median())
}

func TestMedianLeavesTheOrderOfMeasurement(t *testing.T) {
	s := Sample{9, 1, 3}
	s.Median()
	require.Equal(t, Sample{9, 1, 3}, s)
}

func TestSpread(t *testing.T) {
	s := Sample{2, -1, 5}
	require.Equal(t, -1.0, s.Min())
	require.Equal(t, 5.0, s.Max())
	require.Zero(t, Sample(nil).Min())
	require.Zero(t, Sample(nil).Max())
}

func TestOverPairsRepetitions(t *testing.T) {
	require.Equal(t, Sample{2, 3}, Sample{4, 30}.Over(Sample{2, 10}))
	require.Panics(t, func() { Sample{1}.Over(Sample{1, 2}) })
}

func TestMeasureCountsAllocations(t *testing.T) {
	const n = 10_000
	kept := make([][]byte, n)
	cost, err := measure(n, func() error {
		for i := range kept {
			kept[i] = make([]byte, 64)
		}
		return nil
	})
	require.NoError(t, err)
	require.InDelta(t, 1, cost.Allocs, 0.1)
	require.InDelta(t, 64, cost.Bytes, 16)
	require.Positive(t, cost.Nanos)
}

func TestMeasureReturnsTheError(t *testing.T) {
	broken := errors.New("broken")
	_, err := measure(1, func() error { return broken })
	require.ErrorIs(t, err, broken)
}
