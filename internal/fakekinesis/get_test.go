package fakekinesis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

func TestIteratorsBeginWhereTheySay(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		one := b.put("k", "one")
		time.Sleep(time.Second)
		middle := time.Now()
		two := b.put("k", "two")
		time.Sleep(time.Second)
		b.put("k", "three")
		for _, c := range []struct {
			says   string
			kind   types.ShardIteratorType
			number *string
			at     time.Time
			want   []string
		}{
			{"the oldest data record in the shard", types.ShardIteratorTypeTrimHorizon, nil, time.Time{}, []string{"one", "two", "three"}},
			{"just after the most recent record", types.ShardIteratorTypeLatest, nil, time.Time{}, []string{"new"}},
			{"from the position denoted by a specific sequence number", types.ShardIteratorTypeAtSequenceNumber, two.SequenceNumber,
				time.Time{}, []string{"two", "three"}},
			{"right after the position", types.ShardIteratorTypeAfterSequenceNumber, one.SequenceNumber, time.Time{}, []string{"two", "three"}},
			{"a record with this exact time stamp", types.ShardIteratorTypeAtTimestamp, nil, middle, []string{"two", "three"}},
			{"the next (later) record", types.ShardIteratorTypeAtTimestamp, nil, middle.Add(time.Millisecond), []string{"three"}},
			{"older than the current trim horizon", types.ShardIteratorTypeAtTimestamp, nil, time.Unix(1, 0), []string{"one", "two", "three"}},
			{"the next (later) record: in the future", types.ShardIteratorTypeAtTimestamp, nil, middle.Add(time.Hour), nil},
		} {
			in := &kinesis.GetShardIteratorInput{
				StreamName: ptr(name), ShardId: ptr(first), ShardIteratorType: c.kind, StartingSequenceNumber: c.number,
			}
			if !c.at.IsZero() {
				in.Timestamp = &c.at
			}
			out, err := b.client.GetShardIterator(b.ctx, in)
			require.NoError(b, err, c.says)
			if c.kind == types.ShardIteratorTypeLatest {
				b.put("k", "new")
			}
			got := texts(b.get(out.ShardIterator).Records)
			require.Equal(b, c.want, got[:min(len(got), len(c.want))], c.says)
			require.Equal(b, len(c.want) == 0, len(got) == 0, c.says)
		}
	})
}

func TestWrongPositionsAreRefused(t *testing.T) {
	run(t, fakekinesis.Config{}, 2, func(b *bench) {
		shards := b.shards()
		other := shards[1].SequenceNumberRange.StartingSequenceNumber
		for _, c := range []struct {
			shard, code string
			kind        types.ShardIteratorType
			number      *string
		}{
			{"shardId-000000000009", "ResourceNotFoundException", types.ShardIteratorTypeLatest, nil},
			{first, "InvalidArgumentException", types.ShardIteratorTypeAtSequenceNumber, other},
			{first, "InvalidArgumentException", types.ShardIteratorTypeAtSequenceNumber, ptr("12")},
			{first, "InvalidArgumentException", types.ShardIteratorTypeAfterSequenceNumber, nil},
			{first, "InvalidArgumentException", types.ShardIteratorTypeAtTimestamp, nil},
			{first, "ValidationException", "SOMEWHERE", nil},
		} {
			_, err := b.client.GetShardIterator(b.ctx, &kinesis.GetShardIteratorInput{
				StreamName: ptr(name), ShardId: &c.shard, ShardIteratorType: c.kind, StartingSequenceNumber: c.number,
			})
			require.Equal(b, c.code, code(err), c)
		}
		_, err := b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: ptr("AAAA")})
		require.Equal(b, "InvalidArgumentException", code(err))
		// "If you specify a value that is greater than 10,000, GetRecords throws InvalidArgumentException".
		it := b.iterator(first, types.ShardIteratorTypeLatest, "")
		_, err = b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: it, Limit: ptr[int32](10001)})
		require.Equal(b, "InvalidArgumentException", code(err))
	})
}

// "A shard iterator expires 5 minutes after it is returned to the requester" (GetShardIterator).
func TestIteratorsExpire(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		it := b.iterator(first, types.ShardIteratorTypeTrimHorizon, "")
		time.Sleep(5 * time.Minute)
		next := b.get(it).NextShardIterator
		time.Sleep(time.Millisecond)
		_, err := b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		require.Equal(b, "ExpiredIteratorException", code(err))
		b.get(next)
	})
}

// "This operation has a limit of five transactions per second per shard" (GetRecords).
func TestAShardIsReadFiveTimesASecond(t *testing.T) {
	run(t, fakekinesis.Config{Limits: true}, 1, func(b *bench) {
		it := b.iterator(first, types.ShardIteratorTypeTrimHorizon, "")
		for range 5 {
			it = b.get(it).NextShardIterator
		}
		_, err := b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		require.Equal(b, "ProvisionedThroughputExceededException", code(err))
		time.Sleep(time.Second)
		b.get(it)
	})
}

