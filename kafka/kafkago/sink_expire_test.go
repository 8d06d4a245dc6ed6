package kafkago

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/stream"
)

// TestWhatWaitsForATopicFailsTogether: the first of some records waits too long for a topic. What was sent behind it is not
// stored when the topic appears.
func TestWhatWaitsForATopicFailsTogether(t *testing.T) {
	c := fakeCluster(t)
	config := sinkConfig()
	config.DeliveryTimeout = time.Second
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), config, limits{})
	a := newAnswered(t)
	recs := keyed("late", "k", 2)
	s.Append(t.Context(), recs[:1], func(ack stream.Ack, err error) {
		s.Append(t.Context(), recs[1:], a.done) // accepted before this returns
		a.done(ack, err)
	})
	require.ErrorIs(t, a.wait(recs[0])[0], context.DeadlineExceeded)
	_, err := kadm.NewClient(native(t, c.ListenAddrs())).CreateTopic(t.Context(), 1, 1, nil, "late")
	require.NoError(t, err)
	require.Error(t, a.wait(recs[1])[0])
}
