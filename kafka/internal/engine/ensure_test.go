package engine_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestEnsureMakesWhatIsAsked(t *testing.T) {
	b := newBrokers()
	for _, c := range []struct {
		asked stream.StreamConfig
		want  map[string]string
	}{
		{stream.StreamConfig{Name: "plain", Partitions: 3}, map[string]string{}},
		{stream.StreamConfig{Name: "short", Retention: time.Hour}, map[string]string{"retention.ms": "3600000"}},
		{stream.StreamConfig{Name: "forever", Retention: -1}, map[string]string{"retention.ms": "-1"}},
		{stream.StreamConfig{Name: "large", MaxRecordBytes: 1 << 24}, map[string]string{"max.message.bytes": "16777216"}},
		{stream.StreamConfig{Name: "compact", Compacted: true}, map[string]string{"cleanup.policy": "compact"}},
		{stream.StreamConfig{Name: "both", Compacted: true, Retention: -1}, map[string]string{"cleanup.policy": "compact"}},
	} {
		require.NoError(t, engine.Ensure(t.Context(), b, c.asked))
		for name, value := range c.want {
			require.Equal(t, value, b.topics[c.asked.Name].Configs[name], "%s of %s", name, c.asked.Name)
		}
		require.NoError(t, engine.Ensure(t.Context(), b, c.asked), "a second time")
		require.NoError(t, engine.Ensure(t.Context(), b, stream.StreamConfig{Name: c.asked.Name}), "asking for nothing")
	}
	require.Len(t, b.topics["plain"].Partitions, 3)
}

func TestEnsureNamesEveryDifference(t *testing.T) {
	b := newBrokers()
	b.set(topicOf("orders", 2, 3, nil))
	err := engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders", Partitions: 3, Retention: time.Hour, MaxRecordBytes: 5000})
	require.ErrorIs(t, err, stream.ErrInvalid)
	for _, words := range []string{"Partitions 2, not 3", "Retention 168h0m0s, not 1h0m0s", "MaxRecordBytes 1048588, not 5000"} {
		require.ErrorContains(t, err, words)
	}
	err = engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders", Compacted: true})
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorContains(t, err, "Compacted false, not true")
	require.Equal(t, topicOf("orders", 2, 3, nil), b.topics["orders"], "the topic was changed")
}

func TestEnsureComparesAfterALostRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.racing = &engine.NewTopic{Name: "orders", Partitions: 4}
		err := engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders", Partitions: 3})
		require.ErrorIs(t, err, stream.ErrInvalid)
		require.ErrorContains(t, err, "Partitions 4, not 3")
		b.racing = &engine.NewTopic{Name: "bills", Partitions: 3}
		require.NoError(t, engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "bills", Partitions: 3}))
		require.Equal(t, 2, b.awaited, "it did not wait until the topic is known everywhere")
	})
}

func TestEnsureGivesUpOnATopicUnderDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.refuses = engine.ErrExists
		require.ErrorContains(t, engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders"}), "under deletion")
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, engine.Ensure(ctx, b, stream.StreamConfig{Name: "orders"}), context.DeadlineExceeded)
	})
}

func TestEnsureRefusesBeforeAnythingIsSent(t *testing.T) {
	b := newBrokers()
	for _, c := range []struct {
		asked stream.StreamConfig
		is    error
	}{
		{stream.StreamConfig{}, stream.ErrInvalid},
		{stream.StreamConfig{Name: "a name"}, stream.ErrInvalid},
		{stream.StreamConfig{Name: ".."}, stream.ErrInvalid},
		{stream.StreamConfig{Name: strings.Repeat("n", 250)}, stream.ErrInvalid},
		{stream.StreamConfig{Name: "ünïcode"}, stream.ErrInvalid},
		{stream.StreamConfig{Name: "t", Partitions: -1}, stream.ErrInvalid},
		{stream.StreamConfig{Name: "t", Partitions: math.MaxInt}, stream.ErrInvalid},
		{stream.StreamConfig{Name: "t", MaxRecordBytes: -1}, stream.ErrInvalid},
		{stream.StreamConfig{Name: "t", MaxRecordBytes: 1 << 40}, stream.ErrUnsupported},
		{stream.StreamConfig{Name: "t", Retention: 1}, stream.ErrUnsupported},
		{stream.StreamConfig{Name: "t", Compacted: true, Retention: time.Hour}, stream.ErrInvalid},
	} {
		require.ErrorIs(t, engine.Ensure(t.Context(), b, c.asked), c.is, "%+v", c.asked)
	}
	require.Empty(t, b.asked)
	require.NoError(t, engine.Ensure(t.Context(), b, stream.StreamConfig{Name: strings.Repeat("n", 249)}))
}

func TestWhatBrokersDoNotGiveIsUnsupported(t *testing.T) {
	b := newBrokers()
	for _, code := range []int16{37, 38, 40, 44} {
		b.refuses = engine.Map(engine.Failed(code, nil))
		err := engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders"})
		require.ErrorIs(t, err, stream.ErrUnsupported)
		require.NotErrorIs(t, err, stream.ErrInvalid)
	}
	b.refuses = fmt.Errorf("%w: not allowed", stream.ErrUnauthorized)
	require.ErrorIs(t, engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders"}), stream.ErrUnauthorized)
}

func TestEnsureDoesNotCompareWhatIsDenied(t *testing.T) {
	b := newBrokers()
	hidden := topicOf("orders", 2, 3, nil)
	hidden.Configs, hidden.ConfigsErr = nil, engine.Denied(engine.Map(engine.Failed(29, nil)), "DESCRIBE_CONFIGS", "topic orders")
	b.set(hidden)
	require.NoError(t, engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders", Partitions: 2}))
	err := engine.Ensure(t.Context(), b, stream.StreamConfig{Name: "orders", Retention: time.Hour})
	require.ErrorIs(t, err, stream.ErrUnauthorized)
	require.ErrorContains(t, err, "DESCRIBE_CONFIGS")
}
