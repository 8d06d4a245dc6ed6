package streamtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func nilKeys(t *T, name string) {
	rec, ok := t.returned(&stream.Record{Stream: name, Value: []byte("no key")})
	t.check(!ok || rec.Key == nil, "a record without key came back with %q", rec.Key)
	t.answer("a record without key", nil)
}

// refused fails unless sending a record is ErrUnsupported, and nothing is stored.
func (t *T) refused(what string, rec *stream.Record) {
	before := len(all(t.read(rec.Stream)))
	p := t.producer(stream.ProducerConfig{})
	err := p.Send(t.ctx, rec)
	t.is(err, stream.ErrUnsupported, "%s, which is not claimed", what)
	t.is(t.appendOne(t.sink(), rec), stream.ErrUnsupported, "%s, which is not claimed, by Append", what)
	t.answer(what, err)
	t.check(len(all(t.read(rec.Stream))) == before, "%s was refused, and is stored", what)
}

func noNilKeys(t *T, name string) {
	t.refused("a record without key", &stream.Record{Stream: name, Value: []byte("no key")})
}

// oddKeys are keys that are easily mangled.
func oddKeys() map[string]string {
	return map[string]string{
		"empty": "", "NUL": "\x00", "no UTF-8": "\xff\xfe\x80", "newline": "a\nb", "line separator": "a\u2028b",
		"composed": "\u00e9", "decomposed": "e\u0301", "512 bytes of UTF-8": strings.Repeat("\u00e9", 256),
		"257 characters": strings.Repeat("k", 257), "4 KiB": strings.Repeat("\x80", 4<<10),
		"replacement character": "\ufffd", "byte order mark": "\ufeff", "spaces": "  ",
	}
}

func binaryKeys(t *T, name string) {
	keys := oddKeys()
	for what, key := range keys {
		t.keyComesBack(name, what, key)
	}
	seen := map[string]bool{}
	for _, rec := range all(t.read(name)) {
		seen[string(rec.Key)] = true
	}
	t.check(len(seen) == len(keys), "%d different keys came back as %d", len(keys), len(seen))
}

// keyComesBack sends a record and fails if it is taken and its key changed. It reports what Send said.
func (t *T) keyComesBack(name, what, key string) error {
	p := t.producer(stream.ProducerConfig{})
	rec := &stream.Record{Stream: name, Key: []byte(key), Value: []byte("key: " + what)}
	err := p.Send(t.ctx, rec)
	t.answer("a key that is "+what, err)
	if err != nil {
		return err
	}
	for _, have := range all(t.read(name)) {
		if bytes.Equal(have.Value, rec.Value) {
			t.check(have.Key != nil && string(have.Key) == key,
				"the key %q (%s) came back as %q (nil: %t)", key, what, have.Key, have.Key == nil)
			return nil
		}
	}
	t.fail("a record whose key is %s does not come back", what)
	return nil
}

func noBinaryKeys(t *T, name string) {
	taken := 0
	for what, key := range oddKeys() {
		err := t.keyComesBack(name, what, key)
		if err == nil {
			taken++
			continue
		}
		refused := errors.Is(err, stream.ErrUnsupported) || errors.Is(err, stream.ErrTooLarge)
		t.check(refused, "a key that is %s: want unsupported or too large, got %v", what, err)
	}
	t.check(taken < len(oddKeys()),
		"binary keys are not claimed, and every one was taken and came back: the claim is too weak")
}

// maxHeaders is how many headers a record has at most, on any backend.
const maxHeaders = 128

func headers(t *T, name string) {
	sent := []stream.Header{
		{Key: "b", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "b", Value: []byte("1")},
		{Key: "b", Value: []byte("0")},
		{Key: "", Value: []byte("no name")}, {Key: "binary", Value: []byte("\x00\xff")},
		{Key: "empty", Value: []byte{}}, {Key: "nil"},
	}
	if rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte("v"), Headers: sent}); ok {
		same := func(x, y stream.Header) bool { return x.Key == y.Key && bytes.Equal(x.Value, y.Value) }
		t.check(slices.EqualFunc(rec.Headers, sent, same), "the headers %q came back as %q", sent, rec.Headers)
	}
	t.answer("a record with a header", nil)
	if rec, ok := t.returned(plain(name, "k", "none")); ok {
		t.check(len(rec.Headers) == 0, "a record without headers came back with %q", rec.Headers)
	}
	most := make([]stream.Header, maxHeaders+1)
	for i := range most {
		most[i] = stream.Header{Key: fmt.Sprint(i), Value: []byte("v")}
	}
	p := t.producer(stream.ProducerConfig{})
	rec := func(n int) *stream.Record {
		return &stream.Record{Stream: name, Key: []byte("k"), Value: []byte("many"), Headers: most[:n]}
	}
	t.is(p.Send(t.ctx, rec(maxHeaders)), nil, "a record with %d headers", maxHeaders)
	t.is(p.Send(t.ctx, rec(maxHeaders+1)), stream.ErrTooLarge, "a record with %d headers", maxHeaders+1)
}

func noHeaders(t *T, name string) {
	t.refused("a record with a header", &stream.Record{
		Stream: name, Key: []byte("k"), Value: []byte("v"), Headers: []stream.Header{{Key: "a", Value: []byte("1")}},
	})
	t.emptyComesBack(name)
}

func tombstones(t *T, name string) {
	rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k")})
	t.check(!ok || rec.Value == nil, "a nil value came back as %q, which is not nil", rec.Value)
	t.answer("a nil value", nil)
	t.emptyComesBack(name)
}

// emptyComesBack is true of every backend: an empty value is empty, and not nil.
func (t *T) emptyComesBack(name string) {
	rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte{}})
	t.check(!ok || rec.Value != nil && len(rec.Value) == 0,
		"an empty value came back as %q (nil: %t)", rec.Value, rec.Value == nil)
}

func noTombstones(t *T, name string) {
	t.refused("a nil value", &stream.Record{Stream: name, Key: []byte("k")})
	t.emptyComesBack(name)
}

func eventTime(t *T, name string) {
	for _, at := range []time.Time{
		time.Now().Add(-time.Hour).Truncate(time.Millisecond),
		time.Date(1999, 9, 9, 1, 46, 40, 123e6, time.UTC), time.UnixMilli(1),
	} {
		rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte("v"), Time: at})
		t.check(!ok || rec.Time.Equal(at), "the time %v came back as %v", at, rec.Time)
	}
	fine := time.Now().Add(-time.Minute).Truncate(time.Second).Add(1999 * time.Microsecond)
	if rec, ok := t.returned(&stream.Record{Stream: name, Key: []byte("k"), Value: []byte("v"), Time: fine}); ok {
		t.check(rec.Time.Equal(fine.Truncate(time.Millisecond)),
			"the time %v is not kept to the millisecond: %v", fine, rec.Time)
	}
	t.arrival(name)
}

// arrival sends a record without a time, which gets the clock's.
func (t *T) arrival(name string) {
	const skew = 15 * time.Minute // what services allow between their clock and ours
	if rec, ok := t.returned(plain(name, "k", "now")); ok {
		off := time.Since(rec.Time).Abs()
		t.check(off < skew, "a record without time came back with %v, which is %v from now", rec.Time, off)
	}
}

func noEventTime(t *T, name string) {
	t.refused("a record with a time of its own", &stream.Record{
		Stream: name, Key: []byte("k"), Value: []byte("v"), Time: time.Now().Add(-time.Hour),
	})
	t.arrival(name)
}
