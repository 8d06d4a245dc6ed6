package stream_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

func TestPositionText(t *testing.T) {
	most := ^uint64(0)
	for text, p := range map[string]stream.Position{
		"0":                    {},
		"42":                   stream.MakePosition([3]uint64{0, 0, 42}, 0, 0),
		"42.7":                 stream.MakePosition([3]uint64{0, 0, 42}, 7, 0),
		"42@3":                 stream.MakePosition([3]uint64{0, 0, 42}, 0, 3),
		"42.7@3":               stream.MakePosition([3]uint64{0, 0, 42}, 7, 3),
		"18446744073709551616": stream.MakePosition([3]uint64{0, 1, 0}, 0, 0),
		// A sequence number of Kinesis.
		"49590338271490256608559692538361571095921575989136588898": sequenceNumber(t, "49590338271490256608559692538361571095921575989136588898"),
		"6277101735386680763835789423207666416102355444464034512895.4294967295@4294967295": stream.MakePosition(
			[3]uint64{most, most, most}, 1<<32-1, 1<<32-1),
	} {
		written, err := p.MarshalText()
		require.NoError(t, err)
		require.Equal(t, text, string(written))
		require.Equal(t, text, p.String())
		var read stream.Position
		require.NoError(t, read.UnmarshalText([]byte(text)))
		require.Equal(t, p, read)
	}
}

// row 29: a position that is truncated, from elsewhere or out of range is refused, and the old value stays.
func TestPositionRefusesWhatItDoesNotWrite(t *testing.T) {
	for _, text := range []string{
		"", " ", "-1", "+1", "01", "1 ", "1.", "1.0", "1.00", "1@", "1@0", "1@2.3", "1.2.3", "1@2@3", ".1", "@1", "0x1", "1e3", "LATEST",
		"1.4294967296", "1@4294967296", "6277101735386680763835789423207666416102355444464034512896",
		"99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
	} {
		p := stream.MakePosition([3]uint64{0, 0, 9}, 0, 0)
		require.ErrorIs(t, p.UnmarshalText([]byte(text)), stream.ErrInvalid, text)
		require.Equal(t, "9", p.String())
	}
}

func TestPositionOrder(t *testing.T) {
	at := func(high, middle, low uint64, sub, term uint32) stream.Position {
		return stream.MakePosition([3]uint64{high, middle, low}, sub, term)
	}
	ordered := []stream.Position{{}, at(0, 0, 0, 1, 0), at(0, 0, 9, 0, 0), at(0, 0, 10, 0, 0), at(0, 0, 10, 1, 0), at(0, 1, 0, 0, 0), at(1, 0, 0, 0, 0)}
	for i, p := range ordered {
		for j, q := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			require.Equal(t, want, p.Compare(q), "%v against %v", p, q)
		}
	}
	p, q := at(0, 0, 7, 0, 1), at(0, 0, 7, 0, 2)
	require.Zero(t, p.Compare(q), "the term does not order")
	require.NotEqual(t, p, q)
	require.False(t, p.IsZero())
	require.True(t, stream.Position{}.IsZero())
}

func FuzzPositionText(f *testing.F) {
	for _, text := range []string{"0", "1.2@3", "49590338271490256608559692538361571095921575989136588898", "01", "1.0", "@"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p stream.Position
		if p.UnmarshalText(text) != nil {
			require.True(t, p.IsZero())
			return
		}
		require.Equal(t, string(text), p.String(), "what is read is what would be written")
		require.Zero(t, p.Compare(p))
		require.False(t, p.Compare(stream.Position{}) < 0)
	})
}

func sequenceNumber(t *testing.T, text string) stream.Position {
	n, ok := new(big.Int).SetString(text, 10)
	require.True(t, ok)
	var major [3]uint64
	for i := range major {
		major[i] = new(big.Int).Rsh(n, uint(64*(2-i))).Uint64() // the low 64 bits of what is left
	}
	return stream.MakePosition(major, 0, 0)
}
