//go:build servers

package testenv_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

func TestEmulatorsOfKinesisKeepRecords(t *testing.T) {
	for name, run := range map[string]func(testing.TB, testenv.KinesisConfig) *testenv.Emulator{
		"kinesis-local": testenv.RunKinesis,
		"kinesalite":    testenv.RunKinesalite,
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			e := run(t, testenv.KinesisConfig{})
			t.Logf("ready after %v", time.Since(began).Round(10*time.Millisecond))
			c := kinesisClient(e)
			makeStream(t, c, "s", 1)
			putNumbers(t, c, "s", 0, 100)
			got := readShard(t, c, "s", "shardId-000000000000", 100)
			require.Len(t, got, 100)
			require.Equal(t, "0", string(got[0].Data))
		})
	}
}

func TestDynamoDBChecksConditions(t *testing.T) {
	began := time.Now()
	e := testenv.RunDynamoDB(t, testenv.DynamoDBConfig{})
	t.Logf("ready after %v", time.Since(began).Round(10*time.Millisecond))
	c := dynamoClient(e)
	makeLeases(t, c, "table", 0)
	put := &dynamodb.PutItemInput{TableName: aws.String("table"),
		ConditionExpression: aws.String("attribute_not_exists(leaseKey)"),
		Item:                map[string]ddb.AttributeValue{"leaseKey": &ddb.AttributeValueMemberS{Value: "k"}}}
	_, err := c.PutItem(t.Context(), put)
	require.NoError(t, err)
	_, err = c.PutItem(t.Context(), put)
	var failed *ddb.ConditionalCheckFailedException
	require.ErrorAs(t, err, &failed)
}

func TestAnEmulatorIsPausedKilledAndStartedAgain(t *testing.T) {
	e := testenv.RunKinesis(t, testenv.KinesisConfig{})
	c := kinesisClient(e)
	makeStream(t, c, "s", 1)
	list := func(limit time.Duration) ([]string, error) {
		once := func(o *kinesis.Options) { o.RetryMaxAttempts = 1 }
		out, err := c.ListStreams(within(t, limit), &kinesis.ListStreamsInput{}, once)
		if err != nil {
			return nil, err
		}
		return out.StreamNames, nil
	}
	names, err := list(patience)
	require.NoError(t, err)
	require.Equal(t, []string{"s"}, names)
	require.NoError(t, e.Pause())
	_, err = list(time.Second)
	require.Error(t, err, "it is paused")
	require.NoError(t, e.Resume())
	_, err = list(patience)
	require.NoError(t, err)
	require.NotZero(t, e.Pid())
	require.NoError(t, e.Kill())
	require.Zero(t, e.Pid())
	_, err = list(patience)
	require.Error(t, err, "it is dead")
	require.Error(t, e.Pause())
	require.NoError(t, e.Restart(t.Context()))
	names, err = list(patience)
	require.NoError(t, err)
	require.Empty(t, names, "its data were in its memory")
	e.Stop()
	require.Error(t, e.Restart(t.Context()))
}

func TestMistakesInTheConfigurationOfEmulators(t *testing.T) {
	_, err := testenv.StartKinesis(t.Context(), testenv.KinesisConfig{Shards: -1})
	require.Error(t, err)
	_, err = testenv.StartDynamoDB(t.Context(), testenv.DynamoDBConfig{Heap: "big"})
	require.Error(t, err)
}
