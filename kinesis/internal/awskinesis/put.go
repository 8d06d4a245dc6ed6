package awskinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awsjson"
)

func (s *Service) put(op string) call { return call{op: op, timeout: s.putting, writes: true} }

// PutRecords implements api.Service.
func (s *Service) PutRecords(ctx context.Context, stream string, entries []api.Entry) ([]api.Result, error) {
	if s.cbor.Load() {
		results, err := s.putBinary(ctx, stream, entries)
		if !errors.Is(err, errRefused) {
			return results, err
		}
	}
	in := &kinesis.PutRecordsInput{Records: []types.PutRecordsRequestEntry{}} // the SDK wants to see some
	in.StreamName, in.StreamARN = address(stream)
	name, arn := aws.ToString(in.StreamName), aws.ToString(in.StreamARN)
	c := s.put("PutRecords")
	var results []api.Result
	t := &text{body: awsjson.AppendPut(make([]byte, 0, awsjson.PutBytes(name, arn, entries)), name, arn, entries)}
	t.read = func(p []byte) (ok bool) {
		results, ok = awsjson.ReadPut(p)
		return ok
	}
	out, err := send(ctx, c, s.client.PutRecords, in, t.use)
	if err != nil {
		return nil, err
	}
	if !t.done {
		results = resultsOf(out.Records)
	}
	for i := range results {
		if results[i].Message != "" {
			results[i].Message = c.words(results[i].Code, results[i].Message)
		}
	}
	return c.complete(results, len(entries))
}

// resultsOf are results as the SDK has read them.
func resultsOf(all []types.PutRecordsResultEntry) []api.Result {
	results := make([]api.Result, len(all))
	for i := range all {
		r := &all[i]
		results[i] = api.Result{
			Shard: aws.ToString(r.ShardId), Sequence: aws.ToString(r.SequenceNumber),
			Code: aws.ToString(r.ErrorCode), Message: aws.ToString(r.ErrorMessage),
		}
	}
	return results
}

// complete refuses an answer that does not say of every entry what became of it.
func (c call) complete(results []api.Result, entries int) ([]api.Result, error) {
	if len(results) != entries {
		return nil, c.strange(fmt.Errorf("%d results for %d records", len(results), entries))
	}
	for i := range results {
		if results[i].Code == "" && results[i].Sequence == "" {
			return nil, c.strange(errors.New("a result has neither a sequence number nor an error"))
		}
	}
	return results, nil
}

// strange is an answer without sense.
func (c call) strange(err error) error {
	return &api.Error{Op: c.op, Status: 200, Unknown: c.writes, Err: err}
}

// PutRecord implements api.Service.
func (s *Service) PutRecord(ctx context.Context, stream string, e api.Entry, after string) (api.Result, error) {
	in := &kinesis.PutRecordInput{Data: present(e.Data), PartitionKey: &e.Key}
	in.StreamName, in.StreamARN = address(stream)
	if e.Hash != "" {
		in.ExplicitHashKey = &e.Hash
	}
	if after != "" {
		in.SequenceNumberForOrdering = &after
	}
	c := s.put("PutRecord")
	out, err := send(ctx, c, s.client.PutRecord, in)
	if err != nil {
		return api.Result{}, err
	}
	results, err := c.complete([]api.Result{{Shard: aws.ToString(out.ShardId), Sequence: aws.ToString(out.SequenceNumber)}}, 1)
	if err != nil {
		return api.Result{}, err
	}
	return results[0], nil
}

// present is data as the SDK wants it: empty data are not nil.
func present(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
