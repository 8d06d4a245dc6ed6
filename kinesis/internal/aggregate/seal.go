package aggregate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/streamport-go/streamport/stream"
)

// Names of tags; the comment of the package says what they mean.
const (
	reserved  = "sp-"
	nameV     = "sp-v"
	nameKey   = "sp-key"
	nameTime  = "sp-time"
	nameNil   = "sp-nil"
	nameZip   = "sp-zip"
	nameOdd   = "sp-h:" // begins the name of a header that is no plain tag
	version   = "1"
	kindNone  = "n"
	kindText  = 't'
	kindBytes = 'b'
	kindValue = "v"
)

// maxKeyPoints is the code points that a partition key may have (API operation PutRecord).
const maxKeyPoints = 256

// Needs reports whether a Kinesis record without tags cannot say what rec says, and what it is that it cannot.
func Needs(rec *stream.Record) (why string, needs bool) {
	switch {
	case rec.Key == nil:
		return "a record without key; the service needs one", true
	case rec.Value == nil:
		return "a nil value; the service cannot tell it from an empty one", true
	case len(rec.Headers) > 0:
		return "headers; put them into the value, or allow tags", true
	case !rec.Time.IsZero():
		return "a record's own time; the service stores the time of arrival", true
	}
	why = badKey(rec.Key)
	return why, why != ""
}

// badKey tells why the service does not take a key; "" if it does.
func badKey(key []byte) string {
	switch {
	case len(key) == 0:
		return "an empty key; the service needs at least one character"
	case !utf8.Valid(key):
		return "the key is no UTF-8, which is all that the service keeps"
	case len(key) > maxKeyPoints && utf8.RuneCount(key) > maxKeyPoints:
		return fmt.Sprintf("a key of %d characters, at most %d are allowed", utf8.RuneCount(key), maxKeyPoints)
	}
	return ""
}

// A Sealer makes of a record what is stored in Kinesis. Its methods may be called from many goroutines.
type Sealer struct {
	// Spread makes random numbers, of which records without key get their partition key. It may be called from many
	// goroutines.
	Spread func() uint64
	// Zip compresses values; nil: they stay as they are.
	Zip *Zip
}

// Sealed is what is stored of a record. Without Tags, Key and Data may be a Kinesis record of their own; with Tags they
// are a record of an aggregate, if need be the only one, whose Kinesis record has the same Key.
type Sealed struct {
	Key  string // partition key
	Data []byte // never nil
	Tags []Tag
}

// Size is what the service counts if the record is stored by itself: data and key.
func (s Sealed) Size() int {
	if len(s.Tags) == 0 {
		return len(s.Key) + len(s.Data)
	}
	return len(s.Key) + OneSize(s.Key, s.Data, s.Tags)
}

// Seal makes what is stored of rec. The parts may share memory with rec, which must not change while they are used. A
// value that is too large to be compressed is an error that Is stream.ErrTooLarge.
func (s *Sealer) Seal(rec *stream.Record) (Sealed, error) {
	sealed := Sealed{Data: rec.Value}
	var tags []Tag
	if rec.Key != nil && badKey(rec.Key) == "" {
		sealed.Key = string(rec.Key)
	} else {
		var t Tag
		sealed.Key, t = s.key(rec.Key)
		tags = append(tags, t)
	}
	if !rec.Time.IsZero() {
		tags = append(tags, Tag{nameTime, strconv.AppendInt(nil, rec.Time.UnixMilli(), 10)})
	}
	if rec.Value == nil {
		sealed.Data = []byte{}
		tags = append(tags, Tag{nameNil, []byte(kindValue)})
	}
	if s.Zip != nil {
		data, t, err := s.Zip.deflate(sealed.Data)
		if err != nil {
			return Sealed{}, err
		}
		if data != nil {
			sealed.Data = data
			tags = append(tags, t)
		}
	}
	sealed.Tags = headerTags(tags, rec.Headers)
	return sealed, nil
}

// key makes a partition key for a key that cannot be one, and the tag that keeps the key.
func (s *Sealer) key(key []byte) (partitionKey string, t Tag) {
	if key == nil {
		return reserved + strconv.FormatUint(s.Spread(), 36), Tag{nameKey, []byte(kindNone)}
	}
	sum := sha256.Sum256(key)
	return reserved + hex.EncodeToString(sum[:16]), Tag{nameKey, text(key)}
}

// headerTags appends headers to tags, and puts the version before all if it must be there.
func headerTags(tags []Tag, headers []stream.Header) []Tag {
	odd := len(tags) > 0
	for i := range headers {
		odd = odd || isOdd(&headers[i])
	}
	if !odd && len(headers) == 0 {
		return nil
	}
	all := make([]Tag, 0, 1+len(tags)+len(headers))
	if odd {
		all = append(all, Tag{nameV, []byte(version)})
	}
	all = append(all, tags...)
	for i := range headers {
		h := &headers[i]
		t := Tag{h.Key, h.Value}
		if isOdd(h) {
			t.Name = nameOdd + escape(h.Key)
			if h.Value != nil {
				t.Value = text(h.Value)
			}
		}
		all = append(all, t)
	}
	return all
}

// isOdd reports whether a header is no plain tag.
func isOdd(h *stream.Header) bool {
	return strings.HasPrefix(h.Key, reserved) || !utf8.ValidString(h.Key) || !utf8.Valid(h.Value)
}

// text makes UTF-8 of any bytes.
func text(b []byte) []byte {
	if utf8.Valid(b) {
		return append(append(make([]byte, 0, 1+len(b)), kindText), b...)
	}
	return base64.RawStdEncoding.AppendEncode([]byte{kindBytes}, b)
}

// escape makes UTF-8 of any name: what is no part of UTF-8, and "%", becomes "%XX".
func escape(name string) string {
	if utf8.ValidString(name) && !strings.Contains(name, "%") {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		if r == '%' || r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, "%%%02X", name[i])
		} else {
			b.WriteString(name[i : i+size])
		}
		i += size
	}
	return b.String()
}
