package awskinesis

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awsjson"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// Iterator implements api.Service.
func (s *Service) Iterator(ctx context.Context, stream, shard string, from api.From) (string, error) {
	in := &kinesis.GetShardIteratorInput{ShardId: &shard, ShardIteratorType: types.ShardIteratorType(from.Kind)}
	in.StreamName, in.StreamARN = address(stream)
	in.StartingSequenceNumber, in.Timestamp = place(from)
	c := s.reading("GetShardIterator")
	out, err := send(ctx, c, s.client.GetShardIterator, in)
	if err != nil {
		return "", err
	}
	if aws.ToString(out.ShardIterator) == "" {
		return "", c.strange(errors.New("no iterator"))
	}
	return *out.ShardIterator, nil
}

// place is where from says, in the form that its kind needs.
func place(from api.From) (sequence *string, at *time.Time) {
	switch from.Kind {
	case api.AtSequence, api.AfterSequence:
		return &from.Sequence, nil
	case api.AtTime:
		return nil, &from.Time
	}
	return nil, nil
}

// Records implements api.Service.
func (s *Service) Records(ctx context.Context, stream, iterator string, limit int) (api.Page, error) {
	if s.cbor.Load() {
		page, err := s.getBinary(ctx, stream, iterator, limit)
		if !errors.Is(err, errRefused) {
			return page, err
		}
	}
	in := &kinesis.GetRecordsInput{ShardIterator: &iterator}
	_, in.StreamARN = address(stream)
	c := s.reading("GetRecords")
	var page api.Page
	t := &text{body: awsjson.AppendGet(nil, aws.ToString(in.StreamARN), iterator, limit)}
	t.read = func(p []byte) (ok bool) {
		page, ok = awsjson.ReadGet(p)
		return ok
	}
	out, err := send(ctx, c, s.client.GetRecords, in, t.use)
	if err != nil {
		return api.Page{}, err
	}
	if !t.done {
		if page, err = pageOf(out); err != nil {
			return api.Page{}, c.strange(err)
		}
	}
	page.Date, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
	return page, nil
}

// pageOf is a page as the SDK has read it.
func pageOf(out *kinesis.GetRecordsOutput) (page api.Page, err error) {
	if out.NextShardIterator == nil && out.MillisBehindLatest == nil {
		return page, errors.New("an empty answer") // which would look like the shard's end
	}
	page = api.Page{Next: aws.ToString(out.NextShardIterator), Behind: behind(out.MillisBehindLatest)}
	if page.Records, page.Bytes, err = records(out.Records); err != nil {
		return api.Page{}, err
	}
	page.End = page.Next == ""
	page.Children = children(out.ChildShards)
	return page, nil
}

func records(all []types.Record) (converted []api.Record, bytes int, err error) {
	if len(all) == 0 {
		return nil, 0, nil
	}
	converted = make([]api.Record, len(all))
	for i := range all {
		r := &all[i]
		if r.SequenceNumber == nil {
			return nil, 0, errors.New("a record without a sequence number")
		}
		converted[i] = api.Record{
			Key: aws.ToString(r.PartitionKey), Sequence: *r.SequenceNumber, Data: r.Data,
			Arrival: aws.ToTime(r.ApproximateArrivalTimestamp),
		}
		bytes += len(converted[i].Key) + len(r.Data)
	}
	return converted, bytes, nil
}

func behind(millis *int64) time.Duration {
	return time.Duration(max(aws.ToInt64(millis), 0)) * time.Millisecond
}

func children(all []types.ChildShard) []shard.Child {
	var converted []shard.Child
	for _, c := range all {
		r, _ := hashes(c.HashKeyRange)
		converted = append(converted, shard.Child{ID: aws.ToString(c.ShardId), Parents: c.ParentShards, Range: r})
	}
	return converted
}

// hashes reads a range; false if it is none.
func hashes(r *types.HashKeyRange) (shard.Range, bool) {
	if r == nil {
		return shard.Range{}, false
	}
	first, ok := shard.ParseHash(aws.ToString(r.StartingHashKey))
	last, also := shard.ParseHash(aws.ToString(r.EndingHashKey))
	return shard.Range{First: first, Last: last}, ok && also && first.Compare(last) <= 0
}
