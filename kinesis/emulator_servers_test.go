//go:build servers

package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/stream"
)

// emulated is what stands in for the services, as reports name it.
const emulated = "kinesis-local " + testenv.KinesisLocalVersion + " and DynamoDB Local " + testenv.DynamoDBLocalVersion +
	", behind the proxies of internal/httpfault"

// manyShards is more than any test makes: streams stay until the emulator ends.
const manyShards = 20_000

// reshapes bounds how long an emulator may take for a change of shards.
const reshapes = 30 * time.Second

// emulators are a Kinesis and a DynamoDB in processes of their own, and clients of them that are none of the adapter's.
type emulators struct {
	streams, tables *testenv.Emulator
	kinesis         *sdk.Client
	dynamo          *dynamodb.Client
}

func startEmulators(t *testing.T) *emulators {
	t.Helper()
	e := &emulators{tables: testenv.RunDynamoDB(t, testenv.DynamoDBConfig{Heap: "256m"})}
	e.dynamo = dynamodb.New(dynamodb.Options{
		Region: testenv.Region, BaseEndpoint: aws.String(e.tables.Endpoint()), Credentials: keys(),
	})
	return e.beside(t)
}

// beside is another Kinesis with the same DynamoDB.
func (e *emulators) beside(t *testing.T) *emulators {
	t.Helper()
	other := *e
	other.streams = testenv.RunKinesis(t, testenv.KinesisConfig{Shards: manyShards})
	other.kinesis = sdk.New(sdk.Options{
		Region: testenv.Region, BaseEndpoint: aws.String(other.streams.Endpoint()), Credentials: keys(),
	})
	return &other
}

func keys() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(testenv.AccessKey, testenv.SecretKey, "")
}

// shards are all shards of a stream, in the order of their ids.
func (e *emulators) shards(ctx context.Context, name string) (all []types.Shard, err error) {
	in := &sdk.ListShardsInput{StreamName: &name}
	for {
		out, err := e.kinesis.ListShards(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.Shards...)
		if out.NextToken == nil {
			break
		}
		in = &sdk.ListShardsInput{NextToken: out.NextToken}
	}
	slices.SortFunc(all, func(a, b types.Shard) int { return strings.Compare(*a.ShardId, *b.ShardId) })
	return all, nil
}

// open are the shards of a stream that are not closed, neighbours beside each other.
func (e *emulators) open(ctx context.Context, name string) ([]types.Shard, error) {
	all, err := e.shards(ctx, name)
	all = slices.DeleteFunc(all, func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(all, func(a, b types.Shard) int {
		return number(a.HashKeyRange.StartingHashKey).Cmp(number(b.HashKeyRange.StartingHashKey))
	})
	return all, err
}

// number is a hash key; 0 if it is none.
func number(key *string) *big.Int {
	n, ok := new(big.Int).SetString(aws.ToString(key), 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// split replaces a shard by two halves.
func (e *emulators) split(ctx context.Context, name, shard string) error {
	open, err := e.open(ctx, name)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(open, func(s types.Shard) bool { return *s.ShardId == shard })
	if i < 0 {
		return fmt.Errorf("%w: shard %s is not open", stream.ErrNotFound, shard)
	}
	area := open[i].HashKeyRange
	middle := new(big.Int).Add(number(area.StartingHashKey), number(area.EndingHashKey))
	_, err = e.kinesis.SplitShard(ctx, &sdk.SplitShardInput{
		StreamName: &name, ShardToSplit: &shard, NewStartingHashKey: aws.String(middle.Rsh(middle, 1).String()),
	})
	return errors.Join(err, e.settle(ctx, name))
}

// merge replaces two neighbours by one.
func (e *emulators) merge(ctx context.Context, name, left, right string) error {
	_, err := e.kinesis.MergeShards(ctx, &sdk.MergeShardsInput{
		StreamName: &name, ShardToMerge: &left, AdjacentShardToMerge: &right,
	})
	return errors.Join(err, e.settle(ctx, name))
}

// grow splits shards until there are so many.
func (e *emulators) grow(ctx context.Context, name string, shards int) error {
	for {
		open, err := e.open(ctx, name)
		if err != nil || len(open) >= shards {
			return err
		}
		if err := e.split(ctx, name, *open[0].ShardId); err != nil {
			return err
		}
	}
}

// settle waits until a stream has taken its last change.
func (e *emulators) settle(ctx context.Context, name string) error {
	waiter := sdk.NewStreamExistsWaiter(e.kinesis, func(o *sdk.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	return waiter.Wait(ctx, &sdk.DescribeStreamInput{StreamName: &name}, reshapes)
}

// expel has the tables of a group forget that a member holds anything, as a take by somebody else would.
func (e *emulators) expel(ctx context.Context, group, member string) error {
	tables, err := e.tablesOf(ctx, group)
	if err != nil {
		return err
	}
	expelled := 0
	for _, table := range tables {
		rows, err := e.dynamo.Scan(ctx, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
		if err != nil {
			return err
		}
		for _, row := range rows.Items {
			if owner, ok := row["leaseOwner"].(*ddb.AttributeValueMemberS); !ok || owner.Value != member {
				continue
			}
			if err := e.forget(ctx, table, row["leaseKey"]); err != nil {
				return err
			}
			expelled++
		}
	}
	if expelled == 0 {
		return fmt.Errorf("%w: no member %s holds anything in group %s", stream.ErrNotFound, member, group)
	}
	return nil
}

// forget takes a lease from its owner.
func (e *emulators) forget(ctx context.Context, table string, key ddb.AttributeValue) error {
	_, err := e.dynamo.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &table, Key: map[string]ddb.AttributeValue{"leaseKey": key},
		UpdateExpression:          aws.String("ADD leaseCounter :one REMOVE leaseOwner, checkpointOwner"),
		ExpressionAttributeValues: map[string]ddb.AttributeValue{":one": &ddb.AttributeValueMemberN{Value: "1"}},
	})
	return err
}

// tablesOf are the lease tables of a group, one for each stream.
func (e *emulators) tablesOf(ctx context.Context, group string) (names []string, err error) {
	pages := dynamodb.NewListTablesPaginator(e.dynamo, &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range page.TableNames {
			if strings.HasPrefix(name, group+"-") {
				names = append(names, name)
			}
		}
	}
	return names, nil
}
