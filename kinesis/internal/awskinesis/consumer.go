package awskinesis

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// Register implements api.Service.
func (s *Service) Register(ctx context.Context, streamARN, name string) (api.Consumer, error) {
	c := s.changing("RegisterStreamConsumer")
	out, err := send(ctx, c, s.client.RegisterStreamConsumer,
		&kinesis.RegisterStreamConsumerInput{StreamARN: &streamARN, ConsumerName: &name})
	if err != nil {
		return api.Consumer{}, err
	}
	if out.Consumer == nil {
		return api.Consumer{}, c.strange(errors.New("no consumer"))
	}
	return c.consumer(out.Consumer.ConsumerARN, out.Consumer.ConsumerStatus)
}

// Consumer implements api.Service.
func (s *Service) Consumer(ctx context.Context, streamARN, name string) (api.Consumer, error) {
	c := s.reading("DescribeStreamConsumer")
	out, err := send(ctx, c, s.client.DescribeStreamConsumer,
		&kinesis.DescribeStreamConsumerInput{StreamARN: &streamARN, ConsumerName: &name})
	if err != nil {
		return api.Consumer{}, err
	}
	if out.ConsumerDescription == nil {
		return api.Consumer{}, c.strange(errors.New("no consumer"))
	}
	return c.consumer(out.ConsumerDescription.ConsumerARN, out.ConsumerDescription.ConsumerStatus)
}

func (c call) consumer(arn *string, status types.ConsumerStatus) (api.Consumer, error) {
	if aws.ToString(arn) == "" {
		return api.Consumer{}, c.strange(errors.New("a consumer without ARN"))
	}
	return api.Consumer{ARN: *arn, Status: string(status)}, nil
}

// Deregister implements api.Service.
func (s *Service) Deregister(ctx context.Context, consumerARN string) error {
	_, err := send(ctx, s.changing("DeregisterStreamConsumer"), s.client.DeregisterStreamConsumer,
		&kinesis.DeregisterStreamConsumerInput{ConsumerARN: &consumerARN})
	return err
}
