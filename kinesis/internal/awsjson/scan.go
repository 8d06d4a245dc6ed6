package awsjson

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// deepest bounds the nesting of what is skipped; answers have 5 levels.
const deepest = 16

// A scan reads values in order. After the first mistake every method does nothing.
type scan struct {
	p    []byte // not read yet
	size int    // of all
	bad  bool
}

// next is the byte with which the next token begins; 0 if there is none.
func (s *scan) next() byte {
	for i, c := range s.p {
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		}
		s.p = s.p[i:]
		return c
	}
	s.p = nil
	return 0
}

// take takes the byte c, which is a token.
func (s *scan) take(c byte) bool {
	if s.bad || s.next() != c {
		s.bad = true
		return false
	}
	s.p = s.p[1:]
	return true
}

// over reports whether all was read, and understood.
func (s *scan) over() bool { return !s.bad && s.next() == 0 && len(s.p) == 0 }

// object calls do with the name of every member of an object. Do reads the value.
func (s *scan) object(do func(name []byte)) {
	s.each('{', '}', func() {
		if name := s.text(); s.take(':') {
			do(name)
		}
	})
}

// list calls do before every element of a list.
func (s *scan) list(do func()) { s.each('[', ']', do) }

func (s *scan) each(open, shut byte, do func()) {
	if s.size == 0 {
		s.size = len(s.p)
	}
	if !s.take(open) {
		return
	}
	if s.next() == shut {
		s.p = s.p[1:]
		return
	}
	for {
		do()
		if s.bad {
			return
		}
		if s.next() == ',' {
			s.p = s.p[1:]
			continue
		}
		s.take(shut)
		return
	}
}

// text reads a string. The result is part of the input, unless something in it is escaped.
func (s *scan) text() []byte {
	if !s.take('"') {
		return nil
	}
	end := bytes.IndexByte(s.p, '"')
	if end < 0 {
		s.bad = true
		return nil
	}
	text := s.p[:end]
	if bytes.IndexByte(text, '\\') >= 0 {
		return s.escaped()
	}
	s.p = s.p[end+1:]
	return text
}

// escaped reads the rest of a string in which something is escaped.
func (s *scan) escaped() []byte {
	for i := 0; i < len(s.p); i++ {
		switch s.p[i] {
		case '\\':
			i++
		case '"':
			var text string
			quoted := append(append([]byte{'"'}, s.p[:i]...), '"')
			s.p = s.p[i+1:]
			if json.Unmarshal(quoted, &text) != nil {
				s.bad = true
				return nil
			}
			return []byte(text)
		}
	}
	s.bad = true
	return nil
}

// number reads a number.
func (s *scan) number() float64 {
	token := s.word()
	n, err := strconv.ParseFloat(string(token), 64)
	if err != nil || len(token) == 0 || token[0] != '-' && (token[0] < '0' || token[0] > '9') {
		s.bad = true
		return 0
	}
	return n
}

// word reads a number, true, false or null as it stands.
func (s *scan) word() []byte {
	if s.bad {
		return nil
	}
	s.next()
	end := 0
	for end < len(s.p) && isWord(s.p[end]) {
		end++
	}
	token := s.p[:end]
	s.p = s.p[end:]
	return token
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == 'E' || c == '.' || c == '-' || c == '+'
}

// skip reads over a value.
func (s *scan) skip() { s.skipTo(deepest) }

func (s *scan) skipTo(depth int) {
	if depth == 0 {
		s.bad = true
		return
	}
	switch s.next() {
	case '{':
		s.object(func([]byte) { s.skipTo(depth - 1) })
	case '[':
		s.list(func() { s.skipTo(depth - 1) })
	case '"':
		s.text()
	default:
		if token := s.word(); !json.Valid(token) {
			s.bad = true
		}
	}
}

// textBytes is how many bytes of text share an allocation: one string that is kept keeps so many.
const textBytes = 8 << 10

// words reads a string that shares an allocation with others. One that is no UTF-8 is a mistake.
func (s *scan) words(chunk *strings.Builder) string {
	b := s.text()
	switch {
	case s.bad || !utf8.Valid(b):
		s.bad = true
		return ""
	case len(b) > textBytes/4:
		return string(b)
	case chunk.Cap()-chunk.Len() < len(b):
		*chunk = strings.Builder{}
		chunk.Grow(textBytes)
	}
	from := chunk.Len()
	chunk.Write(b)
	return chunk.String()[from:]
}

// again is words, or the string before if it is the same.
func (s *scan) again(before string, chunk *strings.Builder) string {
	ahead := *s
	if text := ahead.text(); !ahead.bad && string(text) == before {
		*s = ahead
		return before
	}
	return s.words(chunk)
}
