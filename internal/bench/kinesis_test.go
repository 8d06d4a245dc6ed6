package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"
)

// Every side and every study of the subcommand kinesis runs, and prints what is promised by name.
func TestKinesisSmokeRunPrintsEveryMetric(t *testing.T) {
	var out strings.Builder
	require.NoError(t, dispatch(t.Context(), []string{kinesisCommand, "-smoke"}, &out, &strings.Builder{}))
	for _, name := range []string{
		"put_cpu_vs_sdk", "put_packed_cpu_vs_sdk", "put_ordered_cpu_vs_sdk", "put_packed_cbor_cpu_vs_sdk",
		"get_cpu_vs_sdk", "get_cbor_cpu_vs_sdk", "cbor_wire_vs_json",
		"shard_utilisation", "throttled_entries_bytes", "throttled_entries_records", "hot_key_utilisation", "put_units_vs_plain",
		"failover_time", "join_balance_time", "lease_writes", "lease_writes_busy",
	} {
		require.Contains(t, out.String(), "\nmetric kinesis."+name+" ", name)
	}
}

// A child that cannot do what it is asked to says so instead of hanging.
func TestChildrenCheckTheirArguments(t *testing.T) {
	for _, args := range [][]string{
		{kinesisServer}, {kinesisServer, "x", "0"}, {kinesisServer, "1", "x"},
		{bubbleRunner, "none", "1", "true"}, {bubbleRunner, "bytes", "x", "true"}, {bubbleRunner, "bytes", "1", "x"},
	} {
		mine, err := actAsChild(args)
		require.True(t, mine)
		require.Error(t, err, "%q", args)
	}
	mine, err := actAsChild([]string{"memory"})
	require.False(t, mine)
	require.NoError(t, err)
}

// Keys stand where the service puts them: in the even ranges of hashes of its shards.
func TestKeysByShardAreThoseOfTheShards(t *testing.T) {
	w, err := newKinesisWorld(bubbleOptions{}, usedShards, 0, 0)
	require.NoError(t, err)
	keys := keysByShard(usedShards, 5)
	client := sdkClient("http://"+streamName, w.service.RoundTripper())
	for i, own := range keys {
		require.GreaterOrEqual(t, len(own), 15)
		for _, key := range own {
			require.Equal(t, i, shardOfPut(t, client, key))
		}
	}
}

// shardOfPut stores a record and tells the number of its shard.
func shardOfPut(t *testing.T, client *kinesis.Client, key string) int {
	out, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{
		StreamName: aws.String(streamName), PartitionKey: &key, Data: []byte("x"),
	})
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimPrefix(*out.ShardId, "shardId-"))
	require.NoError(t, err)
	return n
}
