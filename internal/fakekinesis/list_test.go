package fakekinesis_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// ids are the shards of a listing, without their common beginning.
func ids(shards []types.Shard) []string {
	all := []string{}
	for _, s := range shards {
		all = append(all, (*s.ShardId)[len("shardId-00000000000"):])
	}
	return all
}

// list lists with a filter.
func (b *bench) list(f *types.ShardFilter) ([]string, string) {
	out, err := b.client.ListShards(b.ctx, &kinesis.ListShardsInput{StreamName: ptr(name), ShardFilter: f})
	if err != nil {
		return nil, code(err)
	}
	return ids(out.Shards), ""
}

// Filters let through what the reference says of each type (ShardFilter).
func TestListShardsFilters(t *testing.T) {
	run(t, fakekinesis.Config{}, 2, func(b *bench) {
		time.Sleep(time.Hour)
		_, _, err := b.srv.Split(name, first)
		require.NoError(b, err)
		split := time.Now()
		time.Sleep(time.Hour)
		_, err = b.srv.Merge(name, "shardId-000000000003", "shardId-000000000001")
		require.NoError(b, err)
		merged := time.Now()

		for _, c := range []struct {
			says string
			f    *types.ShardFilter
			want []string
			code string
		}{
			{"default: all the shards within the retention period", nil, []string{"0", "1", "2", "3", "4"}, ""},
			{"FROM_TRIM_HORIZON", &types.ShardFilter{Type: "FROM_TRIM_HORIZON"}, []string{"0", "1", "2", "3", "4"}, ""},
			{"all the shards that were open at TRIM_HORIZON", &types.ShardFilter{Type: "AT_TRIM_HORIZON"}, []string{"0", "1"}, ""},
			{"only the currently open shards", &types.ShardFilter{Type: "AT_LATEST"}, []string{"2", "4"}, ""},
			{"the shard whose ID immediately follows", &types.ShardFilter{Type: "AFTER_SHARD_ID", ShardId: ptr("shardId-000000000002")},
				[]string{"3", "4"}, ""},
			{"end timestamp greater than or equal", &types.ShardFilter{Type: "AT_TIMESTAMP", Timestamp: &split}, []string{"0", "1", "2", "3"}, ""},
			{"were open", &types.ShardFilter{Type: "AT_TIMESTAMP", Timestamp: ptr(split.Add(time.Second))}, []string{"1", "2", "3"}, ""},
			{"all closed shards whose end timestamp is greater than or equal, and also all open shards",
				&types.ShardFilter{Type: "FROM_TIMESTAMP", Timestamp: ptr(merged.Add(-time.Second))}, []string{"1", "2", "3", "4"}, ""},
			{"ShardId can only be used with AFTER_SHARD_ID", &types.ShardFilter{Type: "AT_LATEST", ShardId: ptr(first)}, nil,
				"InvalidArgumentException"},
			{"you must also provide the value for Timestamp", &types.ShardFilter{Type: "AT_TIMESTAMP"}, nil, "InvalidArgumentException"},
			{"you must also provide the value for ShardId", &types.ShardFilter{Type: "AFTER_SHARD_ID"}, nil, "InvalidArgumentException"},
			{"valid values", &types.ShardFilter{Type: "NOW"}, nil, "ValidationException"},
		} {
			got, code := b.list(c.f)
			require.Equal(b, c.code, code, c.says)
			require.Equal(b, c.want, got, c.says)
		}
		merge := b.shards()[4]
		require.Equal(b, "shardId-000000000003", *merge.ParentShardId)
		require.Equal(b, "shardId-000000000001", *merge.AdjacentParentShardId)
		require.Nil(b, merge.SequenceNumberRange.EndingSequenceNumber)
	})
}

// "you have 300 seconds to use that value. If you specify an expired token in a call to ListShards, you get
// ExpiredNextTokenException"; with a token no other selector may be given.
func TestListShardsPages(t *testing.T) {
	run(t, fakekinesis.Config{}, 5, func(b *bench) {
		var got []string
		in := &kinesis.ListShardsInput{StreamName: ptr(name), MaxResults: ptr[int32](2)}
		for pages := 1; ; pages++ {
			out, err := b.client.ListShards(b.ctx, in)
			require.NoError(b, err)
			got = append(got, ids(out.Shards)...)
			if out.NextToken == nil {
				require.Equal(b, 3, pages)
				break
			}
			time.Sleep(300 * time.Second)
			in = &kinesis.ListShardsInput{NextToken: out.NextToken, MaxResults: ptr[int32](2)}
		}
		require.Equal(b, []string{"0", "1", "2", "3", "4"}, got)

		out, err := b.client.ListShards(b.ctx, &kinesis.ListShardsInput{
			StreamName: ptr(name), MaxResults: ptr[int32](1), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest},
		})
		require.NoError(b, err)
		_, err = b.client.ListShards(b.ctx, &kinesis.ListShardsInput{NextToken: out.NextToken, StreamName: ptr(name)})
		require.Equal(b, "InvalidArgumentException", code(err))
		_, err = b.client.ListShards(b.ctx, &kinesis.ListShardsInput{
			NextToken: out.NextToken, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest},
		})
		require.Equal(b, "InvalidArgumentException", code(err))
		time.Sleep(300*time.Second + time.Millisecond)
		_, err = b.client.ListShards(b.ctx, &kinesis.ListShardsInput{NextToken: out.NextToken})
		require.Equal(b, "ExpiredNextTokenException", code(err))
	})
}