// "The maximum size of data that GetRecords can return is 10 MiB. If a call returns this amount of data, subsequent calls
// made within the next 5 seconds throw ProvisionedThroughputExceededException" (GetRecords).
func TestAFullAnswerBlocksForFiveSeconds(t *testing.T) {
	run(t, fakekinesis.Config{Limits: true}, 1, func(b *bench) {
		for range 12 {
			out, err := b.putAll(entries(1, mib-1, "k"))
			require.NoError(b, err)
			require.Zero(b, *out.FailedRecordCount)
			time.Sleep(time.Second)
		}
		page := b.get(b.iterator(first, types.ShardIteratorTypeTrimHorizon, ""))
		require.Len(b, page.Records, 10)
		require.Positive(b, *page.MillisBehindLatest)
		time.Sleep(4999 * time.Millisecond)
		_, err := b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: page.NextShardIterator})
		require.Equal(b, "ProvisionedThroughputExceededException", code(err))
		time.Sleep(time.Millisecond)
		page = b.get(page.NextShardIterator)
		require.Len(b, page.Records, 2)
		require.Zero(b, *page.MillisBehindLatest)
	})
}

// "If there are no records available in the portion of the shard that the iterator points to, GetRecords returns an empty
// list. It might take multiple calls to get to a portion of the shard that contains records" (GetRecords).
func TestAnEmptyPageIsNotTheTip(t *testing.T) {
	run(t, fakekinesis.Config{Seed: 3, Gaps: 0.5}, 1, func(b *bench) {
		b.put("k", "v")
		time.Sleep(time.Second)
		empty, it := 0, b.iterator(first, types.ShardIteratorTypeTrimHorizon, "")
		for {
			page := b.get(it)
			if len(page.Records) > 0 {
				require.Zero(b, *page.MillisBehindLatest)
				break
			}
			require.EqualValues(b, 1000, *page.MillisBehindLatest)
			it, empty = page.NextShardIterator, empty+1
		}
		require.Positive(b, empty)
	})
}

// "By default, data records are accessible for 24 hours from the time that they are added to a stream" (PutRecord). ListShards
// "does not list expired shards".
func TestRecordsAndClosedShardsAgeOut(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		old := b.put("k", "old")
		time.Sleep(time.Hour)
		b.put("k", "young")
		it := b.iterator(first, types.ShardIteratorTypeTrimHorizon, "")
		time.Sleep(4 * time.Minute)
		_, _, err := b.srv.Split(name, first)
		require.NoError(b, err)
		time.Sleep(23*time.Hour - 3*time.Minute)
		_, err = b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		require.Equal(b, "ExpiredIteratorException", code(err))
		page := b.get(b.iterator(first, types.ShardIteratorTypeAtSequenceNumber, *old.SequenceNumber))
		require.Equal(b, []string{"young"}, texts(page.Records), "a position that is trimmed goes on at the oldest record")
		require.Len(b, b.shards(), 3)

		time.Sleep(time.Hour + 4*time.Minute)
		require.Len(b, b.shards(), 2)
		_, err = b.client.GetShardIterator(b.ctx, &kinesis.GetShardIteratorInput{
			StreamName: ptr(name), ShardId: ptr(first), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
		})
		require.Equal(b, "ResourceNotFoundException", code(err))
	})
}

// "If a record with this exact time stamp does not exist, the iterator returned is for the next (later) record"
// (GetShardIterator), which may be one that has not come yet.
func TestAnIteratorOfTheFutureSkipsWhatComesBefore(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		b.put("k", "old")
		out, err := b.client.GetShardIterator(b.ctx, &kinesis.GetShardIteratorInput{
			StreamName: ptr(name), ShardId: ptr(first), ShardIteratorType: types.ShardIteratorTypeAtTimestamp,
			Timestamp: ptr(time.Now().Add(time.Minute)),
		})
		require.NoError(b, err)
		b.put("k", "early")
		page := b.get(out.ShardIterator)
		require.Empty(b, page.Records)
		time.Sleep(time.Minute)
		b.put("k", "in time")
		require.Equal(b, []string{"in time"}, texts(b.get(page.NextShardIterator).Records))
	})
}

// "GetShardIterator has a limit of five transactions per second per account per open shard".
func TestAShardGivesFiveIteratorsASecond(t *testing.T) {
	run(t, fakekinesis.Config{Limits: true}, 1, func(b *bench) {
		for range 5 {
			b.iterator(first, types.ShardIteratorTypeLatest, "")
		}
		_, err := b.client.GetShardIterator(b.ctx, &kinesis.GetShardIteratorInput{
			StreamName: ptr(name), ShardId: ptr(first), ShardIteratorType: types.ShardIteratorTypeLatest,
		})
		require.Equal(b, "ProvisionedThroughputExceededException", code(err))
		time.Sleep(time.Second)
		b.iterator(first, types.ShardIteratorTypeLatest, "")
	})
}

// "There are no guarantees about the time stamp accuracy, or that the time stamp is always increasing" (GetRecords).
func TestArrivalsNeedNotBeInOrder(t *testing.T) {
	run(t, fakekinesis.Config{Jitter: time.Second}, 1, func(b *bench) {
		for range 20 {
			b.put("k", "v")
			time.Sleep(100 * time.Millisecond)
		}
		page := b.get(b.iterator(first, types.ShardIteratorTypeTrimHorizon, ""))
		require.False(b, slices.IsSortedFunc(page.Records, func(x, y types.Record) int {
			return x.ApproximateArrivalTimestamp.Compare(*y.ApproximateArrivalTimestamp)
		}))
		require.True(b, slices.IsSortedFunc(page.Records, func(x, y types.Record) int {
			return strings.Compare(*x.SequenceNumber, *y.SequenceNumber)
		}))
	})
}
