package fakekinesis_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

const mib = 1 << 20

// entries are n records of so many bytes with one key.
func entries(n, size int, key string) []types.PutRecordsRequestEntry {
	all := make([]types.PutRecordsRequestEntry, n)
	for i := range all {
		all[i] = types.PutRecordsRequestEntry{Data: make([]byte, size), PartitionKey: &key}
	}
	return all
}

func (b *bench) putAll(records []types.PutRecordsRequestEntry) (*kinesis.PutRecordsOutput, error) {
	return b.client.PutRecords(b.ctx, &kinesis.PutRecordsInput{StreamName: ptr(name), Records: records})
}

func TestPutRecordsKeepsTheLimitsOfARequest(t *testing.T) {
	long := strings.Repeat("é", 256)
	for _, c := range []struct {
		says    string
		records []types.PutRecordsRequestEntry
		code    string
	}{
		{"Each PutRecords request can support up to 500 records", entries(500, 1, "k"), ""},
		{"Each PutRecords request can support up to 500 records", entries(501, 1, "k"), "ValidationException"},
		{"up to a limit of 10 MiB for the entire request, including partition keys", entries(10, mib-1, "k"), ""},
		{"up to a limit of 10 MiB for the entire request, including partition keys", append(entries(10, mib-1, "k"), entries(1, 0, "k")...),
			"InvalidArgumentException"},
		{"The record size limit applies to the total size of the partition key and data blob", entries(1, mib-1, "k"), ""},
		{"The record size limit applies to the total size of the partition key and data blob", entries(1, mib, "k"), "ValidationException"},
		{"Partition keys are Unicode strings, with a maximum length limit of 256 characters for each key", entries(1, 1, long), ""},
		{"Partition keys are Unicode strings, with a maximum length limit of 256 characters for each key", entries(1, 1, long+"k"),
			"ValidationException"},
		{"Determines which shard ... This member is required", entries(1, 1, ""), "ValidationException"},
		{"data may be empty", entries(1, 0, "k"), ""},
		{"ExplicitHashKey: 0|([1-9]\\d{0,38})", []types.PutRecordsRequestEntry{{Data: []byte("x"), PartitionKey: ptr("k"),
			ExplicitHashKey: ptr("340282366920938463463374607431768211455")}}, ""},
		{"ExplicitHashKey: 0|([1-9]\\d{0,38})", []types.PutRecordsRequestEntry{{Data: []byte("x"), PartitionKey: ptr("k"),
			ExplicitHashKey: ptr("340282366920938463463374607431768211456")}}, "InvalidArgumentException"},
		{"ExplicitHashKey: 0|([1-9]\\d{0,38})", []types.PutRecordsRequestEntry{{Data: []byte("x"), PartitionKey: ptr("k"),
			ExplicitHashKey: ptr("007")}}, "InvalidArgumentException"},
	} {
		run(t, fakekinesis.Config{}, 1, func(b *bench) {
			_, err := b.putAll(c.records)
			require.Equal(b, c.code, code(err), c.says)
			stored, err := b.srv.Records(name, "")
			require.NoError(b, err)
			require.Equal(b, c.code == "", len(stored) == len(c.records), "a request that is refused stores nothing")
		})
	}
}

