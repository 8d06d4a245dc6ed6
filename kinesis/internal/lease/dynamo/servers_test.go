//go:build servers

package dynamo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/kinesis/internal/lease/leasetest"
	"github.com/streamport-go/streamport/kinesis/internal/transport"
)

// emulator is a client of a running DynamoDB Local.
func emulator(t *testing.T) *dynamodb.Client {
	t.Helper()
	server := testenv.RunDynamoDB(t, testenv.DynamoDBConfig{})
	http := transport.New()
	t.Cleanup(http.CloseIdleConnections)
	config := aws.Config{Region: testenv.Region, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: testenv.AccessKey, SecretAccessKey: testenv.SecretKey}, nil
	})}
	return dynamo.NewClient(config, server.Endpoint(), http)
}

func TestStoreOnDynamoDBLocal(t *testing.T) {
	c := emulator(t)
	tables := 0
	leasetest.Run(t, func(t *testing.T) lease.Store {
		tables++
		s, err := dynamo.Open(t.Context(), c, fmt.Sprintf("leases-%d", tables), true)
		require.NoError(t, err)
		return s
	})
}

func TestScanOfManyPagesOnDynamoDBLocal(t *testing.T) {
	s, err := dynamo.Open(t.Context(), emulator(t), table, true)
	require.NoError(t, err)
	const rows = 40 // of 64 KB: three pages of 1 MB
	for n := range rows {
		create(t, s, lease.Row{
			Key: fmt.Sprintf("shardId-%012d", n), Checkpoint: lease.AtOldest, Own: lease.Own{Has: true, State: make([]byte, dynamo.MaxState)},
		})
	}
	found, err := s.Scan(t.Context())
	require.NoError(t, err)
	require.Len(t, found, rows)
}

func TestStoreIsLinearizableOnDynamoDBLocal(t *testing.T) {
	c := emulator(t)
	for seed := range uint64(5) {
		var stores []lease.Store
		for range 5 {
			s, err := dynamo.Open(t.Context(), c, fmt.Sprintf("linear-%d", seed), true)
			require.NoError(t, err)
			stores = append(stores, s)
		}
		load := leasetest.Load{Seed: seed, Calls: 150, Pause: time.Millisecond, Timeout: time.Minute}
		operations := leasetest.Drive(t.Context(), stores, load)
		require.Greater(t, len(operations), 500)
		require.True(t, leasetest.Linear(operations), "seed %d", seed)
	}
}

func TestForeignTableOnDynamoDBLocal(t *testing.T) {
	c := emulator(t)
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("ShardID"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("ShardID"), AttributeType: types.ScalarAttributeTypeS}},
	})
	require.NoError(t, err)
	_, err = dynamo.Open(t.Context(), c, table, true)
	var foreign *dynamo.ForeignError
	require.ErrorAs(t, err, &foreign)
}
