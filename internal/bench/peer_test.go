package main

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCrowdCountsWhatItDid(t *testing.T) {
	var calls atomic.Int64
	n, err := inCrowd(8, 100, time.Now(), func(int, int) error {
		calls.Add(1)
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 100)
	require.EqualValues(t, calls.Load(), n)
}

func TestCrowdStopsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	_, err := inCrowd(8, 1_000_000_000, time.Now(), func(_, i int) error {
		if i == 10 {
			return broken
		}
		return nil
	})
	require.ErrorIs(t, err, broken)
}

func TestShapesHoldWholeChunksInEveryPartition(t *testing.T) {
	all := shapes(Options{Full: true})
	require.Len(t, all, 8)
	require.Equal(t, []shape{headline}, shapes(Options{}))
	for _, s := range all {
		n := s.records(kafkaRecords)
		require.Zero(t, n%(s.partitions*chunk), s)
		require.LessOrEqual(t, n*s.valueBytes, kafkaRecords*valueBytes, s)
		require.Equal(t, s.partitions*chunk, s.records(1), s)
	}
}

func TestStoresGatherPeersThatCanDoAsMuch(t *testing.T) {
	var v venue
	seen := map[string]int{}
	for _, s := range v.stores(Options{Records: kafkaRecords}, headline) {
		for _, p := range s.peers {
			seen[p.name]++
			require.True(t, p.limit == 0 || s.records <= p.limit, p.name)
		}
	}
	for _, p := range peers() {
		if p.consumer != nil {
			require.Equal(t, 1, seen[p.name], p.name)
		}
	}
}

func TestPercentileIsOneOfTheSample(t *testing.T) {
	s := Sample{4, 1, 3, 2}
	require.Equal(t, 3.0, percentile(s, 50))
	require.Equal(t, 4.0, percentile(s, 99))
	require.Equal(t, 4.0, percentile(s, 100))
}
