package shard

import (
	"cmp"
	"crypto/md5" //nolint:gosec // the service places keys by MD5
	"encoding/binary"
	"math/big"
)

// A Hash is a point of the space in which Kinesis places keys: 0 to 2^128-1.
type Hash struct{ High, Low uint64 }

// maxHash is the end of the space.
var maxHash = Hash{High: 1<<64 - 1, Low: 1<<64 - 1}

// HashKey is where a partition key belongs: the MD5 of its UTF-8 bytes as a big-endian number (API operation PutRecord).
func HashKey(key string) Hash {
	sum := md5.Sum([]byte(key)) //nolint:gosec // see above
	return Hash{High: binary.BigEndian.Uint64(sum[:8]), Low: binary.BigEndian.Uint64(sum[8:])}
}

// ParseHash reads a decimal hash key as the service writes it. It refuses signs, spaces and what is over 2^128-1.
func ParseHash(text string) (Hash, bool) {
	const longest = 39 // digits of 2^128-1
	if text == "" || len(text) > longest {
		return Hash{}, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return Hash{}, false
		}
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.BitLen() > 128 {
		return Hash{}, false
	}
	var b [16]byte
	n.FillBytes(b[:])
	return Hash{High: binary.BigEndian.Uint64(b[:8]), Low: binary.BigEndian.Uint64(b[8:])}, true
}

// String is the decimal form, as ExplicitHashKey wants it.
func (h Hash) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], h.High)
	binary.BigEndian.PutUint64(b[8:], h.Low)
	return new(big.Int).SetBytes(b[:]).String()
}

// Compare orders the space.
func (h Hash) Compare(o Hash) int {
	if h.High == o.High {
		return cmp.Compare(h.Low, o.Low)
	}
	return cmp.Compare(h.High, o.High)
}

// Next is the point after h; false at the end of the space.
func (h Hash) Next() (Hash, bool) {
	if h == maxHash {
		return Hash{}, false
	}
	h.Low++
	if h.Low == 0 {
		h.High++
	}
	return h, true
}

// A Range is a shard's part of the space, both ends included.
type Range struct{ First, Last Hash }

// Whole is the whole space.
func Whole() Range { return Range{Last: maxHash} }

// Contains reports whether h is in r.
func (r Range) Contains(h Hash) bool { return r.First.Compare(h) <= 0 && h.Compare(r.Last) <= 0 }

// Overlaps reports whether r and o have a point in common.
func (r Range) Overlaps(o Range) bool {
	return r.First.Compare(o.Last) <= 0 && o.First.Compare(r.Last) <= 0
}
