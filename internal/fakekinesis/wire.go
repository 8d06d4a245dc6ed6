package fakekinesis

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Codes of errors (API reference, errors of each operation).
const (
	codeArgument    = "InvalidArgumentException"
	codeValidation  = "ValidationException"
	codeNotFound    = "ResourceNotFoundException"
	codeInUse       = "ResourceInUseException"
	codeLimit       = "LimitExceededException"
	codeThroughput  = "ProvisionedThroughputExceededException"
	codeOldIterator = "ExpiredIteratorException"
	codeOldToken    = "ExpiredNextTokenException"
	codeDryRun      = "DryRunOperationException"
	codeUnreadable  = "SerializationException"
)

const contentJSON = "application/x-amz-json-1.1"

// A failure is an error as the service tells it.
type failure struct {
	code, message string
	status        int
}

// fail makes a failure of a client's fault.
func fail(code, format string, args ...any) *failure {
	return &failure{code: code, message: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

// unmet makes a failure of a member that breaks its constraint, in the service's words.
func unmet(member, format string, args ...any) *failure {
	return fail(codeValidation, "Value at '"+member+"' failed to satisfy constraint: Member must "+format, args...)
}

// A request is a decoded input of an operation.
type request interface {
	// about is what the request concerns: a stream, and a shard or "".
	about() (stream, shard string)
	// check refuses what is wrong in itself. The lock is not held.
	check() *failure
	// do carries the request out. The lock is held.
	do(s *Server, o outcome, now time.Time) (any, *failure)
}

// operations makes an empty input of each operation.
var operations = map[string]func() request{
	"CreateStream":                           input[createStream],
	"DeleteStream":                           input[deleteStream],
	"DescribeStreamSummary":                  input[describeSummary],
	"ListShards":                             input[listShards],
	"PutRecord":                              input[putRecord],
	"PutRecords":                             input[putRecords],
	"GetShardIterator":                       input[getIterator],
	"GetRecords":                             input[getRecords],
	"SplitShard":                             input[splitShard],
	"RegisterStreamConsumer":                 input[registerConsumer],
	"DeregisterStreamConsumer":               input[deregisterConsumer],
	"DescribeStreamConsumer":                 input[describeConsumer],
	"ListStreamConsumers":                    input[listConsumers],
	"SubscribeToShard":                       input[subscribe],
	"DescribeStream":                         input[describeStream],
	"ListStreams":                            input[listStreams],
	"UpdateShardCount":                       input[updateShardCount],
	"IncreaseStreamRetentionPeriod":          input[increaseRetention],
	"DecreaseStreamRetentionPeriod":          input[decreaseRetention],
	"UpdateMaxRecordSize":                    input[updateRecordSize],
	"UpdateStreamMode":                       input[updateMode],
	"UpdateStreamRecordDistributionStrategy": input[updateDistribution],
	"MergeShards":                            input[mergeShards],
}

func input[T any, P interface {
	*T
	request
}]() request {
	return P(new(T))
}

// target names a stream: "you must use either the StreamARN or the StreamName parameter, or both".
type target struct {
	StreamName string
	StreamARN  string
}

func (t target) name() string {
	if t.StreamARN != "" {
		return nameOf(t.StreamARN)
	}
	return t.StreamName
}

func (t target) about() (stream, shard string) { return t.name(), "" }

func (t target) check() *failure {
	switch {
	case t.StreamName == "" && t.StreamARN == "":
		return fail(codeArgument, "Either StreamName or StreamARN must be specified.")
	case t.StreamARN != "" && t.StreamName != "" && nameOf(t.StreamARN) != t.StreamName:
		return fail(codeArgument, "StreamName and StreamARN do not name the same stream.")
	}
	return nil
}

// A stamp is a time as the protocol writes it: seconds since 1970 with milliseconds.
type stamp struct{ time.Time }

// MarshalJSON writes t as a number.
func (t stamp) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', 3, 64), nil
}

// UnmarshalJSON reads a number, rounded to milliseconds.
func (t *stamp) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return err
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000)))
	return nil
}
