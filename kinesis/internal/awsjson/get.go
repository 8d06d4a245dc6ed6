package awsjson

import (
	"encoding/base64"
	"math"
	"strings"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

const (
	// leastRecord is how many bytes a record has at least: its number's name and the number.
	leastRecord = 20
	// mostPage is how many records an answer may have (API operation GetRecords).
	mostPage = 10_000
	// dataBytes is how many bytes of data share an allocation: a value that is kept keeps so many.
	dataBytes = 256 << 10
)

// ReadGet reads the answer of GetRecords. The data of some records share memory. It reports false if the answer is not
// of the form that it knows: so has one that ends its shard and names children.
func ReadGet(p []byte) (page api.Page, ok bool) {
	s := scan{p: p}
	g := getting{scan: &s, page: &page}
	told := false // of the tip: an answer that has neither this nor an iterator is none
	s.object(func(name []byte) {
		switch string(name) {
		case "Records":
			g.records()
		case "NextShardIterator":
			page.Next = s.words(&g.texts)
		case "MillisBehindLatest":
			told = true
			page.Behind = time.Duration(min(max(s.number(), 0), 1<<42)) * time.Millisecond
		case "ChildShards":
			s.bad = true
		default:
			s.skip()
		}
	})
	page.End = page.Next == ""
	return page, s.over() && (told || !page.End)
}

// A getting is a page that is being read.
type getting struct {
	*scan
	page  *api.Page
	texts strings.Builder
	data  []byte // of the records before; what is left of its capacity is for the next ones
}

func (g *getting) records() {
	g.list(func() {
		if g.page.Records == nil {
			g.page.Records = make([]api.Record, 0, min(len(g.p)/leastRecord+1, firstRecords))
		}
		if len(g.page.Records) == mostPage {
			g.bad = true
			return
		}
		g.page.Records = append(g.page.Records, api.Record{})
		r := &g.page.Records[len(g.page.Records)-1]
		g.object(func(name []byte) { g.member(r, name) })
		g.page.Bytes += len(r.Key) + len(r.Data)
		g.bad = g.bad || r.Sequence == ""
		if len(g.page.Records) == cap(g.page.Records) && !g.bad {
			g.grow()
		}
	})
}

// firstRecords is for how many records there is room before it is known how large they are.
const firstRecords = 64

// grow makes room for as many records as the rest of the answer has, if they are like those before.
func (g *getting) grow() {
	n := len(g.page.Records)
	each := max((g.size-len(g.p))/n, leastRecord)
	most := min(n+len(g.p)/each+n/8+1, mostPage)
	if most > n {
		g.page.Records = append(make([]api.Record, 0, most), g.page.Records...)
	}
}

func (g *getting) member(r *api.Record, name []byte) {
	switch string(name) {
	case "Data":
		r.Data = g.blob()
	case "PartitionKey":
		r.Key = g.words(&g.texts)
	case "SequenceNumber":
		r.Sequence = g.words(&g.texts)
	case "ApproximateArrivalTimestamp":
		if n := g.number(); n != 0 && math.Abs(n) < 1e12 {
			r.Arrival = time.UnixMilli(int64(math.Round(n * 1000))).UTC()
		} else {
			g.bad = true
		}
	default:
		g.skip()
	}
}

// blob reads bytes in base64.
func (g *getting) blob() []byte {
	text := g.text()
	if g.bad || len(text) == 0 {
		return []byte{} // not nil: there are data
	}
	n := base64.StdEncoding.DecodedLen(len(text))
	if cap(g.data)-len(g.data) < n {
		rest := base64.StdEncoding.DecodedLen(len(g.p))
		g.data = make([]byte, 0, max(n, min(rest, dataBytes)))
	}
	from := len(g.data)
	data, err := base64.StdEncoding.AppendDecode(g.data, text)
	if err != nil {
		g.bad = true
		return nil
	}
	g.data = data
	return data[from:len(data):len(data)]
}
