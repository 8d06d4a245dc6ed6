package awskinesis

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// Summary implements api.Service.
func (s *Service) Summary(ctx context.Context, stream string) (api.Summary, error) {
	in := &kinesis.DescribeStreamSummaryInput{}
	in.StreamName, in.StreamARN = address(stream)
	c := s.reading("DescribeStreamSummary")
	out, err := send(ctx, c, s.client.DescribeStreamSummary, in)
	if err != nil {
		return api.Summary{}, err
	}
	d := out.StreamDescriptionSummary
	if d == nil {
		return api.Summary{}, c.strange(errors.New("no description"))
	}
	made := api.Summary{
		Name: aws.ToString(d.StreamName), ARN: aws.ToString(d.StreamARN), Status: string(d.StreamStatus),
		Created: aws.ToTime(d.StreamCreationTimestamp), Retention: time.Duration(aws.ToInt32(d.RetentionPeriodHours)) * time.Hour,
		OpenShards: int(aws.ToInt32(d.OpenShardCount)), Consumers: int(aws.ToInt32(d.ConsumerCount)),
		RecordBytes:  int64(aws.ToInt32(d.MaxRecordSizeInKiB)) << 10,
		Distribution: string(d.RecordDistributionStrategy), Encryption: string(d.EncryptionType),
	}
	if d.StreamModeDetails != nil {
		made.Mode = string(d.StreamModeDetails.StreamMode)
	}
	return made, nil
}
