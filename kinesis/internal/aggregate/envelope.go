package aggregate

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/streamport-go/streamport/stream"
)

// An envelope is the tags of one record as they are read.
type envelope struct {
	rec   *stream.Record
	unzip *unzip
	seen  [5]bool // which single tags were there
	isNil bool
	zip   []byte // the value of sp-zip
}

// once reports whether a single tag is here for the first time, in front of the headers.
func (e *envelope) once(i int) bool {
	first := !e.seen[i] && e.rec.Headers == nil
	e.seen[i] = true
	return first
}

// read applies one of at most n tags.
func (e *envelope) read(t Tag, n int) (reason string, err error) {
	const wrong = "its tags are not what this library writes"
	ok := true
	switch {
	case !strings.HasPrefix(t.Name, reserved):
		e.header(t.Name, t.Value, n)
	case strings.HasPrefix(t.Name, nameOdd):
		ok = e.odd(t, n)
	case t.Value == nil:
		ok = false
	case t.Name == nameV:
		ok = e.once(0)
	case t.Name == nameKey:
		ok = e.once(1) && e.key(t.Value)
	case t.Name == nameTime:
		ok = e.once(2) && e.time(t.Value)
	case t.Name == nameNil:
		e.isNil = true
		ok = e.once(3) && string(t.Value) == kindValue
	case t.Name == nameZip:
		e.zip = t.Value
		ok = e.once(4)
	default:
		ok = false
	}
	if !ok {
		return wrong, nil
	}
	return "", nil
}

func (e *envelope) header(name string, value []byte, n int) {
	if e.rec.Headers == nil {
		e.rec.Headers = make([]stream.Header, 0, n)
	}
	e.rec.Headers = append(e.rec.Headers, stream.Header{Key: name, Value: value})
}

func (e *envelope) odd(t Tag, n int) bool {
	name, ok := unescape(t.Name[len(nameOdd):])
	if !ok {
		return false
	}
	var value []byte
	if t.Value != nil {
		if value, ok = untext(t.Value); !ok {
			return false
		}
	}
	e.header(name, value, n)
	return true
}

func (e *envelope) key(value []byte) (ok bool) {
	if string(value) == kindNone {
		e.rec.Key = nil
		return true
	}
	e.rec.Key, ok = untext(value)
	return ok
}

func (e *envelope) time(value []byte) bool {
	ms, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || ms < 0 || ms >= maxMillis {
		return false
	}
	e.rec.Time = time.UnixMilli(ms)
	return true
}

// finish does what needs all tags.
func (e *envelope) finish() (reason string, err error) {
	if e.isNil {
		if len(e.rec.Value) > 0 || e.zip != nil {
			return "it has a value and is said to have none", nil
		}
		e.rec.Value = nil
		return "", nil
	}
	if e.zip == nil {
		return "", nil
	}
	e.rec.Value, reason, err = e.unzip.inflate(e.zip, e.rec.Value)
	return reason, err
}

// untext is the inverse of text.
func untext(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	kind, rest := b[0], b[1:]
	switch kind {
	case kindText:
		return rest, true
	case kindBytes:
		raw, err := base64.RawStdEncoding.Strict().DecodeString(string(rest))
		return raw, err == nil
	}
	return nil, false
}

// unescape is the inverse of escape.
func unescape(name string) (string, bool) {
	if !utf8.ValidString(name) {
		return "", false
	}
	head, rest, found := strings.Cut(name, "%")
	if !found {
		return name, true
	}
	var b strings.Builder
	for found {
		b.WriteString(head)
		if len(rest) < 2 {
			return "", false
		}
		raw, err := hex.DecodeString(rest[:2])
		if err != nil {
			return "", false
		}
		b.WriteByte(raw[0])
		head, rest, found = strings.Cut(rest[2:], "%")
	}
	b.WriteString(head)
	return b.String(), true
}
