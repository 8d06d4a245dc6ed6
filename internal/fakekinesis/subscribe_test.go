package fakekinesis_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

const first = "shardId-000000000000"

// register makes a consumer that is ACTIVE.
func (b *bench) register(consumer string) *string {
	sum, err := b.client.DescribeStreamSummary(b.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: ptr(name)})
	require.NoError(b, err)
	out, err := b.client.RegisterStreamConsumer(b.ctx, &kinesis.RegisterStreamConsumerInput{
		ConsumerName: &consumer, StreamARN: sum.StreamDescriptionSummary.StreamARN,
	})
	require.NoError(b, err)
	b.settle()
	return out.Consumer.ConsumerARN
}

// subscribe begins a subscription, which ends with the test.
func (b *bench) subscribe(arn *string, shard string, from types.StartingPosition) (*kinesis.SubscribeToShardEventStream, error) {
	out, err := b.client.SubscribeToShard(b.ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: arn, ShardId: &shard, StartingPosition: &from,
	}, ownProtocol)
	if err != nil {
		return nil, err
	}
	b.Cleanup(func() { out.GetStream().Close() })
	return out.GetStream(), nil
}

var oldest = types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}

// event waits for the next event; nil is the end of the stream.
func event(s *kinesis.SubscribeToShardEventStream) *types.SubscribeToShardEvent {
	e, ok := <-s.Events()
	if !ok {
		return nil
	}
	return &e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
}

// Events come with records, at once, and without, at least every five seconds; the continuation moves "even when no data is
// written to the shard" (SubscribeToShardEvent).
func TestSubscriptionPushesRecordsAndProgress(t *testing.T) {
	for seed := range uint64(3) {
		run(t, fakekinesis.Config{Seed: seed}, 1, func(b *bench) {
			arn := b.register("reader")
			b.put("k", "one")
			s, err := b.subscribe(arn, first, oldest)
			require.NoError(b, err)
			e := event(s)
			require.Equal(b, []string{"one"}, texts(e.Records))
			require.Zero(b, *e.MillisBehindLatest)

			begun := time.Now()
			idle := event(s)
			require.Empty(b, idle.Records)
			require.Equal(b, 5*time.Second, time.Since(begun))
			require.NotEqual(b, *e.ContinuationSequenceNumber, *idle.ContinuationSequenceNumber)

			require.NoError(b, s.Close())
			b.put("k", "two")
			time.Sleep(5 * time.Second)
			again, err := b.subscribe(arn, first, types.StartingPosition{
				Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: idle.ContinuationSequenceNumber,
			})
			require.NoError(b, err)
			require.Equal(b, []string{"two"}, texts(event(again).Records))
		})
	}
}

// "your consumer starts receiving events ... for up to 5 minutes, after which time you need to call SubscribeToShard again"
// (SubscribeToShard).
func TestSubscriptionEndsAfterFiveMinutes(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		s, err := b.subscribe(b.register("reader"), first, oldest)
		require.NoError(b, err)
		begun := time.Now()
		for event(s) != nil {
		}
		require.Equal(b, 5*time.Minute, time.Since(begun))
		require.NoError(b, s.Err())
	})
}

// "If you call SubscribeToShard again with the same ConsumerARN and ShardId within 5 seconds of a successful call, you'll get
// a ResourceInUseException. If you call SubscribeToShard 5 seconds or more after a successful call, the second call takes
// over the subscription and the previous connection expires or fails with a ResourceInUseException" (SubscribeToShard).
func TestSubscriptionIsTakenOverAfterFiveSeconds(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		arn := b.register("reader")
		one, err := b.subscribe(arn, first, oldest)
		require.NoError(b, err)
		time.Sleep(4999 * time.Millisecond)
		_, err = b.subscribe(arn, first, oldest)
		require.Equal(b, "ResourceInUseException", code(err))

		time.Sleep(time.Millisecond)
		two, err := b.subscribe(arn, first, oldest)
		require.NoError(b, err)
		for event(one) != nil {
		}
		require.Equal(b, "ResourceInUseException", code(one.Err()))
		b.put("k", "new")
		for e := event(two); ; e = event(two) {
			if len(e.Records) > 0 {
				break
			}
		}
	})
}

// "The list of the child shards of the current shard, returned only at the end of the current shard"
// (SubscribeToShardEvent); the continuation is then missing.
func TestSubscriptionTellsTheEndOfAShard(t *testing.T) {
	for seed := range uint64(4) {
		run(t, fakekinesis.Config{Seed: seed}, 1, func(b *bench) {
			s, err := b.subscribe(b.register("reader"), first, oldest)
			require.NoError(b, err)
			go func() {
				time.Sleep(time.Second)
				b.put("k", "last")
				_, _, err := b.srv.Split(name, first)
				require.NoError(b, err)
			}()
			var data []string
			for e := event(s); e != nil; e = event(s) {
				data = append(data, texts(e.Records)...)
				require.Equal(b, e.ContinuationSequenceNumber == nil, len(e.ChildShards) == 2)
			}
			require.Equal(b, []string{"last"}, data)
			require.NoError(b, s.Err())
		})
	}
}

// A subscription that nobody listens to any more leaves nothing behind: synctest would tell of a goroutine that is blocked.
func TestSubscriptionEndsWithItsContext(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		arn := b.register("reader")
		ctx, cancel := context.WithCancel(b.ctx)
		out, err := b.client.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
			ConsumerARN: arn, ShardId: ptr(first), StartingPosition: &oldest,
		}, ownProtocol)
		require.NoError(b, err)
		cancel()
		for event(out.GetStream()) != nil {
		}
		require.ErrorIs(b, out.GetStream().Err(), context.Canceled)
		require.ErrorIs(b, out.GetStream().Close(), context.Canceled)
		synctest.Wait()
	})
}

// "Use this as SequenceNumber in the next call to SubscribeToShard, with StartingPosition set to AT_SEQUENCE_NUMBER or
// AFTER_SEQUENCE_NUMBER" (SubscribeToShardEvent).
func TestSubscriptionResumesFromItsContinuation(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		arn := b.register("reader")
		b.put("k", "one")
		b.put("k", "two")
		s, err := b.subscribe(arn, first, oldest)
		require.NoError(b, err)
		reached := event(s).ContinuationSequenceNumber
		b.put("k", "three")
		for kind, want := range map[types.ShardIteratorType][]string{
			types.ShardIteratorTypeAfterSequenceNumber: {"three"},
			types.ShardIteratorTypeAtSequenceNumber:    {"two", "three"},
		} {
			time.Sleep(5 * time.Second)
			again, err := b.subscribe(arn, first, types.StartingPosition{Type: kind, SequenceNumber: reached})
			require.NoError(b, err)
			require.Equal(b, want, texts(event(again).Records))
		}
	})
}
