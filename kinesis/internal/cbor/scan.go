package cbor

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrSyntax says that bytes are no CBOR, or not of the form that was expected.
var ErrSyntax = errors.New("malformed CBOR")

// deepest bounds the nesting of what is skipped; answers have 5 levels.
const deepest = 16

// A scan reads items in order. After the first mistake every method reports failure.
type scan struct {
	p   []byte // not read yet
	bad bool
}

func (s *scan) fail() bool {
	s.bad = true
	return false
}

func (s *scan) err() error {
	if s.bad {
		return ErrSyntax
	}
	return nil
}

// head reads the beginning of an item. Of an indefinite one n is 0 and open is true.
func (s *scan) head() (major byte, n uint64, open bool) {
	if s.bad || len(s.p) == 0 {
		s.bad = true
		return 0, 0, false
	}
	first := s.p[0]
	major, n = first&0xe0, uint64(first&0x1f)
	size := 0
	switch {
	case n < oneByte:
	case n <= eightBytes:
		size = 1 << (n - oneByte)
	case n == indefinite && major >= binaries && major <= object:
		s.p = s.p[1:]
		return major, 0, true
	default:
		s.bad = true
		return 0, 0, false
	}
	if len(s.p) < 1+size {
		s.bad = true
		return 0, 0, false
	}
	switch size {
	case 1:
		n = uint64(s.p[1])
	case 2:
		n = uint64(binary.BigEndian.Uint16(s.p[1:]))
	case 4:
		n = uint64(binary.BigEndian.Uint32(s.p[1:]))
	case 8:
		n = binary.BigEndian.Uint64(s.p[1:])
	}
	s.p = s.p[1+size:]
	return major, n, false
}

// empty takes a null, if one is next: an absent member may be written so.
func (s *scan) empty() bool {
	if s.bad || len(s.p) == 0 || s.p[0] != null && s.p[0] != undefined {
		return false
	}
	s.p = s.p[1:]
	return true
}

// stopped takes a stop, if one is next.
func (s *scan) stopped() bool {
	if s.bad || len(s.p) == 0 || s.p[0] != stop {
		return false
	}
	s.p = s.p[1:]
	return true
}

// chunk reads a text or bytes. The result is part of the input, unless that has it in parts.
func (s *scan) chunk(want byte) []byte {
	major, n, open := s.head()
	if major != want || s.bad {
		s.bad = true
		return nil
	}
	if !open {
		return s.take(n)
	}
	var all []byte
	for !s.stopped() {
		major, n, nested := s.head()
		if s.bad || major != want || nested {
			s.bad = true
			return nil
		}
		all = append(all, s.take(n)...)
	}
	return all
}

func (s *scan) take(n uint64) []byte {
	if n > uint64(len(s.p)) {
		s.bad = true
		return nil
	}
	taken := s.p[:n:n]
	s.p = s.p[n:]
	return taken
}

// each calls do before every element of a list, or with every name of an object, until that fails. Do reads the element or
// the name's value.
func (s *scan) each(want byte, do func(name []byte) bool) {
	if s.empty() {
		return
	}
	major, n, open := s.head()
	if s.bad || major != want {
		s.bad = true
		return
	}
	for i := uint64(0); open || i < n; i++ {
		if open && s.stopped() {
			return
		}
		var name []byte
		if want == object {
			name = s.chunk(text)
		}
		if s.bad || !do(name) || s.bad {
			s.bad = true
			return
		}
	}
}

// number reads a whole number or a fraction, with or without tags.
func (s *scan) number() float64 {
	for {
		if s.empty() {
			return 0
		}
		was := s.p
		major, n, _ := s.head()
		if s.bad {
			return 0
		}
		switch major {
		case tag:
			continue
		case unsigned:
			return float64(n)
		case negative:
			return -1 - float64(n)
		case simple:
			switch was[0] & 0x1f {
			case fourBytes:
				return float64(math.Float32frombits(uint32(n))) //nolint:gosec // of four bytes
			case eightBytes:
				return math.Float64frombits(n)
			}
		}
		s.bad = true
		return 0
	}
}

// skip reads over an item.
func (s *scan) skip() bool { return s.skipTo(deepest) }

func (s *scan) skipTo(depth int) bool {
	if depth == 0 || len(s.p) == 0 {
		return s.fail()
	}
	switch s.p[0] & 0xe0 {
	case binaries, text:
		s.chunk(s.p[0] & 0xe0)
	case list, object:
		s.each(s.p[0]&0xe0, func([]byte) bool { return s.skipTo(depth - 1) })
	case tag:
		s.head()
		return !s.bad && s.skipTo(depth-1)
	default:
		s.head()
	}
	return !s.bad
}
