package fakekinesis_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

func (b *bench) summary() *types.StreamDescriptionSummary {
	sum, err := b.client.DescribeStreamSummary(b.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: ptr(name)})
	require.NoError(b, err)
	return sum.StreamDescriptionSummary
}

// "CreateStream ... immediately returns and sets the stream status to CREATING. After the stream is created, Kinesis Data
// Streams sets the stream status to ACTIVE" (CreateStream); DeleteStream likewise.
func TestStreamsComeAndGoInTheirTime(t *testing.T) {
	run(t, fakekinesis.Config{Settling: time.Minute}, 0, func(b *bench) {
		create := &kinesis.CreateStreamInput{StreamName: ptr(name), ShardCount: ptr[int32](2), MaxRecordSizeInKiB: ptr[int32](2048)}
		_, err := b.client.CreateStream(b.ctx, create)
		require.NoError(b, err)
		require.Equal(b, types.StreamStatusCreating, b.summary().StreamStatus)
		_, err = b.client.CreateStream(b.ctx, create)
		require.Equal(b, "ResourceInUseException", code(err))
		_, err = b.client.ListShards(b.ctx, &kinesis.ListShardsInput{StreamName: ptr(name)})
		require.Equal(b, "ResourceInUseException", code(err))
		_, err = b.putAll(entries(1, 1, "k"))
		require.Equal(b, "ResourceNotFoundException", code(err))

		time.Sleep(time.Minute)
		sum := b.summary()
		require.Equal(b, types.StreamStatusActive, sum.StreamStatus)
		require.Equal(b, "arn:aws:kinesis:us-east-1:123456789012:stream/orders", *sum.StreamARN)
		require.EqualValues(b, 24, *sum.RetentionPeriodHours)
		require.EqualValues(b, 2, *sum.OpenShardCount)
		require.EqualValues(b, 2048, *sum.MaxRecordSizeInKiB)
		require.Equal(b, types.StreamModeProvisioned, sum.StreamModeDetails.StreamMode)
		require.Empty(b, sum.RecordDistributionStrategy)
		_, err = b.client.ListShards(b.ctx, &kinesis.ListShardsInput{StreamARN: sum.StreamARN})
		require.NoError(b, err)

		_, err = b.client.DeleteStream(b.ctx, &kinesis.DeleteStreamInput{StreamName: ptr(name)})
		require.NoError(b, err)
		require.Equal(b, types.StreamStatusDeleting, b.summary().StreamStatus)
		b.put("k", "might continue to accept data")
		time.Sleep(time.Minute)
		_, err = b.putAll(entries(1, 1, "k"))
		require.Equal(b, "ResourceNotFoundException", code(err))
		list, err := b.client.ListStreams(b.ctx, &kinesis.ListStreamsInput{})
		require.NoError(b, err)
		require.Empty(b, list.StreamNames)
	})
}

func TestCreateStreamRefusesWhatItSays(t *testing.T) {
	demand := &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
	for _, c := range []struct {
		says string
		in   *kinesis.CreateStreamInput
		code string
	}{
		{"[a-zA-Z0-9_.-]+", &kinesis.CreateStreamInput{StreamName: ptr("a b"), ShardCount: ptr[int32](1)}, "ValidationException"},
		{"For the data streams with a provisioned mode, you must specify the number of shards", &kinesis.CreateStreamInput{StreamName: ptr("a")},
			"ValidationException"},
		{"on-demand", &kinesis.CreateStreamInput{StreamName: ptr("a"), ShardCount: ptr[int32](1), StreamModeDetails: demand}, "ValidationException"},
		{"between 1024 and 10240 KiB", &kinesis.CreateStreamInput{StreamName: ptr("a"), ShardCount: ptr[int32](1), MaxRecordSizeInKiB: ptr[int32](10241)},
			"ValidationException"},
		{"only supported for streams that use the on-demand capacity mode", &kinesis.CreateStreamInput{StreamName: ptr("a"),
			ShardCount: ptr[int32](1), RecordDistributionStrategy: types.RecordDistributionStrategyAuto}, "InvalidArgumentException"},
		{"on-demand", &kinesis.CreateStreamInput{StreamName: ptr("a"), StreamModeDetails: demand,
			RecordDistributionStrategy: types.RecordDistributionStrategyAuto}, ""},
	} {
		run(t, fakekinesis.Config{}, 0, func(b *bench) {
			_, err := b.client.CreateStream(b.ctx, c.in)
			require.Equal(b, c.code, code(err), c.says)
		})
	}
	// "You receive a LimitExceededException when ... you try to ... have more than five streams in the CREATING state".
	run(t, fakekinesis.Config{}, 0, func(b *bench) {
		for i := range 6 {
			_, err := b.client.CreateStream(b.ctx, &kinesis.CreateStreamInput{StreamName: ptr(string(rune('a' + i))), ShardCount: ptr[int32](1)})
			require.Equal(b, i == 5, code(err) == "LimitExceededException")
		}
	})
}

