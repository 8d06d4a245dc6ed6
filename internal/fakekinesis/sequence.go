package fakekinesis

import (
	"cmp"
	"math/big"
	"math/bits"
	"strconv"
)

// A sequence is a sequence number of 186 bits, as the service's are: from the top, the version's mark, the second in which
// the shard was made, a counter inside the shard, the second of the record, the shard's index, and the version. So the
// numbers of a shard increase, and those of a child are above those of its parents.
type sequence [3]uint64

// lastCount is the counter of a closed shard's EndingSequenceNumber.
const lastCount = 1<<63 - 1

// makeSequence builds a number.
func makeSequence(born int64, count uint64, at int64, shard int) sequence {
	const mark, version = 2, 2
	return sequence{
		mark<<56 | uint64(born)<<20 | count>>48,
		count<<16 | uint64(at)>>28,
		uint64(at)<<36 | uint64(shard)<<4 | version,
	}
}

// parseSequence reads a decimal number; false if the service cannot have made it.
func parseSequence(text string) (sequence, bool) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.Sign() < 0 || n.BitLen() != 186 || n.Text(10) != text {
		return sequence{}, false
	}
	var s sequence
	word := new(big.Int)
	for i := range s {
		s[i] = word.Rsh(n, uint(64*(2-i))).Uint64()
	}
	return s, true
}

// shard is the index of the shard that the number belongs to.
func (s sequence) shard() int { return int(s[2] >> 4 & 0xffffffff) }

// born is the second in which the shard was made.
func (s sequence) born() int64 { return int64(s[0] >> 20 & 0xfffffffff) }

// compare orders numbers.
func (s sequence) compare(o sequence) int {
	return cmp.Or(cmp.Compare(s[0], o[0]), cmp.Compare(s[1], o[1]), cmp.Compare(s[2], o[2]))
}

// String is the decimal form.
func (s sequence) String() string {
	const chunk = 1e19 // the largest power of ten in a word
	var parts [4]uint64
	n := len(parts)
	for s != (sequence{}) {
		var rest uint64
		for i := range s {
			s[i], rest = bits.Div64(rest, s[i], chunk)
		}
		n--
		parts[n] = rest
	}
	if n == len(parts) {
		return "0"
	}
	text := strconv.AppendUint(make([]byte, 0, 60), parts[n], 10)
	for _, p := range parts[n+1:] {
		var digits [19]byte
		for i := len(digits) - 1; i >= 0; i-- {
			digits[i] = byte('0' + p%10)
			p /= 10
		}
		text = append(text, digits[:]...)
	}
	return string(text)
}
