//go:build servers

package kinesis_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// javaPatience bounds what a test waits for that Java has a part in.
const javaPatience = 100 * time.Second

// lookEvery is how often a history is looked through while something is awaited.
const lookEvery = 50 * time.Millisecond

// An interop is one stream and one lease table that workers of this library and of Java's share.
type interop struct {
	stream, app     string
	streams, tables *testenv.Emulator
	way             [2]string // the URLs of both
	*history

	mu      sync.Mutex // guards what follows
	strange []string   // writes to the table that concern no lease
}

func newInterop(t *testing.T, shards int) *interop {
	i := &interop{
		stream: "s", app: "app", history: newHistory(),
		streams: testenv.RunKinesis(t, testenv.KinesisConfig{}), tables: testenv.RunDynamoDB(t, testenv.DynamoDBConfig{}),
	}
	i.way = [2]string{i.streams.Endpoint(), i.tables.Endpoint()}
	b := openConfig(t, i.config(t))
	require.NoError(t, b.EnsureStream(t.Context(), stream.StreamConfig{Name: i.stream, Partitions: shards}))
	return i
}

// config opens the emulators as a member of a shared fleet, with leases that fail over fast.
func (i *interop) config(t *testing.T) kinesis.Config {
	return kinesis.Config{
		Region: testenv.Region, Endpoint: i.way[0], TableEndpoint: i.way[1], HTTP: i.watched(),
		LeaseTable: "{group}", CreateTable: true, Shared: true, Failover: failover, PollEvery: 200 * time.Millisecond,
		SyncEvery: 2 * time.Second, ListingLag: time.Second, Aggregation: kinesis.SameKey, Tags: true,
		PutTimeout: time.Minute, // an emulator without CPU is slow, and what is stored twice cannot be judged
		Logger:     slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// watched is a transport that notes writes of this library to items that are no leases.
func (i *interop) watched() http.RoundTripper {
	own := http.DefaultTransport.(*http.Transport).Clone()
	return overHTTP(func(r *http.Request) (*http.Response, error) {
		_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
		if op != "UpdateItem" && op != "PutItem" && op != "DeleteItem" {
			return own.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(body, []byte(`"leaseKey":{"S":"shardId-`)) {
			i.mu.Lock()
			i.strange = append(i.strange, string(body))
			i.mu.Unlock()
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		return own.RoundTrip(r)
	})
}

type overHTTP func(*http.Request) (*http.Response, error)

func (f overHTTP) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// until waits for what the history shows.
func (i *interop) until(t *testing.T, what string, is func([]happening) bool) {
	t.Helper()
	began, limit, pace := time.Now(), time.NewTimer(javaPatience), time.NewTicker(lookEvery)
	defer limit.Stop()
	defer pace.Stop()
	for {
		<-pace.C
		events, more := i.snapshot()
		if is(events) {
			t.Logf("%s after %v", what, time.Since(began).Round(100*time.Millisecond))
			return
		}
		select {
		case <-more:
		case <-limit.C:
			_, err := i.check(false)
			t.Fatalf("no %s; held: %v; so far: %v", what, holders(events), err)
		}
	}
}

// now is how many events there are.
func (i *interop) now() int {
	events, _ := i.snapshot()
	return len(events)
}

// reads waits until a worker is given records of n shards that were not given before the call.
func (i *interop) reads(t *testing.T, worker string, n int) {
	t.Helper()
	from := i.now()
	i.until(t, fmt.Sprintf("records of %d shards for %s", n, worker), func(events []happening) bool {
		return len(handled(events, from, worker)) >= n
	})
}

// takesOver waits until a worker has been given records of every shard that another one holds.
func (i *interop) takesOver(t *testing.T, worker, from string) {
	t.Helper()
	before, _ := i.snapshot()
	var shards []string
	for shard, who := range holders(before) {
		if who == from {
			shards = append(shards, shard)
		}
	}
	require.NotEmpty(t, shards, "%s holds nothing", from)
	i.until(t, fmt.Sprintf("take-over of %d shards from %s by %s", len(shards), from, worker), func(events []happening) bool {
		given := handled(events, len(before), worker)
		for _, shard := range shards {
			if !given[shard] {
				return false
			}
		}
		return true
	})
}

// held is a shard that a worker holds.
func (i *interop) held(t *testing.T, worker string) string {
	t.Helper()
	events, _ := i.snapshot()
	for shard, who := range holders(events) {
		if who == worker {
			return shard
		}
	}
	require.FailNow(t, worker+" holds nothing")
	return ""
}

// clients are plain ones, which note nothing.
func (i *interop) clients() (*sdk.Client, *dynamodb.Client) {
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: testenv.AccessKey, SecretAccessKey: testenv.SecretKey}, nil
	})
	return sdk.New(sdk.Options{Region: testenv.Region, BaseEndpoint: &i.way[0], Credentials: credentials}),
		dynamodb.New(dynamodb.Options{Region: testenv.Region, BaseEndpoint: &i.way[1], Credentials: credentials})
}

// listed are the stream's shards.
func (i *interop) listed(t *testing.T) map[string]types.Shard {
	c, _ := i.clients()
	out, err := c.ListShards(t.Context(), &sdk.ListShardsInput{StreamName: &i.stream})
	require.NoError(t, err)
	require.Nil(t, out.NextToken)
	all := map[string]types.Shard{}
	for _, s := range out.Shards {
		all[*s.ShardId] = s
		up := []string{}
		for _, id := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			if id != nil {
				up = append(up, *id)
			}
		}
		i.replace(*s.ShardId, up...)
	}
	return all
}