// "Each shard can support writes up to 1,000 records per second, up to a maximum data write total of 1 MB per second"
// (PutRecords), with a burst to 10 MiB for large records (developer guide, large records).
func TestAShardTakesAThousandRecordsAndAMebibyteASecond(t *testing.T) {
	run(t, fakekinesis.Config{Limits: true}, 2, func(b *bench) {
		taken := 0
		for range 3 {
			out, err := b.putAll(entries(500, 1, "k"))
			require.NoError(b, err)
			taken += 500 - int(*out.FailedRecordCount)
		}
		require.Equal(b, 1000, taken)
		time.Sleep(500 * time.Millisecond)
		out, err := b.putAll(entries(500, 1, "k"))
		require.NoError(b, err)
		require.Zero(b, *out.FailedRecordCount)
	})
	run(t, fakekinesis.Config{Limits: true}, 1, func(b *bench) {
		out, err := b.putAll(entries(10, mib-1, "k"))
		require.NoError(b, err)
		require.Zero(b, *out.FailedRecordCount, "the burst")
		bytes := 0
		for range 20 {
			time.Sleep(100 * time.Millisecond)
			out, err := b.putAll(entries(2, mib/10, "k"))
			require.NoError(b, err)
			bytes += (2 - int(*out.FailedRecordCount)) * (mib/10 + 1)
		}
		require.InDelta(b, 2*mib, bytes, mib/5, "sustained")
	})
}

// "A single record failure does not stop the processing of subsequent records" (PutRecords). "ErrorCode ... can be one of
// the following values: ProvisionedThroughputExceededException or InternalFailure".
func TestARecordFailsAloneAndLaterOnesAreStored(t *testing.T) {
	run(t, fakekinesis.Config{}, 2, func(b *bench) {
		b.srv.Script().Add(
			fakekinesis.Fault{Op: "PutRecords", Kind: fakekinesis.FailEntries, Entries: []int{1}},
			fakekinesis.Fault{Op: "PutRecords", Nth: 2, Kind: fakekinesis.FailEntries, OnShard: first, Code: "InternalFailure"},
		)
		out, err := b.putAll(entries(3, 1, "k"))
		require.NoError(b, err)
		require.EqualValues(b, 1, *out.FailedRecordCount)
		require.Nil(b, out.Records[0].ErrorCode)
		require.Equal(b, "ProvisionedThroughputExceededException", *out.Records[1].ErrorCode)
		require.Nil(b, out.Records[1].SequenceNumber)
		require.NotEmpty(b, *out.Records[2].SequenceNumber)

		two := []types.PutRecordsRequestEntry{
			{Data: []byte("low"), PartitionKey: ptr("k"), ExplicitHashKey: ptr("0")},
			{Data: []byte("high"), PartitionKey: ptr("k"), ExplicitHashKey: ptr("340282366920938463463374607431768211455")},
		}
		out, err = b.putAll(two)
		require.NoError(b, err)
		require.Equal(b, "InternalFailure", *out.Records[0].ErrorCode)
		require.Nil(b, out.Records[1].ErrorCode)
		require.Empty(b, b.srv.Script().Unfired())
	})
}

// "Sequence numbers increase over time and are specific to a shard within a stream" (PutRecord); those of a child are above
// those of its parents.
func TestSequenceNumbersIncreaseIntoTheChildren(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		last := new(big.Int)
		above := func(text string) {
			n, ok := new(big.Int).SetString(text, 10)
			require.True(b, ok)
			require.Equal(b, 186, n.BitLen())
			require.Len(b, text, 56)
			require.Positive(b, n.Cmp(last))
			last = n
		}
		above(*b.shards()[0].SequenceNumberRange.StartingSequenceNumber)
		for range 3 {
			for range 20 {
				above(*b.put("k", "v").SequenceNumber)
			}
			open, err := b.srv.OpenShards(name)
			require.NoError(b, err)
			sh := *b.put("k", "v").ShardId
			_, _, err = b.srv.Split(name, sh)
			require.NoError(b, err)
			require.Contains(b, open, sh)
			for _, s := range b.shards() {
				if *s.ShardId == sh {
					above(*s.SequenceNumberRange.EndingSequenceNumber)
				}
			}
		}
		above(*b.put("k", "v").SequenceNumber)
	})
}

