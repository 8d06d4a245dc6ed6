package shard

import (
	"encoding/binary"
	"math/big"

	"github.com/streamport-go/streamport/stream"
)

// Position is where record sub of the Kinesis record with this sequence number stands: sub is its index inside the
// aggregate, 0 for a plain record. False if the number is none: not decimal, zero or over 192 bits. The service's numbers
// have 186 bits.
func Position(sequence string, sub uint32) (stream.Position, bool) {
	const longest = 58 // digits of 2^192-1
	if sequence == "" || len(sequence) > longest {
		return stream.Position{}, false
	}
	var p stream.Position
	if err := p.UnmarshalText([]byte(sequence)); err != nil {
		return stream.Position{}, false
	}
	major, _, term := p.Parts()
	if term != 0 || p.IsZero() {
		return stream.Position{}, false
	}
	return stream.MakePosition(major, sub, 0), true
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
