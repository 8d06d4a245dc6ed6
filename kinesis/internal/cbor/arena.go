package cbor

import "strings"

// arenaBytes is how many bytes of text share an allocation: one string that is kept keeps so many.
const arenaBytes = 8 << 10

// An arena makes strings of which many share an allocation.
type arena struct{ chunk strings.Builder }

func (a *arena) put(b []byte) string {
	if len(b) > arenaBytes/4 {
		return string(b)
	}
	if a.chunk.Cap()-a.chunk.Len() < len(b) {
		a.chunk = strings.Builder{}
		a.chunk.Grow(arenaBytes)
	}
	from := a.chunk.Len()
	a.chunk.Write(b)
	return a.chunk.String()[from:]
}

// again is the string that was there before, if it is the same.
func (a *arena) again(before string, b []byte) string {
	if before == string(b) {
		return before
	}
	return a.put(b)
}

// words reads a text, or "" for a null.
func (s *scan) words(a *arena) string {
	if s.empty() {
		return ""
	}
	return a.put(s.chunk(text))
}
