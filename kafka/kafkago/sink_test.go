package kafkago

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/stream"
)

func TestSinkStoresRecordsInOrder(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(3, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 1000)
	recs[7].Headers = []stream.Header{{Key: "h", Value: []byte("v")}, {Key: "h"}, {Key: "", Value: []byte{}}}
	recs[8].Time = time.UnixMilli(1234)
	s.Append(t.Context(), recs[:300], a.done)
	for _, r := range recs[300:] {
		s.Append(t.Context(), []*stream.Record{r}, a.done)
	}
	require.NoError(t, s.Flush(t.Context()))
	var last stream.Position
	for _, r := range recs {
		require.Equal(t, 1, a.count(r))
		ack := a.ack(r)
		require.NoError(t, a.errs[r])
		require.Equal(t, a.ack(recs[0]).Partition, ack.Partition)
		require.Negative(t, last.Compare(ack.Position))
		last = ack.Position
	}
	read := readTopic(t, c.ListenAddrs(), "t", len(recs))
	require.Equal(t, sent(recs), values(read))
	require.Len(t, read[7].Headers, 3)
	require.Equal(t, "v", string(read[7].Headers[0].Value))
	require.Equal(t, int64(1234), read[8].Timestamp.UnixMilli())
	require.NoError(t, s.Close(t.Context()))
	late := keyed("t", "late", 1)
	s.Append(t.Context(), late, a.done)
	require.ErrorIs(t, a.wait(late...)[0], stream.ErrClosed)
}

func TestSinkFullHonoursContext(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.Linger = time.Minute
	config := sinkConfig()
	config.BufferedRecords = 2
	s := openTestSink(t, settings, config, limits{})
	release := stall(c)
	a := newAnswered(t)
	recs := keyed("t", "k", 5)
	accepted, cancel := context.WithCancel(t.Context())
	s.Append(accepted, recs[:2], a.done)
	cancel() // nothing of it matters to what is accepted
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Append(ctx, recs[2:4], a.done)
	for _, err := range a.wait(recs[2:4]...) {
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	}
	release()
	s.Append(t.Context(), recs[4:], a.done) // sends what lingers
	require.NoError(t, s.Flush(t.Context()))
	require.Equal(t, []error{nil, nil, nil}, a.wait(recs[0], recs[1], recs[4]))
	require.Len(t, readTopic(t, c.ListenAddrs(), "t", 3), 3)
}
