package stream

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The prefix agrees with a plain set, whatever the order in which records are done, and holds no more spans than there
// are gaps.
func TestPrefixAgreesWithASet(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		p := prefix{next: 1}
		done := map[uint64]bool{}
		n := 1 + r.IntN(200)
		for _, i := range append(r.Perm(n), r.Perm(n)...) { // every record twice
			number := uint64(i + 1)
			before := p.next
			grew := p.done(number, MakePosition([3]uint64{0, 0, number * 10}, 0, 0))
			done[number] = true
			want := uint64(1)
			for done[want] {
				want++
			}
			require.Equal(t, want, p.next)
			require.Equal(t, want > before, grew)
			if want > 1 {
				require.Equal(t, MakePosition([3]uint64{0, 0, (want - 1) * 10}, 0, 0), p.at)
			}
			require.LessOrEqual(t, len(p.spans), gapsBehind(done, want, uint64(n)))
		}
		require.Equal(t, uint64(n+1), p.next)
		require.Empty(t, p.spans)
	}
}

// gapsBehind counts the runs of done numbers from first on.
func gapsBehind(done map[uint64]bool, first, last uint64) int {
	runs := 0
	for n := first; n <= last; n++ {
		if done[n] && !done[n-1] {
			runs++
		}
	}
	return runs
}

// One record that is never done costs nothing more, however many others are done behind it.
func TestPrefixIsBoundedByGaps(t *testing.T) {
	p := prefix{next: 1}
	for n := uint64(2); n < 100_000; n++ {
		p.done(n, MakePosition([3]uint64{0, 0, n}, 0, 0))
	}
	require.Len(t, p.spans, 1)
	require.True(t, p.done(1, MakePosition([3]uint64{0, 0, 1}, 0, 0)))
	require.Equal(t, uint64(100_000), p.next)
}
