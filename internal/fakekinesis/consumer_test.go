package fakekinesis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

func (b *bench) describeConsumer(arn *string) (*types.ConsumerDescription, error) {
	out, err := b.client.DescribeStreamConsumer(b.ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
	if err != nil {
		return nil, err
	}
	return out.ConsumerDescription, nil
}

// A consumer is CREATING, then ACTIVE, then DELETING and gone; one that is made anew under its name has another ARN.
func TestConsumersComeAndGo(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		in := &kinesis.RegisterStreamConsumerInput{ConsumerName: ptr("reader"), StreamARN: b.summary().StreamARN}
		out, err := b.client.RegisterStreamConsumer(b.ctx, in)
		require.NoError(b, err)
		require.Equal(b, types.ConsumerStatusCreating, out.Consumer.ConsumerStatus)
		_, err = b.client.RegisterStreamConsumer(b.ctx, in)
		require.Equal(b, "ResourceInUseException", code(err), "each consumer must have a unique name")
		arn := out.Consumer.ConsumerARN
		_, err = b.subscribe(arn, first, oldest)
		require.Equal(b, "ResourceInUseException", code(err), "not ACTIVE")
		b.settle()
		d, err := b.describeConsumer(arn)
		require.NoError(b, err)
		require.Equal(b, types.ConsumerStatusActive, d.ConsumerStatus)
		require.Equal(b, *in.StreamARN, *d.StreamARN)
		require.EqualValues(b, 1, *b.summary().ConsumerCount)

		s, err := b.subscribe(arn, first, oldest)
		require.NoError(b, err)
		_, err = b.client.DeleteStream(b.ctx, &kinesis.DeleteStreamInput{StreamName: ptr(name)})
		require.Equal(b, "ResourceInUseException", code(err), "the stream has registered consumers")
		_, err = b.client.DeregisterStreamConsumer(b.ctx, &kinesis.DeregisterStreamConsumerInput{
			StreamARN: in.StreamARN, ConsumerName: in.ConsumerName,
		})
		require.NoError(b, err)
		d, err = b.describeConsumer(arn)
		require.NoError(b, err)
		require.Equal(b, types.ConsumerStatusDeleting, d.ConsumerStatus)
		for event(s) != nil {
		}
		require.Equal(b, "ResourceNotFoundException", code(s.Err()))
		b.settle()
		_, err = b.describeConsumer(arn)
		require.Equal(b, "ResourceNotFoundException", code(err))

		out, err = b.client.RegisterStreamConsumer(b.ctx, in)
		require.NoError(b, err)
		require.NotEqual(b, *arn, *out.Consumer.ConsumerARN)
	})
}

// "With On-demand Standard and Provisioned streams, you can register up to 20 consumers per stream"; "Registering a 6th
// consumer while there are 5 in a CREATING status results in a LimitExceededException" (RegisterStreamConsumer).
func TestConsumersAreLimitedAndListed(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		arn := b.summary().StreamARN
		register := func(i int) error {
			_, err := b.client.RegisterStreamConsumer(b.ctx, &kinesis.RegisterStreamConsumerInput{
				ConsumerName: ptr(fmt.Sprint("reader-", i)), StreamARN: arn,
			})
			return err
		}
		for i := range 5 {
			require.NoError(b, register(i))
		}
		require.Equal(b, "LimitExceededException", code(register(5)))
		for i := 5; i < 20; i++ {
			b.settle()
			require.NoError(b, register(i))
		}
		b.settle()
		require.Equal(b, "LimitExceededException", code(register(20)))

		var names []string
		pages := kinesis.NewListStreamConsumersPaginator(b.client, &kinesis.ListStreamConsumersInput{StreamARN: arn, MaxResults: ptr[int32](7)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(b.ctx)
			require.NoError(b, err)
			for _, c := range page.Consumers {
				names = append(names, *c.ConsumerName)
			}
		}
		require.Len(b, names, 20)
		require.Equal(b, "reader-19", names[19])
	})
}

// "You can make one call to SubscribeToShard per second per registered consumer per shard" (SubscribeToShard); records come
// "at a rate of up to 2 MiB per second for every shard you subscribe to" (RegisterStreamConsumer).
func TestSubscriptionsAreLimited(t *testing.T) {
	run(t, fakekinesis.Config{Limits: true}, 1, func(b *bench) {
		for range 4 {
			_, err := b.putAll(entries(1, mib-1, "k"))
			require.NoError(b, err)
		}
		arn := b.register("reader")
		s, err := b.subscribe(arn, first, oldest)
		require.NoError(b, err)
		_, err = b.subscribe(arn, first, oldest)
		require.Equal(b, "LimitExceededException", code(err))
		begun, got := time.Now(), 0
		for got < 4 {
			got += len(event(s).Records)
		}
		require.InDelta(b, 1.5, time.Since(begun).Seconds(), 0.1)
	})
}
