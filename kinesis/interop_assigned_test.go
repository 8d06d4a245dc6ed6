package kinesis_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/stream"
)

// Where a leader of KCL 3 assigns leases, a member takes none, and says so; when the fleet goes back to the rules of KCL 2,
// it takes them.
func TestNothingIsTakenWhereALeaderOfKCL3Assigns(t *testing.T) {
	for _, version := range []string{"3X", "3X_WITH_ROLLBACK"} {
		t.Run(version, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { assigned(t, version) }) })
	}
}

func assigned(t *testing.T, version string) {
	s := serve(1)
	var log bytes.Buffer
	c := s.config()
	c.Shared, c.LeaseTable, c.Logger = true, "{group}", slog.New(slog.NewTextHandler(&log, nil))
	b := openConfig(t, c)
	require.NoError(t, b.EnsureStream(t.Context(), stream.StreamConfig{Name: "s", Partitions: 3}))
	granted := func(d time.Duration) int {
		var n atomic.Int64
		consumer, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "app", Member: "go", Streams: []string{"s"},
			Observe: func(e stream.Event) {
				if e.Kind == stream.EventGranted {
					n.Add(1)
				}
			}})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		require.NoError(t, consumer.Run(ctx, stream.Each(func(context.Context, *stream.Record) error { return nil })))
		return int(n.Load())
	}
	state := func(version string) {
		item, err := fakekinesis.ReadItem(fmt.Appendf(nil,
			`{"leaseKey":{"S":"Migration3.0"},"cv":{"S":"CLIENT_VERSION_%s"},"entityType":{"S":"CLIENT_VERSION_MIGRATION"}}`, version))
		require.NoError(t, err)
		require.NoError(t, s.tables.Put("app", item))
	}
	const told = "a leader of KCL 3 assigns the leases"

	require.Equal(t, 3, granted(10*failover))
	require.NotContains(t, log.String(), told)
	state(version)
	migration := s.tables.Items("app")["Migration3.0"].String()
	require.Zero(t, granted(time.Minute))
	require.Contains(t, log.String(), told)
	for key, item := range s.tables.Items("app") {
		require.Empty(t, item["leaseOwner"].Text(), key)
	}
	require.Equal(t, migration, s.tables.Items("app")["Migration3.0"].String())

	log.Reset()
	back := time.AfterFunc(time.Minute, func() { state("UPGRADE_FROM_2X") })
	defer back.Stop()
	require.Equal(t, 3, granted(2*time.Minute))
	require.Contains(t, log.String(), "takes its share")
}
