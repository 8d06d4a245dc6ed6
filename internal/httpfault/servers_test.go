//go:build servers

package httpfault_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/httpfault"
	"github.com/streamport-go/streamport/internal/testenv"
)

// A subscription to kinesis-local works through the proxy; a second one is refused as the service refuses it.
func TestSubscribingToKinesisLocal(t *testing.T) {
	e := testenv.RunKinesis(t, testenv.KinesisConfig{})
	p, err := httpfault.Listen(e.Endpoint(), 1)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	c := clientOf(t, p.Endpoint())
	arn := consumerOf(t, c)
	_, err = put(t, c, "a")
	require.NoError(t, err)

	shard := aws.String("shardId-000000000000")
	in := &kinesis.SubscribeToShardInput{ConsumerARN: &arn, ShardId: shard,
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}}
	out, err := c.SubscribeToShard(t.Context(), in)
	require.NoError(t, err)
	defer func() { require.NoError(t, out.GetStream().Close()) }()
	for got := 0; got < 1; {
		event, open := <-out.GetStream().Events()
		require.True(t, open, "%v", out.GetStream().Err())
		got += len(event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.Records)
	}
	_, err = c.SubscribeToShard(t.Context(), in)
	var inUse *types.ResourceInUseException
	require.ErrorAs(t, err, &inUse)
}

// consumerOf makes stream s with a consumer, and returns the consumer's ARN.
func consumerOf(t *testing.T, c *kinesis.Client) string {
	_, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)})
	require.NoError(t, err)
	var stream *kinesis.DescribeStreamSummaryOutput
	require.Eventually(t, func() bool {
		stream, err = c.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("s")})
		return err == nil && stream.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive
	}, time.Minute, 50*time.Millisecond)
	arn := stream.StreamDescriptionSummary.StreamARN
	made, err := c.RegisterStreamConsumer(t.Context(),
		&kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c")})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		now, err := c.DescribeStreamConsumer(t.Context(),
			&kinesis.DescribeStreamConsumerInput{ConsumerARN: made.Consumer.ConsumerARN})
		return err == nil && now.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive
	}, time.Minute, 50*time.Millisecond)
	return *made.Consumer.ConsumerARN
}

// Kinesis-local never ends a subscription to a closed shard; behind the proxy it ends as the service's does.
func TestASubscriptionEndsWithItsShard(t *testing.T) {
	e := testenv.RunKinesis(t, testenv.KinesisConfig{})
	p, err := httpfault.Listen(e.Endpoint(), 1)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	c := clientOf(t, p.Endpoint())
	arn := consumerOf(t, c)
	_, err = put(t, c, "a", "b")
	require.NoError(t, err)
	out, err := c.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{ConsumerARN: &arn,
		ShardId:          aws.String("shardId-000000000000"),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}})
	require.NoError(t, err)
	defer func() { require.NoError(t, out.GetStream().Close()) }()
	_, err = c.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: aws.String("s"),
		ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("170141183460469231731687303715884105728")})
	require.NoError(t, err)
	records := 0
	var children []types.ChildShard
	for event := range out.GetStream().Events() {
		told := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		require.Empty(t, children, "the last event is the last")
		records += len(told.Records)
		if children = told.ChildShards; children != nil {
			require.Nil(t, told.ContinuationSequenceNumber)
		}
	}
	require.NoError(t, out.GetStream().Err())
	require.Equal(t, 2, records)
	require.Len(t, children, 2)
	require.Equal(t, []string{"shardId-000000000000"}, children[0].ParentShards)
}

// What is lost, throttled and cut on the way to DynamoDB looks to its client as it would be.
func TestFaultsBeforeDynamoDB(t *testing.T) {
	e := testenv.RunDynamoDB(t, testenv.DynamoDBConfig{})
	p, err := httpfault.Listen(e.Endpoint(), 1)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := dynamodb.New(dynamodb.Options{Region: testenv.Region, BaseEndpoint: aws.String(p.Endpoint()),
		Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: testenv.AccessKey, SecretAccessKey: testenv.SecretKey}, nil
		})})
	table, key := aws.String("table"), aws.String("leaseKey")
	_, err = c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: table, BillingMode: ddb.BillingModePayPerRequest,
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: key, KeyType: ddb.KeyTypeHash}},
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: key, AttributeType: ddb.ScalarAttributeTypeS}}})
	require.NoError(t, err)
	put := func(k string) error {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table,
			ConditionExpression: aws.String("attribute_not_exists(leaseKey)"),
			Item:                map[string]ddb.AttributeValue{"leaseKey": &ddb.AttributeValueMemberS{Value: k}}})
		return err
	}
	var throttled *ddb.ProvisionedThroughputExceededException
	var exists *ddb.ConditionalCheckFailedException
	p.Set(httpfault.Rule{Kind: httpfault.Refuse, Holding: "shard-1", Code: httpfault.Throughput, Times: 1})
	require.NoError(t, put("shard-0"))
	require.ErrorAs(t, put("shard-1"), &throttled)
	require.NoError(t, put("shard-1"), "it was not written")
	p.Set(httpfault.Rule{Kind: httpfault.Lose, Ops: []string{"PutItem"}, Times: 1})
	require.Error(t, put("shard-2"))
	require.ErrorAs(t, put("shard-2"), &exists, "it was written")
}
