package stream

import (
	"cmp"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// A Position says where a record stands in its partition. It is opaque and ordered within one partition, and it says
// nothing across partitions. The zero Position precedes every record.
//
// A Position is comparable, holds no pointer and takes 32 bytes. Its text form is stable and may be stored.
type Position struct {
	high, middle, low uint64 // the major number; four words that stay in registers, unlike an array
	tail              uint64 // sub in the upper half, term in the lower
}

// MakePosition is for backends. Major is a 192-bit number, most significant word first: a Kafka offset plus one (the
// number that Kafka itself commits), a Kinesis sequence number. Sub is the index inside an aggregate. Term is a leader
// epoch, or 0. A backend whose numbering starts at 0 adds one, since the zero Position precedes every record.
func MakePosition(major [3]uint64, sub, term uint32) Position {
	return Position{high: major[0], middle: major[1], low: major[2], tail: uint64(sub)<<32 | uint64(term)}
}

// Parts is the inverse of MakePosition.
func (p Position) Parts() (major [3]uint64, sub, term uint32) { return p.major(), p.sub(), p.term() }

// Compare returns -1, 0 or +1 as p stands before, at or after q in the same partition. It ignores the term; == does not.
func (p Position) Compare(q Position) int {
	if mutated("position is compared as text") {
		return strings.Compare(p.String(), q.String())
	}
	switch {
	case p.high != q.high:
		return cmp.Compare(p.high, q.high)
	case p.middle != q.middle:
		return cmp.Compare(p.middle, q.middle)
	case p.low != q.low:
		return cmp.Compare(p.low, q.low)
	}
	return cmp.Compare(p.sub(), q.sub())
}

// IsZero reports whether p is the zero Position.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the text form: the major number in decimal, then ".sub" if it is not 0, then "@term" if it is not 0.
func (p Position) String() string { return string(p.append(nil)) }

// MarshalText returns the text form. It never fails.
func (p Position) MarshalText() ([]byte, error) { return p.append(nil), nil }

// UnmarshalText reads the text form and refuses everything that MarshalText does not write, with an error that Is
// ErrInvalid; p is then unchanged.
func (p *Position) UnmarshalText(text []byte) error {
	q, ok := parsePosition(string(text))
	if !ok {
		return fmt.Errorf("%w: %.80q is no position", ErrInvalid, text)
	}
	*p = q
	return nil
}

func (p Position) major() [3]uint64 { return [3]uint64{p.high, p.middle, p.low} }
func (p Position) sub() uint32      { return uint32(p.tail >> 32) }
func (p Position) term() uint32     { return uint32(p.tail) }

// chunkDigits decimal digits fit one word, and tenToChunk is the base they count in.
const (
	chunkDigits = 19
	tenToChunk  = 10_000_000_000_000_000_000
)

func (p Position) append(b []byte) []byte {
	b = appendDecimal(b, p.major())
	if p.sub() != 0 {
		b = strconv.AppendUint(append(b, '.'), uint64(p.sub()), 10)
	}
	if p.term() != 0 {
		b = strconv.AppendUint(append(b, '@'), uint64(p.term()), 10)
	}
	return b
}

func appendDecimal(b []byte, n [3]uint64) []byte {
	if n[0] == 0 && n[1] == 0 {
		return strconv.AppendUint(b, n[2], 10)
	}
	var chunks [4]uint64 // 4 × 19 digits hold 192 bits, 58 digits
	count := 0
	for n != [3]uint64{} {
		var rest uint64
		for i := range n {
			n[i], rest = bits.Div64(rest, n[i], tenToChunk)
		}
		chunks[count] = rest
		count++
	}
	b = strconv.AppendUint(b, chunks[count-1], 10)
	for i := count - 2; i >= 0; i-- {
		b = fmt.Appendf(b, "%0*d", chunkDigits, chunks[i])
	}
	return b
}

func parsePosition(text string) (Position, bool) {
	const longest = 58 + 1 + 10 + 1 + 10
	if len(text) > longest {
		return Position{}, false
	}
	text, term, hasTerm := strings.Cut(text, "@")
	text, sub, hasSub := strings.Cut(text, ".")
	major, ok := parseDecimal(text)
	if !ok {
		return Position{}, false
	}
	var subNumber, termNumber uint32
	if hasSub {
		if subNumber, ok = parseSuffix(sub); !ok {
			return Position{}, false
		}
	}
	if hasTerm {
		if termNumber, ok = parseSuffix(term); !ok {
			return Position{}, false
		}
	}
	return MakePosition(major, subNumber, termNumber), true
}

// parseDecimal takes what appendDecimal writes: no sign, no leading zero, at most 192 bits.
func parseDecimal(text string) (n [3]uint64, ok bool) {
	if text == "" || (text[0] == '0' && len(text) > 1) {
		return n, false
	}
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return n, false
		}
		carry := uint64(digit)
		for w := len(n) - 1; w >= 0; w-- {
			high, low := bits.Mul64(n[w], 10)
			sum, over := bits.Add64(low, carry, 0)
			n[w], carry = sum, high+over
		}
		if carry != 0 {
			return n, false
		}
	}
	return n, true
}

// parseSuffix takes a number from 1 to 2^32-1 without a leading zero: 0 is written by leaving the suffix out.
func parseSuffix(text string) (uint32, bool) {
	if text == "" || text[0] < '1' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil
}
