package probe_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/probe"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// A service answers questions about one stream, and changes it a second after it was asked to.
type service struct {
	api.Service // what is not here is not called

	mu      sync.Mutex
	sum     api.Summary
	err     error // of Summary
	asked   int
	created []api.Creation
}

func (s *service) Summary(context.Context, string) (api.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.err != nil {
		return api.Summary{}, s.err
	}
	if s.sum.Name == "" {
		return api.Summary{}, &api.Error{Op: "DescribeStreamSummary", Code: api.Missing, Status: 400}
	}
	return s.sum, nil
}

// change does something now, and more a second later.
func (s *service) change(now, then func(*api.Summary)) error {
	s.mu.Lock()
	now(&s.sum)
	s.mu.Unlock()
	time.AfterFunc(time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		then(&s.sum)
	})
	return nil
}

func (s *service) Create(_ context.Context, c api.Creation) error {
	s.mu.Lock()
	s.created = append(s.created, c)
	s.mu.Unlock()
	return s.change(func(sum *api.Summary) {
		*sum = summary()
		sum.Name, sum.Status, sum.OpenShards = c.Name, "CREATING", c.Shards
	}, func(sum *api.Summary) { sum.Status = "ACTIVE" })
}

func (s *service) SetRetention(_ context.Context, _ string, _, to time.Duration) error {
	return s.change(func(sum *api.Summary) { sum.Status = "UPDATING" },
		func(sum *api.Summary) { sum.Status, sum.Retention = "ACTIVE", to })
}

func (s *service) SetRecordBytes(_ context.Context, _ string, bytes int64) error {
	return s.change(func(sum *api.Summary) { sum.Status = "UPDATING" },
		func(sum *api.Summary) { sum.Status, sum.RecordBytes = "ACTIVE", bytes })
}

func summary() api.Summary {
	return api.Summary{
		Name: "orders", ARN: "arn:aws:kinesis:eu-west-1:123456789012:stream/orders", Status: "ACTIVE", Retention: 24 * time.Hour,
		OpenShards: 2, RecordBytes: 1 << 20, Mode: "PROVISIONED", Encryption: "NONE",
	}
}

func config() settings.Settings {
	return settings.Settings{
		Mode: settings.KeyOrdered, Aggregation: settings.AggregateOff, LeaseTable: "{group}-{stream}", ProbeEvery: time.Minute, Logger: slog.New(slog.DiscardHandler),
	}
}

