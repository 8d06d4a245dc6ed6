package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeyGivesItsIndexBack(t *testing.T) {
	for _, i := range []int{0, 1, 999, 19_999} {
		require.Len(t, keyOf(i), keyBytes)
		require.Equal(t, i, indexOf(keyOf(i)))
	}
}

func TestVerifyFindsWhatIsMissing(t *testing.T) {
	l := newLoad(10, valueBytes)
	var sum uint64
	for range 2 {
		for _, r := range l.records {
			sum += digest(r.Value)
		}
	}
	require.NoError(t, l.verify(sum, 2))
	require.Error(t, l.verify(sum, 3))
	require.Error(t, l.verify(sum-digest(l.records[3].Value), 2))
}

func TestRoundsAreWholeAndAtLeastOne(t *testing.T) {
	l := newLoad(10, valueBytes)
	require.Equal(t, 1, l.rounds(3))
	require.Equal(t, 2, l.rounds(29))
}
