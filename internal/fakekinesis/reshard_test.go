package fakekinesis_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// "If the shard has been closed, the shard iterator can't return more data and GetRecords returns null in
// NextShardIterator" (GetRecords), with "the list of the current shard's child shards".
func TestSplitEndsTheParentAndNamesItsChildren(t *testing.T) {
	for seed := range uint64(4) {
		run(t, fakekinesis.Config{Seed: seed}, 1, func(b *bench) {
			b.put("k", "before")
			_, err := b.client.SplitShard(b.ctx, &kinesis.SplitShardInput{
				StreamName: ptr(name), ShardToSplit: ptr("shardId-000000000000"), NewStartingHashKey: ptr("170141183460469231731687303715884105728"),
			})
			require.NoError(b, err)
			b.settle()
			after := b.put("k", "after")
			require.NotEqual(b, "shardId-000000000000", *after.ShardId)

			data, children := b.read("shardId-000000000000")
			require.Equal(b, []string{"before"}, data)
			require.Len(b, children, 2)
			require.Equal(b, []string{"shardId-000000000000"}, children[1].ParentShards)
			data, _ = b.read(*after.ShardId)
			require.Equal(b, []string{"after"}, data)

			all := b.shards()
			require.Len(b, all, 3)
			require.NotNil(b, all[0].SequenceNumberRange.EndingSequenceNumber)
			require.Equal(b, "170141183460469231731687303715884105727", *all[1].HashKeyRange.EndingHashKey)
			require.Equal(b, "340282366920938463463374607431768211455", *all[2].HashKeyRange.EndingHashKey)
			require.Equal(b, "shardId-000000000000", *all[2].ParentShardId)
		})
	}
}
