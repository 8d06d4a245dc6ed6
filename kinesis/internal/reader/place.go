package reader

import (
	"cmp"
	"strings"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// A place is where in a shard reading is: everything before it was returned, or was not wanted.
type place struct {
	from  api.From // where reading began
	last  string   // the last record returned; "": none yet
	floor string   // records before this number are not returned; "": unknown yet
	above bool     // nor is the one with this number
	begun bool     // a page was returned, perhaps an empty one
}

func newPlace(from api.From) place {
	p := place{from: from}
	if from.Kind == api.AtSequence || from.Kind == api.AfterSequence {
		p.floor, p.above = from.Sequence, from.Kind == api.AfterSequence
	}
	return p
}

// polled is where GetRecords goes on. It knows numbers of records only, as some emulators do.
func (p *place) polled() api.From {
	if p.last != "" {
		return api.From{Kind: api.AfterSequence, Sequence: p.last}
	}
	return p.from
}

// pushed is where SubscribeToShard goes on: there the number of an event without records serves too.
func (p *place) pushed() api.From {
	switch {
	case p.floor == "":
		return p.from
	case p.above:
		return api.From{Kind: api.AfterSequence, Sequence: p.floor}
	}
	return api.From{Kind: api.AtSequence, Sequence: p.floor}
}

// adrift reports whether nothing says where reading was: it began at the tip of an unknown time, and saw no record since.
func (p *place) adrift() bool { return p.from.Kind == api.Latest && p.last == "" && p.begun }

// admit takes from a page what was returned before, and moves on.
func (p *place) admit(page *api.Page) {
	p.begun = true
	for len(page.Records) > 0 && p.passed(page.Records[0].Sequence) {
		page.Bytes -= len(page.Records[0].Key) + len(page.Records[0].Data)
		page.Records = page.Records[1:]
	}
	if n := len(page.Records); n > 0 {
		p.last = page.Records[n-1].Sequence
		p.floor, p.above = p.last, true
	}
	if page.Continue != "" && (p.floor == "" || compare(page.Continue, p.floor) > 0) {
		p.floor, p.above = page.Continue, false
	}
	if p.from.Kind == api.Latest && !page.Date.IsZero() {
		// Asked again, the tip would be another one. The service's time has whole seconds: a little too early.
		p.from = api.From{Kind: api.AtTime, Time: page.Date.Add(-page.Behind)}
	}
}

// passed reports whether the record with this number is before the place.
func (p *place) passed(sequence string) bool {
	if p.floor == "" {
		return false
	}
	c := compare(sequence, p.floor)
	return c < 0 || c == 0 && p.above
}

// compare orders decimal numbers.
func compare(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