// active waits until the stream has taken the last change.
func (i *interop) active(t *testing.T) {
	c, _ := i.clients()
	waiter := sdk.NewStreamExistsWaiter(c, func(o *sdk.StreamExistsWaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	require.NoError(t, waiter.Wait(t.Context(), &sdk.DescribeStreamInput{StreamName: &i.stream}, javaPatience))
	i.listed(t)
}

// split cuts a shard in the middle.
func (i *interop) split(t *testing.T, id string) {
	c, _ := i.clients()
	area := i.listed(t)[id].HashKeyRange
	first, _ := new(big.Int).SetString(*area.StartingHashKey, 10)
	last, _ := new(big.Int).SetString(*area.EndingHashKey, 10)
	middle := first.Add(first, last).Rsh(first, 1).String()
	_, err := c.SplitShard(t.Context(), &sdk.SplitShardInput{
		StreamName: &i.stream, ShardToSplit: &id, NewStartingHashKey: &middle,
	})
	require.NoError(t, err)
	i.active(t)
}

// merge joins the two children of a shard again.
func (i *interop) merge(t *testing.T, parent string) {
	c, _ := i.clients()
	var children []string
	for id, s := range i.listed(t) {
		if aws.ToString(s.ParentShardId) == parent {
			children = append(children, id)
		}
	}
	require.Len(t, children, 2)
	_, err := c.MergeShards(t.Context(), &sdk.MergeShardsInput{
		StreamName: &i.stream, ShardToMerge: &children[0], AdjacentShardToMerge: &children[1],
	})
	require.NoError(t, err)
	i.active(t)
}

// items are what is in the lease table, by key.
func (i *interop) items(t *testing.T) map[string]map[string]ddb.AttributeValue {
	_, c := i.clients()
	out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: &i.app, ConsistentRead: aws.Bool(true)})
	require.NoError(t, err)
	require.Empty(t, out.LastEvaluatedKey)
	all := map[string]map[string]ddb.AttributeValue{}
	for _, item := range out.Items {
		all[item["leaseKey"].(*ddb.AttributeValueMemberS).Value] = item
	}
	return all
}

// soil adds an attribute that nobody knows to every lease, beside its counter's back.
func (i *interop) soil(t *testing.T) (soiled []string) {
	_, c := i.clients()
	for key := range i.items(t) {
		if !strings.HasPrefix(key, "shardId-") {
			continue
		}
		_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &i.app, Key: map[string]ddb.AttributeValue{"leaseKey": &ddb.AttributeValueMemberS{Value: key}},
			UpdateExpression:          aws.String("SET somebodys = :k"),
			ExpressionAttributeValues: map[string]ddb.AttributeValue{":k": &ddb.AttributeValueMemberS{Value: key}},
		})
		require.NoError(t, err)
		soiled = append(soiled, key)
	}
	require.NotEmpty(t, soiled)
	return soiled
}

// requireLeases requires that every lease has what KCL cannot do without, that the soiled ones kept what was added, and
// that this library wrote to nothing but leases.
func (i *interop) requireLeases(t *testing.T, soiled []string) {
	all := i.items(t)
	for key, item := range all {
		if !strings.HasPrefix(key, "shardId-") {
			continue
		}
		require.IsType(t, &ddb.AttributeValueMemberS{}, item["checkpoint"], key)
		for _, name := range []string{"leaseCounter", "ownerSwitchesSinceCheckpoint", "checkpointSubSequenceNumber"} {
			require.IsType(t, &ddb.AttributeValueMemberN{}, item[name], "%s of %s", name, key)
		}
	}
	for _, key := range soiled {
		require.Equal(t, &ddb.AttributeValueMemberS{Value: key}, all[key]["somebodys"], "of %s", key)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	require.Empty(t, i.strange, "written by this library")
}
