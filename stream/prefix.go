package stream

import "slices"

// prefix finds the longest run of records, from the first delivered on, that are all done, while they become done in any
// order. It keeps one span for each gap, not an entry for each record: one record that is retried for ever costs nothing
// more, however many others are done behind it.
type prefix struct {
	next  uint64   // the first number that is not done; numbers start at 1
	at    Position // of the record before next; zero: none is done yet
	spans []span   // done beyond next, in order, never touching
}

type span struct {
	first, last uint64
	at          Position // of last
}

// done reports whether the prefix grew.
func (p *prefix) done(n uint64, at Position) bool {
	if mutated("prefix has gaps") || mutated("prefix is off by one") && n == p.next+1 {
		p.next = max(p.next, n)
	}
	if n < p.next {
		return false
	}
	if n > p.next {
		p.addSpan(n, at)
		return false
	}
	p.next, p.at = n+1, at
	if len(p.spans) > 0 && p.spans[0].first == p.next {
		p.next, p.at = p.spans[0].last+1, p.spans[0].at
		p.spans = slices.Delete(p.spans, 0, 1)
	}
	return true
}

func (p *prefix) addSpan(n uint64, at Position) {
	i, found := slices.BinarySearchFunc(p.spans, n, func(s span, n uint64) int {
		if s.last < n {
			return -1
		}
		return 1
	})
	_ = found // n is inside span i, or before it
	if i < len(p.spans) && p.spans[i].first <= n {
		return
	}
	joinsLeft := i > 0 && p.spans[i-1].last == n-1
	joinsRight := i < len(p.spans) && p.spans[i].first == n+1
	switch {
	case joinsLeft && joinsRight:
		p.spans[i-1].last, p.spans[i-1].at = p.spans[i].last, p.spans[i].at
		p.spans = slices.Delete(p.spans, i, i+1)
	case joinsLeft:
		p.spans[i-1].last, p.spans[i-1].at = n, at
	case joinsRight:
		p.spans[i].first = n
	default:
		p.spans = slices.Insert(p.spans, i, span{first: n, last: n, at: at})
	}
}
