package cbor

import "github.com/streamport-go/streamport/kinesis/internal/api"

// mostResults is how many entries a request may have (API operation PutRecords).
const mostResults = 500

// AppendPut appends a PutRecords request to dst. The stream has a name or an ARN; the other is "".
func AppendPut(dst []byte, name, arn string, entries []api.Entry) []byte {
	dst = appendHead(dst, object, 2)
	dst = appendStream(dst, name, arn)
	dst = appendText(dst, "Records")
	dst = appendHead(dst, list, uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		members := uint64(2)
		if e.Hash != "" {
			members++
		}
		dst = appendHead(dst, object, members)
		dst = appendBytes(appendText(dst, "Data"), e.Data)
		dst = appendMember(dst, "PartitionKey", e.Key)
		if e.Hash != "" {
			dst = appendMember(dst, "ExplicitHashKey", e.Hash)
		}
	}
	return dst
}

// PutBytes is how many bytes AppendPut appends, or a few more.
func PutBytes(name, arn string, entries []api.Entry) int {
	const around, each = 64, 64 // heads and names of a request, of an entry
	size := around + len(name) + len(arn) + each*len(entries)
	for i := range entries {
		size += len(entries[i].Data) + len(entries[i].Key) + len(entries[i].Hash)
	}
	return size
}

func appendStream(dst []byte, name, arn string) []byte {
	if arn != "" {
		return appendMember(dst, "StreamARN", arn)
	}
	return appendMember(dst, "StreamName", name)
}

// ReadPut reads the answer of PutRecords.
func ReadPut(p []byte) ([]api.Result, error) {
	s := scan{p: p}
	var results []api.Result
	strings := arena{}
	last := "" // most results are of a few shards
	s.each(object, func(name []byte) bool {
		if string(name) != "Records" {
			return s.skip()
		}
		results = make([]api.Result, 0, min(s.hint(), mostResults))
		s.each(list, func([]byte) bool {
			if len(results) == mostResults {
				return false
			}
			results = append(results, s.result(&strings, &last))
			return true
		})
		return true
	})
	if err := s.err(); err != nil {
		return nil, err
	}
	return results, nil
}

func (s *scan) result(strings *arena, last *string) (r api.Result) {
	s.each(object, func(name []byte) bool {
		var to *string
		switch string(name) {
		case "ShardId":
			if !s.empty() {
				*last = strings.again(*last, s.chunk(text))
				r.Shard = *last
			}
			return true
		case "SequenceNumber":
			to = &r.Sequence
		case "ErrorCode":
			to = &r.Code
		case "ErrorMessage":
			to = &r.Message
		default:
			return s.skip()
		}
		*to = s.words(strings)
		return true
	})
	return r
}
