package cbor

import (
	"encoding/base64"
	"math"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

const (
	// leastRecord is how many bytes a record has at least: its number's name and the number.
	leastRecord = 18
	// mostPage is how many records an answer may have (API operation GetRecords).
	mostPage = 10_000
	// mostChildren bounds what replaces a shard: a split makes two.
	mostChildren = 64
)

// AppendGet appends a GetRecords request to dst. The ARN may be "".
func AppendGet(dst []byte, arn, iterator string, limit int) []byte {
	members := uint64(2)
	if arn != "" {
		members++
	}
	dst = appendHead(dst, object, members)
	dst = appendMember(dst, "ShardIterator", iterator)
	dst = appendHead(appendText(dst, "Limit"), unsigned, uint64(max(limit, 1))) //nolint:gosec // positive
	if arn != "" {
		dst = appendMember(dst, "StreamARN", arn)
	}
	return dst
}

// ReadGet reads the answer of GetRecords. The records' data are part of p, which must not change.
func ReadGet(p []byte) (api.Page, error) {
	s := scan{p: p}
	var page api.Page
	told := false // of the tip: an answer that has neither this nor an iterator is none
	strings := arena{}
	s.each(object, func(name []byte) bool {
		switch string(name) {
		case "Records":
			s.records(&page, &strings)
		case "NextShardIterator":
			if !s.empty() {
				page.Next = string(s.chunk(text))
			}
		case "MillisBehindLatest":
			told = true
			page.Behind = millis(s.number())
		case "ChildShards":
			page.Children = s.children(&strings)
		default:
			return s.skip()
		}
		return true
	})
	page.End = page.Next == ""
	if s.bad || page.End && !told {
		return api.Page{}, ErrSyntax
	}
	return page, nil
}

func (s *scan) records(page *api.Page, strings *arena) {
	if hint := s.hint(); hint > 0 {
		page.Records = make([]api.Record, 0, min(hint, len(s.p)/leastRecord, mostPage))
	}
	s.each(list, func([]byte) bool {
		if len(page.Records) == mostPage {
			return false
		}
		page.Records = append(page.Records, api.Record{})
		r := &page.Records[len(page.Records)-1]
		s.each(object, func(name []byte) bool { return s.member(r, name, strings) })
		page.Bytes += len(r.Key) + len(r.Data)
		return r.Sequence != ""
	})
}

// hint is the length of the list that is next, as it says itself.
func (s *scan) hint() int {
	ahead := *s
	major, n, _ := ahead.head()
	if ahead.bad || major != list || n > mostPage {
		return 0
	}
	return int(n)
}

func (s *scan) member(r *api.Record, name []byte, strings *arena) bool {
	switch string(name) {
	case "Data":
		r.Data = s.blob()
	case "PartitionKey":
		r.Key = s.words(strings)
	case "SequenceNumber":
		r.Sequence = s.words(strings)
	case "ApproximateArrivalTimestamp":
		r.Arrival = moment(s.number())
	default:
		return s.skip()
	}
	return true
}

// blob reads bytes. An emulator (kinesis-local) writes them as text in base64, which Amazon's Java SDK takes too.
func (s *scan) blob() []byte {
	switch {
	case s.empty():
		return nil
	case len(s.p) > 0 && s.p[0]&0xe0 == text:
		decoded, err := base64.StdEncoding.AppendDecode([]byte{}, s.chunk(text))
		s.bad = s.bad || err != nil
		return decoded
	}
	return s.chunk(binaries)
}

// moment is a time in milliseconds since 1970, as the service writes it. What is too small for this century is in seconds,
// as JSON has it.
func moment(n float64) time.Time {
	const century = 1e11
	switch {
	case !(n > 0): // NaN too
		return time.Time{}
	case n < century:
		n *= 1000
	}
	return time.UnixMilli(int64(min(math.Round(n), 1<<52)))
}

// millis is a time span, within what a Duration can be.
func millis(n float64) time.Duration {
	if !(n > 0) {
		return 0
	}
	return time.Duration(min(n, 1<<42)) * time.Millisecond
}

func (s *scan) children(strings *arena) []shard.Child {
	var all []shard.Child
	s.each(list, func([]byte) bool {
		if len(all) == mostChildren {
			return false
		}
		var c shard.Child
		s.each(object, func(name []byte) bool {
			switch string(name) {
			case "ShardId":
				c.ID = s.words(strings)
			case "ParentShards":
				s.each(list, func([]byte) bool {
					c.Parents = append(c.Parents, s.words(strings))
					return len(c.Parents) <= mostChildren
				})
			case "HashKeyRange":
				c.Range = s.span(strings)
			default:
				return s.skip()
			}
			return true
		})
		all = append(all, c)
		return c.ID != ""
	})
	return all
}

func (s *scan) span(strings *arena) (r shard.Range) {
	s.each(object, func(name []byte) bool {
		switch string(name) {
		case "StartingHashKey":
			r.First, _ = shard.ParseHash(s.words(strings))
		case "EndingHashKey":
			r.Last, _ = shard.ParseHash(s.words(strings))
		default:
			return s.skip()
		}
		return true
	})
	return r
}
