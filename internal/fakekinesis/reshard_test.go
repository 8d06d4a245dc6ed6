package fakekinesis_test

import (
	"math/big"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
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

// "Two shards are considered adjacent if the union of the hash key ranges for the two shards form a contiguous set with no
// gaps" (MergeShards). "If a stream is in the CREATING, UPDATING, or DELETING state, MergeShards returns a
// ResourceInUseException".
func TestMergeJoinsAdjacentShardsOnly(t *testing.T) {
	run(t, fakekinesis.Config{}, 3, func(b *bench) {
		merge := func(a, c string) error {
			_, err := b.client.MergeShards(b.ctx, &kinesis.MergeShardsInput{
				StreamName: ptr(name), ShardToMerge: ptr("shardId-00000000000" + a), AdjacentShardToMerge: ptr("shardId-00000000000" + c),
			})
			return err
		}
		require.Equal(b, "InvalidArgumentException", code(merge("0", "2")))
		require.Equal(b, "InvalidArgumentException", code(merge("0", "0")))
		require.Equal(b, "ResourceNotFoundException", code(merge("0", "7")))
		require.NoError(b, merge("2", "1"))
		require.Equal(b, "ResourceInUseException", code(merge("0", "1")))
		before := b.shards()
		require.Len(b, before, 3, "not yet")
		b.settle()
		child := b.shards()[3]
		require.Equal(b, "shardId-000000000002", *child.ParentShardId)
		require.Equal(b, "shardId-000000000001", *child.AdjacentParentShardId)
		require.Equal(b, before[1].HashKeyRange.StartingHashKey, child.HashKeyRange.StartingHashKey)
		require.Equal(b, before[2].HashKeyRange.EndingHashKey, child.HashKeyRange.EndingHashKey)
		require.Equal(b, "InvalidArgumentException", code(merge("1", "3")), "closed")
		for _, parent := range []string{"shardId-000000000001", "shardId-000000000002"} {
			_, children := b.read(parent)
			require.Len(b, children, 1)
			require.Equal(b, []string{"shardId-000000000002", "shardId-000000000001"}, children[0].ParentShards)
		}
	})
}

// "The value for NewStartingHashKey must be in the range of hash keys being mapped into the shard" (SplitShard).
func TestSplitRefusesAHashKeyOutsideTheShard(t *testing.T) {
	run(t, fakekinesis.Config{}, 2, func(b *bench) {
		for _, key := range []string{"0", "340282366920938463463374607431768211455", "x", "-1"} {
			_, err := b.client.SplitShard(b.ctx, &kinesis.SplitShardInput{
				StreamName: ptr(name), ShardToSplit: ptr(first), NewStartingHashKey: &key,
			})
			require.Equal(b, "InvalidArgumentException", code(err), key)
		}
	})
}

// "By default, you cannot ... scale up to more than double your current shard count for a stream, scale down below half"; "this
// can cause short-lived shards" (UpdateShardCount). The open shards cover the space evenly.
func TestUpdateShardCountScalesEvenly(t *testing.T) {
	run(t, fakekinesis.Config{}, 2, func(b *bench) {
		scale := func(n int32) error {
			_, err := b.client.UpdateShardCount(b.ctx, &kinesis.UpdateShardCountInput{
				StreamName: ptr(name), ScalingType: types.ScalingTypeUniformScaling, TargetShardCount: &n,
			})
			return err
		}
		require.Equal(b, "InvalidArgumentException", code(scale(5)))
		for _, n := range []int32{4, 3, 5, 3, 2, 1} {
			require.NoError(b, scale(n))
			b.settle()
			out, err := b.client.ListShards(b.ctx, &kinesis.ListShardsInput{
				StreamName: ptr(name), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest},
			})
			require.NoError(b, err)
			require.Len(b, out.Shards, int(n))
			whole := new(big.Int)
			for _, s := range out.Shards {
				from, _ := new(big.Int).SetString(*s.HashKeyRange.StartingHashKey, 10)
				to, _ := new(big.Int).SetString(*s.HashKeyRange.EndingHashKey, 10)
				size := to.Sub(to, from).Add(to, big.NewInt(1))
				whole.Add(whole, size)
				even := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(int64(n)))
				require.LessOrEqual(b, even.Sub(even, size).CmpAbs(big.NewInt(1)), 0)
			}
			require.Zero(b, whole.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)))
		}
		require.Equal(b, "InvalidArgumentException", code(scale(3)))
	})
}
