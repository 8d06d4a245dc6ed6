package memory

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMurmur2IsJavas has vectors of Kafka's own test of its hash.
func TestMurmur2IsJavas(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		require.Equal(t, want, int32(murmur2([]byte(key))), "%s", key)
		require.Equal(t, int(uint32(want)&0x7fffffff)%7, murmurIndex([]byte(key), 7), "%s", key)
	}
}

func TestHashIsMD5(t *testing.T) {
	require.Equal(t, point{0xd41d8cd98f00b204, 0xe9800998ecf8427e}, hashPoint(nil))
	require.Equal(t, point{0x900150983cd24fb0, 0xd6963f7d28e17f72}, hashPoint([]byte("abc")))
}

// More keys than the cache has slots, and routes that change between two looks.
func TestPlacesRememberedAreRight(t *testing.T) {
	halves := &routes{open: []*partition{{high: fraction(1, 2)}, {high: lastPoint}}}
	thirds := &routes{open: []*partition{{high: fraction(1, 3)}, {high: fraction(2, 3)}, {high: lastPoint}}}
	c := newPlaceCache()
	for range 2 {
		for _, r := range []*routes{halves, thirds, thirds, halves} {
			for i := range 3 * placeSlots {
				key := strconv.AppendInt(nil, int64(i%(2*placeSlots)), 10)
				require.Equal(t, r.at(hashPoint(key)), c.of(key, r))
			}
		}
	}
}

func TestMiddleHalvesARange(t *testing.T) {
	whole := point{}.middle(lastPoint)
	require.Equal(t, point{1<<63 - 1, ^uint64(0)}, whole)
	require.Equal(t, point{1 << 63, 0}, whole.next())
	require.Equal(t, point{^uint64(0) - 1, ^uint64(0)}, point{^uint64(0) - 1, ^uint64(0)}.middle(point{^uint64(0), 0}))
}

func TestRangesCoverEverythingOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 64} {
		var open []*partition
		for i := range n {
			high := lastPoint
			if i+1 < n {
				high = fraction(i+1, n)
				high.high--
				high.low = ^uint64(0)
			}
			open = append(open, &partition{index: i, low: fraction(i, n), high: high})
		}
		require.Equal(t, point{}, open[0].low)
		require.Equal(t, lastPoint, open[n-1].high)
		for i := 1; i < n; i++ {
			require.Equal(t, open[i].low, open[i-1].high.next())
		}
		r := &routes{open: open}
		for i := range n {
			require.Equal(t, i, r.at(open[i].low))
			require.Equal(t, i, r.at(open[i].high))
		}
	}
}
