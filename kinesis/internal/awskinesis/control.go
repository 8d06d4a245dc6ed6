package awskinesis

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// Create implements api.Service.
func (s *Service) Create(ctx context.Context, c api.Creation) error {
	in := &kinesis.CreateStreamInput{StreamName: &c.Name}
	if c.Shards > 0 {
		in.ShardCount = aws.Int32(int32(c.Shards)) //nolint:gosec // the service has streams of 20,000
	} else {
		in.StreamModeDetails = &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
	}
	if c.RecordBytes > 0 {
		in.MaxRecordSizeInKiB = kibibytes(c.RecordBytes)
	}
	_, err := send(ctx, s.changing("CreateStream"), s.client.CreateStream, in)
	return err
}

// SetRetention implements api.Service.
func (s *Service) SetRetention(ctx context.Context, stream string, from, to time.Duration) error {
	name, arn := address(stream)
	hours := aws.Int32(int32((to + time.Hour - 1) / time.Hour)) //nolint:gosec // the service keeps a year at most
	switch {
	case to > from:
		_, err := send(ctx, s.changing("IncreaseStreamRetentionPeriod"), s.client.IncreaseStreamRetentionPeriod,
			&kinesis.IncreaseStreamRetentionPeriodInput{StreamName: name, StreamARN: arn, RetentionPeriodHours: hours})
		return err
	case to < from:
		_, err := send(ctx, s.changing("DecreaseStreamRetentionPeriod"), s.client.DecreaseStreamRetentionPeriod,
			&kinesis.DecreaseStreamRetentionPeriodInput{StreamName: name, StreamARN: arn, RetentionPeriodHours: hours})
		return err
	}
	return nil
}

// SetRecordBytes implements api.Service.
func (s *Service) SetRecordBytes(ctx context.Context, streamARN string, bytes int64) error {
	_, err := send(ctx, s.changing("UpdateMaxRecordSize"), s.client.UpdateMaxRecordSize,
		&kinesis.UpdateMaxRecordSizeInput{StreamARN: &streamARN, MaxRecordSizeInKiB: kibibytes(bytes)})
	return err
}

// kibibytes rounds up.
func kibibytes(bytes int64) *int32 {
	return aws.Int32(int32(min((bytes+1<<10-1)>>10, 1<<20))) //nolint:gosec // bounded
}
