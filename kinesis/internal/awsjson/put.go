package awsjson

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// mostResults is how many entries a request may have (API operation PutRecords).
const mostResults = 500

// AppendPut appends a PutRecords request to dst. The stream has a name or an ARN; the other is "".
func AppendPut(dst []byte, name, arn string, entries []api.Entry) []byte {
	dst = append(dst, `{"Records":[`...)
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"Data":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, e.Data)
		dst = appendText(append(dst, `","PartitionKey":`...), e.Key)
		if e.Hash != "" {
			dst = appendText(append(dst, `,"ExplicitHashKey":`...), e.Hash)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	if arn != "" {
		dst = appendText(append(dst, `,"StreamARN":`...), arn)
	} else {
		dst = appendText(append(dst, `,"StreamName":`...), name)
	}
	return append(dst, '}')
}

// PutBytes is how many bytes AppendPut appends, or a few more, if nothing has to be escaped.
func PutBytes(name, arn string, entries []api.Entry) int {
	const around, each = 64, 64 // names and punctuation of a request, of an entry
	size := around + len(name) + len(arn) + each*len(entries)
	for i := range entries {
		size += base64.StdEncoding.EncodedLen(len(entries[i].Data)) + len(entries[i].Key) + len(entries[i].Hash)
	}
	return size
}

// AppendGet appends a GetRecords request to dst. The ARN may be "".
func AppendGet(dst []byte, arn, iterator string, limit int) []byte {
	dst = strconv.AppendInt(append(dst, `{"Limit":`...), int64(max(limit, 1)), 10)
	dst = appendText(append(dst, `,"ShardIterator":`...), iterator)
	if arn != "" {
		dst = appendText(append(dst, `,"StreamARN":`...), arn)
	}
	return append(dst, '}')
}

// appendText appends a string.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendRare(dst, s)
		}
	}
	dst = append(append(dst, '"'), s...)
	return append(dst, '"')
}

// appendRare appends a string in which something may have to be escaped.
func appendRare(dst []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string has no error
	return append(dst, text...)
}

// ReadPut reads the answer of PutRecords. It reports false if that is not of the form that it knows.
func ReadPut(p []byte) (results []api.Result, ok bool) {
	s := scan{p: p}
	var texts strings.Builder
	last := "" // most results are of a few shards
	s.object(func(name []byte) {
		if string(name) != "Records" {
			s.skip()
			return
		}
		results = make([]api.Result, 0, mostResults)
		s.list(func() {
			if len(results) == mostResults {
				s.bad = true
				return
			}
			results = append(results, api.Result{})
			s.result(&results[len(results)-1], &texts, &last)
		})
	})
	return results, s.over()
}

func (s *scan) result(r *api.Result, texts *strings.Builder, last *string) {
	s.object(func(name []byte) {
		switch string(name) {
		case "ShardId":
			r.Shard = s.again(*last, texts)
			*last = r.Shard
		case "SequenceNumber":
			r.Sequence = s.words(texts)
		case "ErrorCode":
			r.Code = s.words(texts)
		case "ErrorMessage":
			r.Message = s.words(texts)
		default:
			s.skip()
		}
	})
}