// "If the stream uses the AUTO record distribution strategy, the partition key is optional and any value you provide is
// ignored, along with any ExplicitHashKey you provide" (PutRecord).
func TestAutoIgnoresKeys(t *testing.T) {
	run(t, fakekinesis.Config{}, 0, func(b *bench) {
		_, err := b.client.CreateStream(b.ctx, &kinesis.CreateStreamInput{
			StreamName: ptr(name), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		})
		require.NoError(b, err)
		b.settle()
		sum, err := b.client.DescribeStreamSummary(b.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: ptr(name)})
		require.NoError(b, err)
		require.Equal(b, types.RecordDistributionStrategyUserPartitionKey, sum.StreamDescriptionSummary.RecordDistributionStrategy)
		number := b.put("k", "v").SequenceNumber

		_, err = b.client.UpdateStreamRecordDistributionStrategy(b.ctx, &kinesis.UpdateStreamRecordDistributionStrategyInput{
			StreamARN: sum.StreamDescriptionSummary.StreamARN, RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
		})
		require.NoError(b, err)
		seen := map[string]bool{}
		for range 50 {
			out, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{StreamName: ptr(name), Data: []byte("v"), PartitionKey: ptr("k")})
			require.NoError(b, err)
			seen[*out.ShardId] = true
		}
		require.Len(b, seen, 4)
		for shard := range seen {
			_, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{StreamName: ptr(name), Data: []byte("last")})
			require.NoError(b, err)
			page := b.get(b.iterator(shard, types.ShardIteratorTypeTrimHorizon, ""))
			require.Nil(b, page.Records[len(page.Records)-1].PartitionKey)
		}
		_, err = b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{
			StreamName: ptr(name), Data: []byte("v"), PartitionKey: ptr("k"), SequenceNumberForOrdering: number,
		})
		require.Equal(b, "InvalidArgumentException", code(err))
	})
}

// "Usage: set the SequenceNumberForOrdering of record n to the sequence number of record n-1" (PutRecord).
func TestSequenceNumberForOrderingIsOneOfTheService(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		ordered := func(after string) error {
			_, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{
				StreamName: ptr(name), Data: []byte("v"), PartitionKey: ptr("k"), SequenceNumberForOrdering: &after,
			})
			return err
		}
		number := *b.put("k", "v").SequenceNumber
		require.NoError(b, ordered(number))
		n, _ := new(big.Int).SetString(number, 10)
		future := n.Add(n, new(big.Int).Lsh(big.NewInt(1), 120)).String()
		for _, wrong := range []string{"1", "x", "-" + number, future} {
			require.Equal(b, "InvalidArgumentException", code(ordered(wrong)), wrong)
		}
	})
}

// "DryRun: Checks if your request will succeed" (PutRecord, PutRecords, GetShardIterator, GetRecords, SubscribeToShard).
func TestDryRunDoesNothing(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		const would = "DryRunOperationException"
		_, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{
			StreamName: ptr(name), Data: []byte("v"), PartitionKey: ptr("k"), DryRun: ptr(true),
		})
		require.Equal(b, would, code(err))
		_, err = b.client.PutRecords(b.ctx, &kinesis.PutRecordsInput{StreamName: ptr(name), Records: entries(1, 1, "k"), DryRun: ptr(true)})
		require.Equal(b, would, code(err))
		stored, err := b.srv.Records(name, "")
		require.NoError(b, err)
		require.Empty(b, stored)
		_, err = b.client.GetShardIterator(b.ctx, &kinesis.GetShardIteratorInput{
			StreamName: ptr(name), ShardId: ptr(first), ShardIteratorType: types.ShardIteratorTypeLatest, DryRun: ptr(true),
		})
		require.Equal(b, would, code(err))
		it := b.iterator(first, types.ShardIteratorTypeLatest, "")
		_, err = b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: it, DryRun: ptr(true)})
		require.Equal(b, would, code(err))
		arn := b.register("reader")
		for range 2 {
			_, err = b.client.SubscribeToShard(b.ctx, &kinesis.SubscribeToShardInput{
				ConsumerARN: arn, ShardId: ptr(first), StartingPosition: &oldest, DryRun: ptr(true),
			})
			require.Equal(b, would, code(err))
		}
	})
}
