package stream

import (
	"fmt"
	"time"
)

// A Header is one name with one value. A record's headers are ordered, and a key may occur more than once.
type Header struct {
	Key   string
	Value []byte
}

// A Record is one entry of a stream. A producer reads Stream, Key, Value, Headers and Time; Partition and Position are
// set on consumed records only. The bytes of a consumed record are never reused and are read-only.
type Record struct {
	Stream    string    // where to append, or where the record came from
	Key       []byte    // equal keys keep their order; nil spreads over the partitions; empty is a key
	Value     []byte    // nil is a tombstone, empty is empty: the difference is kept
	Headers   []Header  // ordered, repeated keys allowed
	Time      time.Time // event time, kept to the millisecond; zero: the producer's clock
	Partition string    // consumed records only
	Position  Position  // consumed records only

	delivery uint64 // which hold delivered the record, and as its how-manieth; see delivery.go
}

// maxTime is the first instant that a record's time can no longer be.
var maxTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

// Bounds on a record's headers that hold on every backend, so that a hostile producer cannot make a consumer allocate
// without limit.
const (
	maxHeaders     = 128
	maxHeaderBytes = 256 << 10
)

// check refuses what no backend takes. Limits that differ by backend are the sink's to check.
func (r *Record) check() error {
	switch {
	case r == nil:
		return fmt.Errorf("%w: the record is nil", ErrInvalid)
	case r.Stream == "":
		return fmt.Errorf("%w: the record names no stream", ErrInvalid)
	case len(r.Headers) > 0:
		if err := checkHeaders(r.Headers); err != nil {
			return err
		}
	}
	if !r.Time.IsZero() && (r.Time.Unix() < 0 || !r.Time.Before(maxTime)) {
		return fmt.Errorf("%w: the record's time is outside 1970 to 9999", ErrInvalid)
	}
	return nil
}

func checkHeaders(headers []Header) error {
	if len(headers) > maxHeaders {
		return fmt.Errorf("%w: %d headers, at most %d are allowed", ErrTooLarge, len(headers), maxHeaders)
	}
	size := 0
	for _, h := range headers {
		size += len(h.Key) + len(h.Value)
	}
	if size > maxHeaderBytes {
		return fmt.Errorf("%w: headers of %d bytes, at most %d are allowed", ErrTooLarge, size, maxHeaderBytes)
	}
	return nil
}

// size is the bytes of key, value and headers.
func (r *Record) size() int64 {
	size := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return int64(size)
}
