package shard_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

const last = "340282366920938463463374607431768211455" // 2^128-1

// The MD5 of "abc" is that of RFC 1321, appendix A.5.
func TestHashKeyIsTheMD5(t *testing.T) {
	want, _ := new(big.Int).SetString("900150983cd24fb0d6963f7d28e17f72", 16)
	require.Equal(t, want.String(), shard.HashKey("abc").String())
}

func TestParseHash(t *testing.T) {
	for _, text := range []string{"0", "1", "18446744073709551616", last} {
		h, ok := shard.ParseHash(text)
		require.True(t, ok, text)
		require.Equal(t, text, h.String())
	}
	for _, text := range []string{"", "-1", "+1", "0x1", " 1", "1 ", "1e3", "٣", "340282366920938463463374607431768211456", last + "0"} {
		_, ok := shard.ParseHash(text)
		require.False(t, ok, text)
	}
}

func TestHashesAreOrdered(t *testing.T) {
	low, high := shard.Hash{Low: 1<<64 - 1}, shard.Hash{High: 1}
	require.Negative(t, low.Compare(high))
	require.Positive(t, high.Compare(low))
	require.Zero(t, high.Compare(high))
	next, more := low.Next()
	require.True(t, more)
	require.Equal(t, high, next)
	_, more = shard.Whole().Last.Next()
	require.False(t, more)
}

func TestRangesIncludeBothEnds(t *testing.T) {
	r := shard.Range{First: shard.Hash{Low: 5}, Last: shard.Hash{Low: 9}}
	for low, in := range map[uint64]bool{4: false, 5: true, 7: true, 9: true, 10: false} {
		require.Equal(t, in, r.Contains(shard.Hash{Low: low}), low)
	}
	require.True(t, r.Overlaps(shard.Range{First: shard.Hash{Low: 9}, Last: shard.Hash{Low: 20}}))
	require.True(t, r.Overlaps(shard.Whole()))
	require.False(t, r.Overlaps(shard.Range{First: shard.Hash{Low: 10}, Last: shard.Hash{Low: 20}}))
}

// A map finds the open shard of every point, and nothing in a hole.
func TestFind(t *testing.T) {
	one := shard.Shard{ID: "one", Range: shard.Range{Last: shard.Hash{Low: 9}}}
	gone := shard.Shard{ID: "gone", Closed: true, Range: shard.Range{First: shard.Hash{Low: 10}, Last: shard.Hash{Low: 19}}}
	two := shard.Shard{ID: "two", Range: shard.Range{First: shard.Hash{Low: 20}, Last: shard.Hash{Low: 29}}}
	m := shard.NewMap([]shard.Shard{two, gone, one})
	for low, want := range map[uint64]string{0: "one", 9: "one", 10: "", 19: "", 20: "two", 29: "two", 30: ""} {
		found, ok := m.Find(shard.Hash{Low: low})
		require.Equal(t, want != "", ok, low)
		require.Equal(t, want, found.ID, low)
	}
	require.Len(t, m.Open(), 2)
	_, ok := shard.NewMap(nil).Find(shard.Hash{})
	require.False(t, ok)
}

func TestParents(t *testing.T) {
	require.Empty(t, shard.Shard{}.Parents())
	require.Equal(t, []string{"a"}, shard.Shard{Parent: "a"}.Parents())
	require.Equal(t, []string{"a", "b"}, shard.Shard{Parent: "a", Adjacent: "b"}.Parents())
}

func FuzzParseHash(f *testing.F) {
	for _, text := range []string{"", "0", "01", "-1", last, last + "0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, ok := shard.ParseHash(text)
		if !ok {
			return
		}
		again, ok := shard.ParseHash(h.String())
		require.True(t, ok)
		require.Equal(t, h, again)
		require.True(t, shard.Whole().Contains(h))
	})
}

func FuzzPosition(f *testing.F) {
	for _, text := range []string{"", "0", "01", "1", "49590338271490256608559692538361571095921575989136588898", "TRIM_HORIZON"} {
		f.Add(text, uint32(7))
	}
	f.Fuzz(func(t *testing.T, text string, index uint32) {
		p, ok := shard.Position(text, index)
		if !ok {
			require.Zero(t, p)
			return
		}
		require.False(t, p.IsZero())
		sequence, sub := shard.Sequence(p)
		require.Equal(t, text, sequence)
		require.Equal(t, index, sub)
		next, _ := shard.Position("1"+text, index)
		require.True(t, next == stream.Position{} || p.Compare(next) < 0)
	})
}
