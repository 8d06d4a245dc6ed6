package memory

import (
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// Inside the package a record's place in its partition is a number that starts at 1 and grows; 0 precedes every
// record. A scale turns numbers into positions and back: as they are (Kafka's offset plus one, the number that Kafka
// commits), or long ones of 186 bits as Kinesis numbers its records, of which the top word tells partitions apart.
type scale struct {
	long bool
	top  uint64 // long: grows with the time at which a partition was made, so a child's exceed its parents'
	salt uint64 // long: seeds the lowest word and the holes
}

// longTop is the top word of the first partition: bit 185 of 186 is set.
const longTop = 1 << 57

func (s *scale) position(n uint64) stream.Position {
	if n == 0 {
		return stream.Position{}
	}
	if !s.long {
		return stream.MakePosition([3]uint64{0, 0, n}, 0, 0)
	}
	return stream.MakePosition([3]uint64{s.top, n, mix(s.salt ^ n)}, 0, 0)
}

// number is the inverse of position. A position that s cannot have made is refused.
func (s *scale) number(p stream.Position) (uint64, error) {
	if p.IsZero() {
		return 0, nil
	}
	major, sub, _ := p.Parts()
	n := major[2]
	if s.long {
		n = major[1]
	}
	if want := s.position(n); n == 0 || sub != 0 || want.Compare(p) != 0 {
		return 0, fmt.Errorf("%w: position %v is not of this partition", stream.ErrInvalid, p)
	}
	return n, nil
}

// mix spreads the bits of x over the whole word (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
