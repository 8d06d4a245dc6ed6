package field

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/internal/httpfault"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis"
)

// cloud is an emulator of Kinesis and one of DynamoDB, and the proxies that workers go through to them.
type cloud struct {
	kinesis, dynamo *testenv.Emulator
	streams, tables *httpfault.Proxy
}

// startCloud starts the emulators. The caller stops them.
func startCloud(ctx context.Context, seed uint64, log io.Writer) (c *cloud, err error) {
	ctx, cancel := context.WithTimeout(ctx, startIn)
	defer cancel()
	c = &cloud{}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	if c.kinesis, err = testenv.StartKinesis(ctx, testenv.KinesisConfig{Log: log}); err != nil {
		return nil, err
	}
	if c.dynamo, err = testenv.StartDynamoDB(ctx, testenv.DynamoDBConfig{Log: log}); err != nil {
		return nil, err
	}
	if c.streams, err = httpfault.Listen(c.kinesis.Endpoint(), seed); err != nil {
		return nil, err
	}
	c.tables, err = httpfault.Listen(c.dynamo.Endpoint(), seed)
	return c, err
}

func (c *cloud) stop() {
	for _, p := range []*httpfault.Proxy{c.streams, c.tables} {
		if p != nil {
			p.Close()
		}
	}
	for _, e := range []*testenv.Emulator{c.kinesis, c.dynamo} {
		if e != nil {
			e.Stop()
		}
	}
}

func (c *cloud) heal() {
	c.streams.Heal()
	c.tables.Heal()
}

// failover is after what silence of its owner a worker's lease is taken.
const failover = 3 * time.Second

// cloudConfig is what every process opens, the judge without proxies between.
func cloudConfig(streams, tables string) kinesis.Config {
	return kinesis.Config{
		Endpoint: streams, TableEndpoint: tables, CreateTable: true, Failover: failover, Tags: true, Aggregation: kinesis.SameKey,
		Linger: 20 * time.Millisecond, PollEvery: 300 * time.Millisecond, SyncEvery: 2 * time.Second, ListingLag: 2 * time.Second,
		RequestTimeout: 5 * time.Second,
	}
}

// shards are all shards of a stream, in the order of their ids: parents come before children.
func shards(ctx context.Context, client *sdk.Client, name string) (all []types.Shard, err error) {
	in := &sdk.ListShardsInput{StreamName: &name}
	for {
		out, err := client.ListShards(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list shards: %w", err)
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

// open are those that take records, neighbours beside each other.
func open(all []types.Shard) []types.Shard {
	all = slices.DeleteFunc(slices.Clone(all), func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(all, func(a, b types.Shard) int {
		return hashKey(a.HashKeyRange.StartingHashKey).Cmp(hashKey(b.HashKeyRange.StartingHashKey))
	})
	return all
}

// hashKey is a hash key as a number; 0 if it is none.
func hashKey(key *string) *big.Int {
	n, ok := new(big.Int).SetString(aws.ToString(key), 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// split replaces a shard by two halves.
func split(ctx context.Context, client *sdk.Client, name string, s types.Shard) error {
	middle := new(big.Int).Add(hashKey(s.HashKeyRange.StartingHashKey), hashKey(s.HashKeyRange.EndingHashKey))
	if _, err := client.SplitShard(ctx, &sdk.SplitShardInput{
		StreamName: &name, ShardToSplit: s.ShardId, NewStartingHashKey: aws.String(middle.Rsh(middle, 1).String()),
	}); err != nil {
		return fmt.Errorf("split: %w", err)
	}
	return settle(ctx, client, name)
}

// join replaces two neighbours by one shard.
func join(ctx context.Context, client *sdk.Client, name string, left, right types.Shard) error {
	if _, err := client.MergeShards(ctx, &sdk.MergeShardsInput{
		StreamName: &name, ShardToMerge: left.ShardId, AdjacentShardToMerge: right.ShardId,
	}); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	return settle(ctx, client, name)
}

// settle waits until the stream has taken the change.
func settle(ctx context.Context, client *sdk.Client, name string) error {
	waiter := sdk.NewStreamExistsWaiter(client, func(o *sdk.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	return waiter.Wait(ctx, &sdk.DescribeStreamInput{StreamName: &name}, startIn)
}
