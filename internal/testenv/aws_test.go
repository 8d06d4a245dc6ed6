//go:build servers

package testenv_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// credentials are those that emulators take.
func credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: testenv.AccessKey, SecretAccessKey: testenv.SecretKey}, nil
	})
}

func kinesisClient(e *testenv.Emulator) *kinesis.Client {
	return kinesis.New(kinesis.Options{Region: testenv.Region, BaseEndpoint: aws.String(e.Endpoint()),
		Credentials: credentials()})
}

func dynamoClient(e *testenv.Emulator) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: testenv.Region, BaseEndpoint: aws.String(e.Endpoint()),
		Credentials: credentials()})
}

// makeStream makes a stream and waits until it takes records.
func makeStream(t *testing.T, c *kinesis.Client, name string, shards int) {
	count := int32(shards)
	_, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &count})
	require.NoError(t, err)
	waiter := kinesis.NewStreamExistsWaiter(c, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay = 100 * time.Millisecond
	})
	require.NoError(t, waiter.Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: &name}, patience))
}

// putNumbers stores n records whose key and data are their number.
func putNumbers(t *testing.T, c *kinesis.Client, stream string, from, n int) {
	var entries []types.PutRecordsRequestEntry
	for i := range n {
		text := strconv.Itoa(from + i)
		entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: &text, Data: []byte(text)})
	}
	out, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: &stream, Records: entries})
	require.NoError(t, err)
	require.Zero(t, *out.FailedRecordCount)
}

// readShard reads a shard from its beginning until it has n records.
func readShard(t *testing.T, c *kinesis.Client, stream, shard string, n int) []types.Record {
	it, err := c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: &stream, ShardId: &shard,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	require.NoError(t, err)
	var all []types.Record
	for next := it.ShardIterator; len(all) < n; {
		page, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: next})
		require.NoError(t, err)
		all = append(all, page.Records...)
		next = page.NextShardIterator
	}
	return all
}