func TestFlagsSayWhatTheStreamIs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*api.Summary, *settings.Settings)
		check  func(*testing.T, stream.Capabilities)
	}{
		"as it is": {func(*api.Summary, *settings.Settings) {}, func(t *testing.T, c stream.Capabilities) {
			require.Equal(t, stream.Emulated, c.KeyOrder.Support)
			require.Equal(t, stream.Discovered, c.KeyOrder.Source)
			require.Equal(t, stream.None, c.AutoScaling.Support)
			require.EqualValues(t, 1<<20, c.MaxRecordBytes.Value)
			require.False(t, c.MaxRecordBytes.Hard)
			require.Equal(t, 24*time.Hour, c.Retention.Current)
			require.Equal(t, 2, c.Partitions)
			require.Equal(t, stream.None, c.Headers.Support)
			require.Equal(t, stream.Native, c.Fencing.Support)
		}},
		"the service spreads records": {func(s *api.Summary, _ *settings.Settings) {
			s.Mode, s.Distribution = "ON_DEMAND", "AUTO"
		}, func(t *testing.T, c stream.Capabilities) {
			require.Equal(t, stream.None, c.KeyOrder.Support)
			require.Contains(t, c.KeyOrder.Reason, "UpdateStreamRecordDistributionStrategy")
			require.Equal(t, stream.Native, c.AutoScaling.Support)
		}},
		"on demand, and the strategy is not told": {func(s *api.Summary, _ *settings.Settings) { s.Mode = "ON_DEMAND" },
			func(t *testing.T, c stream.Capabilities) { require.Equal(t, stream.Unknown, c.KeyOrder.Support) }},
		"no mode is told": {func(s *api.Summary, _ *settings.Settings) { s.Mode = "" },
			func(t *testing.T, c stream.Capabilities) {
				require.Equal(t, stream.Assumed, c.KeyOrder.Source)
				require.Equal(t, stream.Unknown, c.AutoScaling.Support)
			}},
		"records of 10 MiB": {func(s *api.Summary, _ *settings.Settings) { s.RecordBytes = 10 << 20 },
			func(t *testing.T, c stream.Capabilities) {
				require.EqualValues(t, 10<<20, c.MaxRecordBytes.Value)
				require.True(t, c.MaxRecordBytes.Hard)
			}},
		"a record size that is not told": {func(s *api.Summary, _ *settings.Settings) { s.RecordBytes = 0 },
			func(t *testing.T, c stream.Capabilities) { require.Equal(t, stream.Assumed, c.MaxRecordBytes.Source) }},
		"unordered": {func(_ *api.Summary, s *settings.Settings) { s.Mode = settings.Unordered },
			func(t *testing.T, c stream.Capabilities) { require.Equal(t, stream.None, c.KeyOrder.Support) }},
		"strict": {func(_ *api.Summary, s *settings.Settings) { s.Mode = settings.Strict },
			func(t *testing.T, c stream.Capabilities) { require.Equal(t, stream.Native, c.KeyOrder.Support) }},
		"tags": {func(_ *api.Summary, s *settings.Settings) { s.Tags = true }, func(t *testing.T, c stream.Capabilities) {
			for _, flag := range []stream.Flag{c.Headers, c.Tombstones, c.EventTime, c.NilKeys, c.BinaryKeys} {
				require.Equal(t, stream.Emulated, flag.Support)
			}
		}},
		"aggregates": {func(_ *api.Summary, s *settings.Settings) { s.Aggregation = settings.SameKey },
			func(t *testing.T, c stream.Capabilities) {
				require.Zero(t, c.PartitionWriteRecords.Value)
				require.EqualValues(t, 1<<20, c.PartitionWriteBytes.Value)
			}},
		"fan-out": {func(_ *api.Summary, s *settings.Settings) { s.FanOut = "us" }, func(t *testing.T, c stream.Capabilities) {
			require.Equal(t, stream.Native, c.PushDelivery.Support)
			require.Zero(t, c.PartitionReadCalls.Value)
		}},
		"static": {func(_ *api.Summary, s *settings.Settings) { s.LeaseTable = "" }, func(t *testing.T, c stream.Capabilities) {
			require.Equal(t, stream.None, c.Groups.Support)
			require.EqualValues(t, -1, c.MaxStateBytes.Value)
		}},
		"an emulator": {func(_ *api.Summary, s *settings.Settings) { s.Endpoint = "http://127.0.0.1:4567" },
			func(t *testing.T, c stream.Capabilities) { require.Equal(t, stream.Unknown, c.Durability.Support) }},
	} {
		t.Run(name, func(t *testing.T) {
			fake, s := &service{sum: summary()}, config()
			c.change(&fake.sum, &s)
			have, err := probe.New(fake, s).Capabilities(t.Context(), "orders")
			require.NoError(t, err)
			c.check(t, have)
		})
	}
}

func TestWithoutTheRightNothingIsGuessed(t *testing.T) {
	fake := &service{err: &api.Error{Op: "DescribeStreamSummary", Code: api.Denied, Status: 400}}
	c, err := probe.New(fake, config()).Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	for _, flag := range []stream.Flag{c.KeyOrder, c.AutoScaling} {
		require.Equal(t, stream.Unknown, flag.Support)
		require.Contains(t, flag.Reason, "kinesis:DescribeStreamSummary")
	}
	require.Zero(t, c.MaxRecordBytes.Value)
	require.Empty(t, c.MaxRecordBytes.Source)
	require.Zero(t, c.Retention.Current)
	require.Zero(t, c.Partitions)
}

func TestThrottledProbesAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &service{sum: summary(), err: &api.Error{Op: "DescribeStreamSummary", Code: api.LimitExceeded, Status: 400}}
		time.AfterFunc(time.Second, func() {
			fake.mu.Lock()
			defer fake.mu.Unlock()
			fake.err = nil
		})
		_, err := probe.New(fake, config()).Capabilities(t.Context(), "orders")
		require.NoError(t, err)
	})
}

func TestWhatIsInUseIsProbedEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &service{sum: summary()}
		p := probe.New(fake, config())
		release, err := p.Open(t.Context(), "orders")
		require.NoError(t, err)
		fake.mu.Lock()
		fake.sum.Mode, fake.sum.Distribution = "ON_DEMAND", "AUTO"
		fake.mu.Unlock()
		time.Sleep(59 * time.Second)
		f, known := p.Known("orders")
		require.True(t, known)
		require.False(t, f.Auto())
		time.Sleep(2 * time.Second)
		f, _ = p.Known("orders")
		require.True(t, f.Auto())
		release()
		asked := fake.asked
		time.Sleep(time.Hour)
		require.Equal(t, asked, fake.asked, "nothing is open")
		p.Close()
	})
}

func TestEnsureMakesWhatIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &service{}
		p := probe.New(fake, config())
		want := stream.StreamConfig{Name: "orders", Partitions: 3, Retention: 48 * time.Hour, MaxRecordBytes: 2 << 20}
		require.NoError(t, p.Ensure(t.Context(), want))
		require.Equal(t, []api.Creation{{Name: "orders", Shards: 3, RecordBytes: 2 << 20}}, fake.created)
		require.Equal(t, 48*time.Hour, fake.sum.Retention)
		require.EqualValues(t, 2<<20, fake.sum.RecordBytes, "an emulator that ignores CreateStream's size is told again")
		require.NoError(t, p.Ensure(t.Context(), want), "it is as asked")
		require.NoError(t, p.Ensure(t.Context(), stream.StreamConfig{Name: "orders"}), "nothing is compared")
		require.Len(t, fake.created, 1)
	})
}

func TestEnsureRefusesWhatDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &service{sum: summary()}
		err := probe.New(fake, config()).Ensure(t.Context(), stream.StreamConfig{
			Name: "orders", Partitions: 3, Retention: 48 * time.Hour, MaxRecordBytes: 2 << 20,
		})
		require.ErrorIs(t, err, stream.ErrInvalid)
		for _, field := range []string{"Partitions 2", "Retention 24h", "MaxRecordBytes 1048576"} {
			require.ErrorContains(t, err, field)
		}
		require.Equal(t, summary(), fake.sum, "nothing is changed")
	})
}

func TestEnsureRefusesWhatKinesisHasNot(t *testing.T) {
	for name, s := range map[string]stream.StreamConfig{
		"compaction":           {Compacted: true},
		"an hour":              {Retention: time.Hour},
		"two years":            {Retention: 2 * 365 * 24 * time.Hour},
		"for ever":             {Retention: -1},
		"half hours":           {Retention: 24*time.Hour + 30*time.Minute},
		"records below 1 MiB":  {MaxRecordBytes: 1 << 10},
		"records above 10 MiB": {MaxRecordBytes: 11 << 20},
		"odd bytes":            {MaxRecordBytes: 1<<20 + 1},
		"too many shards":      {Partitions: 20_000},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &service{}
			s.Name = "orders"
			require.ErrorIs(t, probe.New(fake, config()).Ensure(t.Context(), s), stream.ErrUnsupported)
			require.Empty(t, fake.created)
		})
	}
}

// A stream that never becomes active is given up in time, and the error says what it is instead.
func TestEnsureDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &service{sum: summary()}
		fake.sum.Status = "CREATING"
		began := time.Now()
		err := probe.New(fake, config()).Ensure(t.Context(), stream.StreamConfig{Name: "orders"})
		require.ErrorContains(t, err, "CREATING")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(began), 11*time.Minute)
	})
}
