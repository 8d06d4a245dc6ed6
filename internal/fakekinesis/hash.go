package fakekinesis

import (
	"cmp"
	"crypto/md5" //nolint:gosec // the service places keys by MD5
	"encoding/binary"
	"math/big"
	"math/bits"
)

// A hash is a point of the space in which keys are placed: 0 to 2^128-1.
type hash struct{ high, low uint64 }

// lastHash is the end of the space.
var lastHash = hash{1<<64 - 1, 1<<64 - 1}

// hashOf places a partition key ("An MD5 hash function is used to map partition keys to 128-bit integer values", PutRecord).
func hashOf(key string) hash {
	sum := md5.Sum([]byte(key)) //nolint:gosec // see above
	return hash{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// parseHash reads an explicit hash key: 0 or [1-9]\d{0,38}, at most 2^128-1 (API reference, ExplicitHashKey).
func parseHash(text string) (hash, bool) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 128 || n.Text(10) != text {
		return hash{}, false
	}
	return hashOfInt(n), true
}

func hashOfInt(n *big.Int) hash {
	var b [16]byte
	n.FillBytes(b[:])
	return hash{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// String is the decimal form.
func (h hash) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], h.high)
	binary.BigEndian.PutUint64(b[8:], h.low)
	return new(big.Int).SetBytes(b[:]).String()
}

func (h hash) compare(o hash) int {
	return cmp.Or(cmp.Compare(h.high, o.high), cmp.Compare(h.low, o.low))
}

// next is the point after h; the caller knows that there is one.
func (h hash) next() hash {
	low, carry := bits.Add64(h.low, 1, 0)
	return hash{h.high + carry, low}
}

// before is the point before h; the caller knows that there is one.
func (h hash) before() hash {
	low, borrow := bits.Sub64(h.low, 1, 0)
	return hash{h.high - borrow, low}
}

// A span is a shard's part of the space, both ends included.
type span struct{ first, last hash }

func (s span) contains(h hash) bool { return s.first.compare(h) <= 0 && h.compare(s.last) <= 0 }

// middle is where the upper half of s begins.
func (s span) middle() hash {
	low, borrow := bits.Sub64(s.last.low, s.first.low, 0)
	high, _ := bits.Sub64(s.last.high, s.first.high, borrow)
	half := hash{high >> 1, low>>1 | high<<63}
	low, carry := bits.Add64(s.first.low, half.low, 0)
	high, _ = bits.Add64(s.first.high, half.high, carry)
	return hash{high, low}.next()
}

// spans divides the whole space evenly.
func spans(n int) []span {
	size := new(big.Int).Lsh(big.NewInt(1), 128)
	all := make([]span, n)
	first := hash{}
	for i := range all {
		end := new(big.Int).Mul(size, big.NewInt(int64(i+1)))
		end.Div(end, big.NewInt(int64(n)))
		all[i] = span{first, hashOfInt(end.Sub(end, big.NewInt(1)))}
		if i < n-1 {
			first = all[i].last.next()
		}
	}
	return all
}
