package shard

import (
	"encoding/binary"
	"math/big"
	"math/bits"

	"github.com/streamport-go/streamport/stream"
)

// Position is where record sub of the Kinesis record with this sequence number stands: sub is its index inside the
// aggregate, 0 for a plain record. False if the number is none: not decimal, zero or over 192 bits. The service's numbers
// have 186 bits.
func Position(sequence string, sub uint32) (stream.Position, bool) {
	const longest, chunk = 58, 19 // digits of 2^192-1, and of what fits into a word
	if sequence == "" || len(sequence) > longest || sequence[0] == '0' {
		return stream.Position{}, false
	}
	var n [3]uint64
	for first := len(sequence) % chunk; sequence != ""; first = chunk {
		if first == 0 {
			continue
		}
		part := uint64(0)
		for i := range first {
			digit := sequence[i] - '0'
			if digit > 9 {
				return stream.Position{}, false
			}
			part = part*10 + uint64(digit)
		}
		sequence = sequence[first:]
		if !grow(&n, part) {
			return stream.Position{}, false
		}
	}
	return stream.MakePosition(n, sub, 0), true
}

// grow appends 19 decimal digits to n, or reports false if that is over 192 bits.
func grow(n *[3]uint64, more uint64) bool {
	const scale = 10_000_000_000_000_000_000
	for i := len(n) - 1; i >= 0; i-- {
		high, low := bits.Mul64(n[i], scale)
		sum, over := bits.Add64(low, more, 0)
		n[i], more = sum, high+over
	}
	return more == 0
}

// Sequence is the inverse of Position.
func Sequence(p stream.Position) (sequence string, sub uint32) {
	major, sub, _ := p.Parts()
	var b [24]byte
	for i, word := range major {
		binary.BigEndian.PutUint64(b[8*i:], word)
	}
	return new(big.Int).SetBytes(b[:]).String(), sub
}
