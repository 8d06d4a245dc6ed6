//go:build servers

package testenv_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// makeLeases makes a lease table with the leases of n shards, so that a worker need not.
func makeLeases(t *testing.T, c *dynamodb.Client, table string, n int) {
	key := aws.String("leaseKey")
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: ddb.BillingModePayPerRequest,
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: key, KeyType: ddb.KeyTypeHash}},
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: key, AttributeType: ddb.ScalarAttributeTypeS}}})
	require.NoError(t, err)
	s := func(v string) ddb.AttributeValue { return &ddb.AttributeValueMemberS{Value: v} }
	zero := &ddb.AttributeValueMemberN{Value: "0"}
	for i := range n {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]ddb.AttributeValue{
			"leaseKey": s(fmt.Sprintf("shardId-%012d", i)), "checkpoint": s("TRIM_HORIZON"), "checkpointSubSequenceNumber": zero,
			"leaseCounter": zero, "ownerSwitchesSinceCheckpoint": zero}})
		require.NoError(t, err)
	}
}

func kplRecords(n int) []testenv.KPLRecord {
	var all []testenv.KPLRecord
	for i := range n {
		all = append(all, testenv.KPLRecord{Key: fmt.Sprintf("key-%d", i%7), Data: fmt.Appendf(nil, "data-%d", i)})
	}
	return all
}

// records takes a worker's events until it has told of n records.
func records(ctx context.Context, t *testing.T, k *testenv.KCL, n int) []testenv.KCLEvent {
	var all []testenv.KCLEvent
	_, err := k.Until(ctx, func(e testenv.KCLEvent) bool {
		if e.Kind == "record" {
			all = append(all, e)
		}
		return len(all) == n
	})
	require.NoError(t, err, "after %d of %d records", len(all), n)
	return all
}

func TestTheClientLibraryReadsWhatTheProducerLibraryWrites(t *testing.T) {
	kinesis := testenv.RunKinesis(t, testenv.KinesisConfig{})
	dynamo := testenv.RunDynamoDB(t, testenv.DynamoDBConfig{})
	makeStream(t, kinesisClient(kinesis), "s", 2)
	const n = 100
	began := time.Now()
	config := testenv.KPLConfig{Endpoint: kinesis.TLSEndpoint(), Stream: "s"}
	stored, err := testenv.RunKPL(within(t, 2*patience), config, kplRecords(n))
	require.NoError(t, err)
	t.Logf("producer library: %d records after %v", n, time.Since(began).Round(10*time.Millisecond))
	different := make(map[testenv.Stored]bool)
	for _, s := range stored {
		different[s] = true
	}
	require.Less(t, len(different), n/5, "they are aggregated")

	for _, config := range []testenv.KCLConfig{
		{Version: testenv.KCL2}, {Mode: testenv.KCLPhase1}, {Mode: testenv.KCLCompatible},
	} {
		t.Run(strings.ToLower("version "+config.Version+config.Mode), func(t *testing.T) {
			config.Stream, config.Table = "s", "table-"+config.Version+config.Mode
			config.Kinesis, config.DynamoDB = kinesis.Endpoint(), dynamo.Endpoint()
			makeLeases(t, dynamoClient(dynamo), config.Table, 2)
			began := time.Now()
			k := testenv.RunKCL(t, config)
			ctx := within(t, 2*patience)
			e, err := k.Until(ctx, func(e testenv.KCLEvent) bool { return e.Kind == "granted" })
			require.NoError(t, err)
			t.Logf("granted %s after %v", e[len(e)-1].Shard, time.Since(began).Round(10*time.Millisecond))
			got := make(map[string]bool)
			aggregated := 0
			for _, e := range records(ctx, t, k, n) {
				got[e.Key+" "+string(e.Data)] = true
				if e.Aggregated {
					aggregated++
				}
			}
			t.Logf("client library: %d records after %v", n, time.Since(began).Round(10*time.Millisecond))
			require.Greater(t, aggregated, n*9/10)
			for _, r := range kplRecords(n) {
				require.True(t, got[r.Key+" "+string(r.Data)])
			}
			require.NoError(t, k.Kill())
			for err == nil {
				_, err = k.Next(ctx)
			}
			require.ErrorIs(t, err, io.EOF)
		})
	}
}

func TestTheClientLibraryMakesItsTableAndStopsInOrder(t *testing.T) {
	kinesis := testenv.RunKinesis(t, testenv.KinesisConfig{})
	dynamo := testenv.RunDynamoDB(t, testenv.DynamoDBConfig{})
	makeStream(t, kinesisClient(kinesis), "s", 1)
	putNumbers(t, kinesisClient(kinesis), "s", 0, 3)
	began := time.Now()
	k := testenv.RunKCL(t, testenv.KCLConfig{Stream: "s", Table: "table",
		Kinesis: kinesis.Endpoint(), DynamoDB: dynamo.Endpoint(), Failover: 2 * time.Second, Checkpoint: "record"})
	ctx := within(t, 2*patience)
	require.Equal(t, "2", string(records(ctx, t, k, 3)[2].Data))
	t.Logf("without table: 3 records after %v", time.Since(began).Round(10*time.Millisecond))
	ended := make(chan error, 1)
	go func() { ended <- k.Terminate() }()
	all, err := k.Until(ctx, func(e testenv.KCLEvent) bool { return e.Kind == "stopped" })
	require.NoError(t, err)
	require.NoError(t, <-ended)
	asked := false
	for _, e := range all {
		asked = asked || e.Kind == "asked"
		require.NotEqual(t, "failed", e.Kind, e.Text)
	}
	require.True(t, asked)
	item, err := dynamoClient(dynamo).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("table"),
		Key: map[string]ddb.AttributeValue{"leaseKey": &ddb.AttributeValueMemberS{Value: "shardId-000000000000"}}})
	require.NoError(t, err)
	require.NotEqual(t, "TRIM_HORIZON", item.Item["checkpoint"].(*ddb.AttributeValueMemberS).Value)
}

func TestMistakesInTheConfigurationOfJavaPrograms(t *testing.T) {
	good := testenv.KCLConfig{Stream: "s", Table: "t", Kinesis: "http://k", DynamoDB: "http://d"}
	for name, spoil := range map[string]func(*testenv.KCLConfig){
		"no stream":           func(c *testenv.KCLConfig) { c.Stream = "" },
		"another version":     func(c *testenv.KCLConfig) { c.Version = "1.0.0" },
		"a mode of version 2": func(c *testenv.KCLConfig) { c.Version, c.Mode = testenv.KCL2, testenv.KCLNative },
		"another mode":        func(c *testenv.KCLConfig) { c.Mode = "x" },
		"another checkpoint":  func(c *testenv.KCLConfig) { c.Checkpoint = "x" },
		"another heap":        func(c *testenv.KCLConfig) { c.Heap = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			spoil(&c)
			_, err := testenv.StartKCL(t.Context(), c)
			require.Error(t, err)
		})
	}
	_, err := testenv.RunKPL(t.Context(), testenv.KPLConfig{Endpoint: "http://plain", Stream: "s"}, nil)
	require.Error(t, err)
}
