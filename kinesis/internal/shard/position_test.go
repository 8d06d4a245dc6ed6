package shard_test

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

func TestPositionIsTheSequenceNumber(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		digits := make([]byte, 1+dice.IntN(58))
		for i := range digits {
			digits[i] = byte('0' + dice.IntN(10))
		}
		digits[0] = byte('1' + dice.IntN(9))
		n, _ := new(big.Int).SetString(string(digits), 10)
		p, ok := shard.Position(string(digits), 7)
		require.Equal(t, n.BitLen() <= 192, ok, string(digits))
		if !ok {
			continue
		}
		var want stream.Position
		require.NoError(t, want.UnmarshalText(append(digits, ".7"...)))
		require.Equal(t, want, p)
		sequence, sub := shard.Sequence(p)
		require.Equal(t, string(digits), sequence)
		require.EqualValues(t, 7, sub)
	}
}

func TestWhatIsNoSequenceNumberHasNoPosition(t *testing.T) {
	most := new(big.Int).Lsh(big.NewInt(1), 192)
	bad := []string{
		"", "0", "01", "-1", "+1", " 1", "1 ", "1.5", "1@2", "٣", "12a4", "TRIM_HORIZON",
		most.String(), strings.Repeat("9", 58), strings.Repeat("1", 59),
	}
	for _, text := range bad {
		_, ok := shard.Position(text, 0)
		require.False(t, ok, text)
	}
	_, ok := shard.Position(most.Sub(most, big.NewInt(1)).String(), 0)
	require.True(t, ok)
}

// Every other byte, in every place, makes a number none.
func TestOneWrongDigitIsNoSequenceNumber(t *testing.T) {
	const right = "49590338271490256608559692538361571095921575989136588898"
	for i := range len(right) {
		for c := range 256 {
			text := []byte(right)
			text[i] = byte(c)
			_, ok := shard.Position(string(text), 0)
			require.Equal(t, c >= '0' && c <= '9' && (i > 0 || c != '0'), ok, "%q", text)
		}
	}
}

func BenchmarkPosition(b *testing.B) {
	for b.Loop() {
		shard.Position("49590338271490256608559692538361571095921575989136588898", 0)
	}
}