// "The default value is 1000. If you specify a value greater than 1000, at most 1000 results are returned" (ListShards).
func TestListShardsGivesAThousandAtMost(t *testing.T) {
	run(t, fakekinesis.Config{}, 1001, func(b *bench) {
		out, err := b.client.ListShards(b.ctx, &kinesis.ListShardsInput{StreamName: ptr(name), MaxResults: ptr[int32](5000)})
		require.NoError(b, err)
		require.Len(b, out.Shards, 1000)
		out, err = b.client.ListShards(b.ctx, &kinesis.ListShardsInput{NextToken: out.NextToken})
		require.NoError(b, err)
		require.Equal(b, []string{"1000"[3:]}, ids(out.Shards)[0:1])
		require.Nil(b, out.NextToken)
	})
}

// Listings are eventually consistent: they may tell of an earlier moment, and for once leave a shard out.
func TestListingsLagAndLackWhatTheScriptSays(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		b.srv.ListingLag(time.Second)
		_, _, err := b.srv.Split(name, first)
		require.NoError(b, err)
		before := b.shards()
		require.Equal(b, []string{"0"}, ids(before))
		require.Nil(b, before[0].SequenceNumberRange.EndingSequenceNumber)
		sum, err := b.client.DescribeStreamSummary(b.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: ptr(name)})
		require.NoError(b, err)
		require.EqualValues(b, 1, *sum.StreamDescriptionSummary.OpenShardCount)
		time.Sleep(time.Second)
		require.Equal(b, []string{"0", "1", "2"}, ids(b.shards()))

		b.srv.ListingLag(0)
		b.srv.Script().Add(
			fakekinesis.Fault{Op: "ListShards", Kind: fakekinesis.Partial, Omit: []string{"shardId-000000000001"}},
			fakekinesis.Fault{Op: "ListShards", Kind: fakekinesis.Stale, Age: 2 * time.Second},
			fakekinesis.Fault{Op: "ListShards", Kind: fakekinesis.Partial},
		)
		require.Equal(b, []string{"0", "2"}, ids(b.shards()))
		require.Equal(b, []string{"0"}, ids(b.shards()))
		require.Len(b, b.shards(), 2)
		require.Len(b, b.shards(), 3)
		require.Empty(b, b.srv.Script().Unfired())
	})
}

// A closed shard that is trimmed is no longer listed; its child names a parent that is not there.
func TestTrimmedClosedShardsVanish(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		b.put("k", "one")
		b.put("k", "two")
		it := b.iterator(first, types.ShardIteratorTypeTrimHorizon, "")
		require.NoError(b, b.srv.Trim(name, first, 1))
		require.Equal(b, []string{"two"}, texts(b.get(it).Records))
		_, _, err := b.srv.Split(name, first)
		require.NoError(b, err)
		require.NoError(b, b.srv.Trim(name, first, 0))
		require.Equal(b, []string{"1", "2"}, ids(b.shards()))
		require.Equal(b, first, *b.shards()[0].ParentShardId)
		at, _ := b.list(&types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon})
		require.Equal(b, []string{"1", "2"}, at)
		_, err = b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		require.Equal(b, "ResourceNotFoundException", code(err))
	})
}

// With a lag by seed, listings of one moment differ, and are right in the end.
func TestListingsLagBySeed(t *testing.T) {
	run(t, fakekinesis.Config{Seed: 5, Lag: time.Second}, 1, func(b *bench) {
		time.Sleep(time.Second)
		_, _, err := b.srv.Split(name, first)
		require.NoError(b, err)
		time.Sleep(500 * time.Millisecond)
		seen := map[int]bool{}
		for range 20 {
			seen[len(b.shards())] = true
		}
		require.Equal(b, map[int]bool{1: true, 3: true}, seen)
		time.Sleep(500 * time.Millisecond)
		for range 20 {
			require.Len(b, b.shards(), 3)
		}
	})
}
