//go:build servers

package testenv_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/testenv"
)

// patience bounds what a test waits for.
const patience = 60 * time.Second

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// client is a franz-go client that gives up on a silent broker quickly.
func client(t *testing.T, seeds []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.ProduceRequestTimeout(2 * time.Second),
		kgo.RequestTimeoutOverhead(time.Second),
		kgo.ProducerLinger(0),
	}, opts...)
	cl, err := kgo.NewClient(opts...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// topic makes a topic of one partition.
func topic(t *testing.T, c *testenv.Cluster, name string) {
	t.Helper()
	_, err := kadm.NewClient(client(t, c.Bootstrap())).CreateTopic(within(t, patience), 1, -1, nil, name)
	require.NoError(t, err)
}

// leader is the node that leads the only partition of a topic.
func leader(t *testing.T, cl *kgo.Client, name string) int {
	t.Helper()
	topics, err := kadm.NewClient(cl).ListTopics(within(t, patience), name)
	require.NoError(t, err)
	return int(topics[name].Partitions[0].Leader)
}

func produce(t *testing.T, cl *kgo.Client, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		require.NoError(t, send(t, cl, topic, v))
	}
}

func send(t *testing.T, cl *kgo.Client, topic, value string) error {
	t.Helper()
	return cl.ProduceSync(within(t, patience), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr()
}

// read returns the first n values of a topic.
func read(t *testing.T, seeds []string, topic string, n int, opts ...kgo.Opt) []string {
	t.Helper()
	cl := client(t, seeds, append(opts, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {0: kgo.NewOffset().AtStart()},
	}))...)
	ctx := within(t, patience)
	var values []string
	for len(values) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "%d of %d records", len(values), n)
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func numbers(from, to int) []string {
	var texts []string
	for i := from; i < to; i++ {
		texts = append(texts, strconv.Itoa(i))
	}
	return texts
}
