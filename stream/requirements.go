package stream

import (
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Requirements are what a service needs of a stream, under the names of Capabilities; a zero field asks for nothing, and
// so does None. They are checked when a producer or a consumer is opened, and for a producer while it runs.
//
// Resharding, AutoScaling, Partitions, ThrottleDelay, ThrottleReject, MaxRequestRecords and MaxRequestBytes are told and
// not required: more of them is not better, or the library adapts to them.
type Requirements struct {
	PartitionOrder, KeyOrder, NilKeys, BinaryKeys, Headers, Tombstones, EventTime Support
	Groups, Fencing, IdempotentProduce, Transactions                              Support
	SeekTime, Compaction, PushDelivery, LagRecords, LagTime, Durability           Support

	MaxRecordBytes, MaxStateBytes              int64 // at least so many bytes; no limit is enough
	PartitionWriteBytes, PartitionWriteRecords int64 // at least so many a second; no limit is enough
	PartitionReadBytes, PartitionReadCalls     int64 // at least so many a second; no limit is enough

	// Retention is how long records are kept at least, compaction aside. Below 0 asks for no limit in time. A stream that
	// also limits the bytes of a partition promises no time at all.
	Retention time.Duration
}

// A want is one field of Requirements that asks for something.
type want struct {
	amount int64 // in the measure of fact.assured
	text   string
}

// wants returns what r asks for, by name.
func (r Requirements) wants() map[string]want {
	wants := make(map[string]want)
	for field, value := range reflect.ValueOf(r).Fields() {
		var w want
		switch v := value.Interface().(type) {
		case Support:
			if v > None {
				w = want{amount: int64(v), text: v.String()}
			}
			if v == Emulated {
				w.text = "emulated or native"
			}
		case time.Duration:
			w = want{amount: int64(v), text: "at least " + spell(v)}
			if v < 0 {
				w = want{amount: boundless, text: "unlimited"}
			}
		case int64:
			w = want{amount: v, text: "at least " + measureOf(field.Name).spell(v)}
		}
		if w.amount != 0 {
			wants[field.Name] = w
		}
	}
	return wants
}

// check refuses what no stream can ever meet.
func (r Requirements) check() error {
	var errs []error
	for field, value := range reflect.ValueOf(r).Fields() {
		switch v := value.Interface().(type) {
		case Support:
			if v > Native {
				errs = append(errs, fmt.Errorf("%w: %s is required as degree %d, which there is not", ErrInvalid, field.Name, v))
			}
		case int64:
			if v < 0 {
				errs = append(errs, fmt.Errorf("%w: a %s of %d is required", ErrInvalid, field.Name, v))
			}
		}
	}
	return errors.Join(errs...)
}