// "It does not make previous, expired data ... accessible" (IncreaseStreamRetentionPeriod); "any data already in the stream
// that is older than 24 hours is inaccessible" (DecreaseStreamRetentionPeriod).
func TestRetentionChangesWhatIsReadFromThenOn(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		raise := func(hours int32) error {
			_, err := b.client.IncreaseStreamRetentionPeriod(b.ctx, &kinesis.IncreaseStreamRetentionPeriodInput{
				StreamName: ptr(name), RetentionPeriodHours: &hours,
			})
			return err
		}
		lower := func(hours int32) error {
			_, err := b.client.DecreaseStreamRetentionPeriod(b.ctx, &kinesis.DecreaseStreamRetentionPeriodInput{
				StreamName: ptr(name), RetentionPeriodHours: &hours,
			})
			return err
		}
		require.Equal(b, "InvalidArgumentException", code(raise(24)), "Must be more than the current retention period")
		require.Equal(b, "InvalidArgumentException", code(raise(8761)), "The maximum value ... is 8760 hours")
		require.Equal(b, "InvalidArgumentException", code(lower(23)), "The minimum value ... is 24 hours")
		b.put("k", "expired")
		time.Sleep(25 * time.Hour)
		b.put("k", "kept")
		require.NoError(b, raise(72))
		require.Equal(b, "ResourceInUseException", code(raise(96)), "UPDATING")
		b.settle()
		require.EqualValues(b, 72, *b.summary().RetentionPeriodHours)
		time.Sleep(47 * time.Hour)
		b.put("k", "young")
		data, _ := b.read(first)
		require.Equal(b, []string{"kept", "young"}, data)
		require.NoError(b, lower(24))
		data, _ = b.read(first)
		require.Equal(b, []string{"young"}, data)
	})
}

// "Specify a value between 1024 and 10240 KiB (1 to 10 MiB). If you specify a value that is out of this range,
// UpdateMaxRecordSize sends back an ValidationException message" (UpdateMaxRecordSize).
func TestRecordSizeIsUpdatedInTime(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		arn := b.summary().StreamARN
		update := func(kib int32) error {
			_, err := b.client.UpdateMaxRecordSize(b.ctx, &kinesis.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: &kib})
			return err
		}
		require.Equal(b, "ValidationException", code(update(1023)))
		require.Equal(b, "ValidationException", code(update(10241)))
		require.NoError(b, update(10240))
		require.Equal(b, types.StreamStatusUpdating, b.summary().StreamStatus)
		b.settle()
		require.EqualValues(b, 10240, *b.summary().MaxRecordSizeInKiB)
		_, err := b.putAll(entries(1, 10*mib-1, "k"))
		require.NoError(b, err)
	})
}

// "Attempting to set AUTO on a provisioned stream results in an InvalidArgumentException"
// (UpdateStreamRecordDistributionStrategy). Splitting is "only supported for the data streams with the provisioned capacity
// mode" (SplitShard).
func TestModesAllowWhatIsTheirs(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		arn := b.summary().StreamARN
		auto := func() error {
			_, err := b.client.UpdateStreamRecordDistributionStrategy(b.ctx, &kinesis.UpdateStreamRecordDistributionStrategyInput{
				StreamARN: arn, RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
			})
			return err
		}
		require.Equal(b, "InvalidArgumentException", code(auto()))
		_, err := b.client.UpdateStreamMode(b.ctx, &kinesis.UpdateStreamModeInput{
			StreamARN: arn, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		})
		require.NoError(b, err)
		b.settle()
		require.Equal(b, types.RecordDistributionStrategyUserPartitionKey, b.summary().RecordDistributionStrategy)
		require.NoError(b, auto())
		require.Equal(b, types.RecordDistributionStrategyAuto, b.summary().RecordDistributionStrategy)
		_, err = b.client.SplitShard(b.ctx, &kinesis.SplitShardInput{
			StreamName: ptr(name), ShardToSplit: ptr(first), NewStartingHashKey: ptr("5"),
		})
		require.Equal(b, "ValidationException", code(err))
	})
}

// "DescribeStreamSummary has a limit of 20 transactions per second per account"; over it: LimitExceededException.
func TestTheControlPlaneHasLimits(t *testing.T) {
	run(t, fakekinesis.Config{Limits: true}, 1, func(b *bench) {
		for range 20 {
			b.summary()
		}
		_, err := b.client.DescribeStreamSummary(b.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: ptr(name)})
		require.Equal(b, "LimitExceededException", code(err))
		time.Sleep(time.Second)
		b.summary()
	})
}
