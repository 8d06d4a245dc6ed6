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
		part, ok := number(sequence[:first])
		sequence = sequence[first:]
		if !ok || !grow(&n, part) {
			return stream.Position{}, false
		}
	}
	return stream.MakePosition(n, sub, 0), true
}

// number is a word in decimal, of at most 19 digits.
func number(digits string) (n uint64, ok bool) {
	const group = 8
	for ; len(digits) >= group; digits = digits[group:] {
		part, ok := eight(digits[:group])
		if !ok {
			return 0, false
		}
		n = n*100_000_000 + part
	}
	for i := range len(digits) {
		digit := digits[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = n*10 + uint64(digit)
	}
	return n, true
}

// eight is a number of eight digits. It deals with all of them at once, a byte of a word each: checks that each is a
// digit, then adds up neighbours, pairs of neighbours, and pairs of these.
func eight(digits string) (uint64, bool) {
	_ = digits[7]
	n := uint64(digits[0]) | uint64(digits[1])<<8 | uint64(digits[2])<<16 | uint64(digits[3])<<24 |
		uint64(digits[4])<<32 | uint64(digits[5])<<40 | uint64(digits[6])<<48 | uint64(digits[7])<<56
	const zeros, upper, six = 0x3030303030303030, 0xf0f0f0f0f0f0f0f0, 0x0606060606060606
	if n&upper != zeros || (n+six)&upper != zeros {
		return 0, false
	}
	n = (n & 0x0f0f0f0f0f0f0f0f) * (10<<8 + 1) >> 8
	n = (n & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	return (n & 0x0000ffff0000ffff) * (10_000<<32 + 1) >> 32, true
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
