//go:build servers

package kafkago

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
	"github.com/streamport-go/streamport/stream"
)

// make3 makes a topic of three partitions.
func make3(t *testing.T, c engine.Client, name string) {
	t.Helper()
	require.NoError(t, engine.Ensure(t.Context(), c, stream.StreamConfig{Name: name, Partitions: 3}))
}

// openFranz opens the default engine, with the same settings.
func openFranz(t *testing.T, addresses []string) engine.Client {
	t.Helper()
	c, err := franz.Driver{}.Open(sinkSettings(addresses))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestRealBrokersAnswer(t *testing.T) {
	for _, brokers := range []testenv.Config{{Version: testenv.DefaultVersion, Nodes: 3}, {Version: testenv.VersionTV1}} {
		t.Run(brokers.Version, func(t *testing.T) {
			cluster := testenv.Run(t, brokers)
			c := openAdmin(t, cluster.Bootstrap())
			t.Run("edges", func(t *testing.T) {
				make3(t, c, "edges")
				stableBeforeOpen(t, c, cluster.Bootstrap(), "edges")
			})
			t.Run("commits", func(t *testing.T) {
				make3(t, c, "commits")
				commitsAreReadBack(t, c, joined(t, cluster.Bootstrap(), "billing", "commits"), "commits")
			})
			t.Run("pending offsets", func(t *testing.T) { pendingOffsetsAreNotWaitedFor(t, c, cluster.Bootstrap()) })
			t.Run("made anew", func(t *testing.T) { madeAnew(t, c, cluster.Bootstrap()) })
			t.Run("ensure", func(t *testing.T) { ensured(t, c) })
			t.Run("same facts", func(t *testing.T) { sameFacts(t, c, openFranz(t, cluster.Bootstrap())) })
			t.Run("capabilities", func(t *testing.T) { requireTold(t, c, cluster.Bootstrap()) })
			t.Run("changes", func(t *testing.T) { changesAreSeen(t, c, cluster.Bootstrap()) })
		})
	}
}

// pendingOffsetsAreNotWaitedFor is why this engine has no transactions: an offset that a transaction is about to replace
// is told as if it were the last one. The default engine waits (KIP-447).
func pendingOffsetsAreNotWaitedFor(t *testing.T, c *client, addresses []string) {
	make3(t, c, "held")
	m := joined(t, addresses, "holding", "held")
	_, err := c.Commit(t.Context(), m, "held", map[int32]engine.Committed{0: at(1, "")})
	require.NoError(t, err)
	cl := native(t, addresses, kgo.TransactionalID("holder"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, cl.BeginTransaction())
	produce(t, cl, "held", 0, 1000)
	hold(t, c, cl, m)

	other := openFranz(t, addresses)
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = other.Committed(short, m.Group, "held", []int32{0})
	require.ErrorIs(t, err, context.DeadlineExceeded, "franz-go does not wait for the transaction")
	got, err := c.Committed(t.Context(), m.Group, "held", []int32{0})
	require.NoError(t, err)
	require.EqualValues(t, 1, got[0].Offset.At, "if kafka-go waits now, transactions can be offered")
	require.NotEmpty(t, c.Abilities().Transactions)

	require.NoError(t, cl.EndTransaction(t.Context(), kgo.TryCommit))
	got, err = other.Committed(t.Context(), m.Group, "held", []int32{0})
	require.NoError(t, err)
	require.EqualValues(t, 2, got[0].Offset.At)
	got, err = c.Committed(t.Context(), m.Group, "held", []int32{0})
	require.NoError(t, err)
	require.EqualValues(t, 2, got[0].Offset.At)
}

// hold commits offset 2 for a member in a transaction that stays open.
func hold(t *testing.T, c *client, cl *kgo.Client, m engine.Membership) {
	t.Helper()
	id, epoch, err := cl.ProducerID(t.Context())
	require.NoError(t, err)
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = "holder", id, epoch, m.Group
	added, err := add.RequestWith(t.Context(), cl)
	require.NoError(t, errors.Join(err, engine.Failed(added.ErrorCode, nil)))
	topic, err := c.Topic(t.Context(), "held")
	require.NoError(t, err)
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = "holder", id, epoch, m.Group
	commit.MemberID, commit.Generation = m.Member, m.Generation
	of := kmsg.NewTxnOffsetCommitRequestTopic()
	of.Topic, of.TopicID = "held", topic.ID
	partition := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	partition.Offset = 2
	of.Partitions = append(of.Partitions, partition)
	commit.Topics = append(commit.Topics, of)
	committed, err := commit.RequestWith(t.Context(), cl)
	require.NoError(t, err)
	require.NoError(t, engine.Failed(committed.Topics[0].Partitions[0].ErrorCode, nil))
}

// madeAnew deletes a topic and makes it again: its id tells, and a commit for what is gone is refused.
func madeAnew(t *testing.T, c *client, addresses []string) {
	make3(t, c, "anew")
	before, err := c.Topic(t.Context(), "anew")
	require.NoError(t, err)
	require.NotZero(t, before.ID)
	m := joined(t, addresses, "again", "anew")
	name := "anew"
	drop := kmsg.NewPtrDeleteTopicsRequest()
	drop.TopicNames = []string{name}
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	drop.Topics = append(drop.Topics, topic)
	dropped, err := drop.RequestWith(t.Context(), native(t, addresses))
	require.NoError(t, err)
	require.NoError(t, engine.Failed(dropped.Topics[0].ErrorCode, nil))
	require.Eventually(t, func() bool {
		refused, err := c.Commit(t.Context(), m, "anew", map[int32]engine.Committed{0: at(6, "")})
		err = errors.Join(err, refused[0])
		return errors.Is(err, stream.ErrNotFound) || errors.Is(err, stream.ErrLost)
	}, 10*time.Second, 50*time.Millisecond, "a commit for a topic that is gone was taken")
	make3(t, c, "anew")
	after, err := c.Topic(t.Context(), "anew")
	require.NoError(t, err)
	require.NotEqual(t, before.ID, after.ID)
}

func ensured(t *testing.T, c *client) {
	asked := stream.StreamConfig{Name: "ensured", Partitions: 4, Retention: 48 * time.Hour, MaxRecordBytes: 1 << 21}
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { errs <- engine.Ensure(t.Context(), c, asked) }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs, "of several creators one failed")
	}
	other := asked
	other.Partitions, other.Retention, other.MaxRecordBytes = 5, time.Hour, 1<<20
	err := engine.Ensure(t.Context(), c, other)
	require.ErrorIs(t, err, stream.ErrInvalid)
	for _, field := range []string{"Partitions 4, not 5", "Retention 48h0m0s, not 1h0m0s", "MaxRecordBytes 2097152, not 1048576"} {
		require.ErrorContains(t, err, field)
	}
	require.NoError(t, engine.Ensure(t.Context(), c, stream.StreamConfig{Name: "for-ever", Retention: -1}))
	require.NoError(t, engine.Ensure(t.Context(), c, stream.StreamConfig{Name: "for-ever", Retention: -1}))
	require.NoError(t, engine.Ensure(t.Context(), c, stream.StreamConfig{Name: "compacted", Compacted: true}))
}

// requireTold compares what is told of topics with what brokers do with them.
func requireTold(t *testing.T, c *client, addresses []string) {
	p := engine.NewProber(c, sinkSettings(nil), c.Abilities())
	of := func(name string, configs map[string]string) stream.Capabilities {
		require.NoError(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: name, Partitions: 2, Configs: configs}))
		got, err := p.Capabilities(t.Context(), name)
		require.NoError(t, err)
		return got
	}
	plain := of("plain", nil)
	require.Equal(t, stream.None, plain.Transactions.Support)
	require.Contains(t, plain.Transactions.Reason, "franz-go")
	require.EqualValues(t, 1_048_588, plain.MaxRecordBytes.Value)
	require.EqualValues(t, engine.MaxStateBytes(4096), plain.MaxStateBytes.Value)
	require.EqualValues(t, 104_857_600, plain.MaxRequestBytes.Value)
	require.Equal(t, 2, plain.Partitions)
	require.Equal(t, stream.None, of("keyed", map[string]string{"cleanup.policy": "compact"}).NilKeys.Support)
	require.Equal(t, stream.None, of("arrival", map[string]string{"message.timestamp.type": "LogAppendTime"}).EventTime.Support)
	require.EqualValues(t, 70_000, of("small", map[string]string{"max.message.bytes": "70000"}).MaxRecordBytes.Value)
	sized := of("sized", map[string]string{"retention.bytes": "1000000", "retention.ms": "60000"}).Retention
	require.Equal(t, time.Minute, sized.Current)
	require.EqualValues(t, 1_000_000, sized.Bytes)
}

// sameFacts compares what the two engines are told by the same brokers.
func sameFacts(t *testing.T, c *client, other engine.Client) {
	mine, err := c.Cluster(t.Context())
	require.NoError(t, err)
	require.NoError(t, errors.Join(mine.AllBrokers, mine.ConfigsErr))
	its, err := other.Cluster(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, mine.Features["metadata.version"])
	dropEmpty(its.Configs)
	require.Equal(t, its, mine)
	make3(t, c, "facts")
	named, err := c.Topic(t.Context(), "facts")
	require.NoError(t, err)
	same, err := other.Topic(t.Context(), "facts")
	require.NoError(t, err)
	require.NotEmpty(t, named.Operations)
	dropEmpty(same.Configs)
	require.Equal(t, same, named)
}

// dropEmpty leaves out what is empty: kafka-go does not tell it from what is not set.
func dropEmpty(configs map[string]string) {
	for name, value := range configs {
		if value == "" {
			delete(configs, name)
		}
	}
}

// changesAreSeen alters a topic while a handle is open.
func changesAreSeen(t *testing.T, c *client, addresses []string) {
	make3(t, c, "changing")
	s := sinkSettings(nil)
	s.ProbeEvery = 200 * time.Millisecond
	p := engine.NewProber(c, s, c.Abilities())
	defer p.Close()
	release, err := p.Open(t.Context(), "changing")
	require.NoError(t, err)
	defer release()
	before, err := p.Capabilities(t.Context(), "changing")
	require.NoError(t, err)
	cl := native(t, addresses)
	alter(t, cl, "changing", "max.message.bytes", "50000")
	alter(t, cl, "changing", "cleanup.policy", "compact")
	require.Eventually(t, func() bool { n, _ := p.MaxBatchBytes("changing"); return n == 50_000 }, 10*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		after, err := p.Capabilities(t.Context(), "changing")
		require.NoError(t, err)
		diff := stream.Diff(before, after)
		return strings.Contains(diff, "lost     NilKeys: native -> none") && strings.Contains(diff, "gained   Compaction: none -> native")
	}, 10*time.Second, 20*time.Millisecond)
}

func alter(t *testing.T, cl *kgo.Client, topic, name, value string) {
	t.Helper()
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Op, config.Value = name, kmsg.IncrementalAlterConfigOpSet, &value
	r.Configs = append(r.Configs, config)
	request.Resources = append(request.Resources, r)
	answer, err := request.RequestWith(t.Context(), cl)
	require.NoError(t, err)
	require.NoError(t, engine.Failed(answer.Resources[0].ErrorCode, answer.Resources[0].ErrorMessage))
}

// threes are the partitions of a topic of make3.
var threes = []int32{0, 1, 2}

// askedOf asks everything that a member asks.
func askedOf(t *testing.T, c *client, m engine.Membership, topic string, next int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	edges, err := c.Offsets(ctx, topic, threes, engine.Edge{Kind: engine.EdgeEnd})
	require.NoError(t, err)
	for _, number := range threes {
		require.NoError(t, edges[number].Err, "partition %d", number)
	}
	refused, err := c.Commit(ctx, m, topic, map[int32]engine.Committed{1: at(next, "")})
	require.NoError(t, errors.Join(err, refused[1]))
	got, err := c.Committed(ctx, m.Group, topic, threes)
	require.NoError(t, err)
	require.Equal(t, map[int32]engine.Committed{1: at(next, "")}, got)
	_, err = c.Topic(ctx, topic)
	require.NoError(t, err)
	_, err = c.Cluster(ctx)
	require.NoError(t, err)
}

// inSync waits until every replica has everything, so that one broker can be missed.
func inSync(t *testing.T, c *client, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		require.Eventually(t, func() bool {
			told, err := c.Topic(t.Context(), topic)
			isBehind := func(p engine.TopicPartition) bool { return len(p.ISR) < len(p.Replicas) }
			return err == nil && !slices.ContainsFunc(told.Partitions, isBehind)
		}, time.Minute, 50*time.Millisecond)
	}
}

// Every broker is paused once, and killed once: leader, coordinator, controller and the one that questions go to are
// among them.
func TestQuestionsAreAnsweredWhileABrokerIsGone(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{Nodes: 3})
	c := openAdmin(t, cluster.Bootstrap())
	require.NoError(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: "orders", Partitions: 3, Replication: 3}))
	m := joined(t, cluster.Bootstrap(), "billing", "orders")
	askedOf(t, c, m, "orders", 1)
	for node := 1; node <= cluster.Nodes(); node++ {
		inSync(t, c, "orders", "__consumer_offsets")
		require.NoError(t, cluster.Pause(node))
		begun := time.Now()
		askedOf(t, c, m, "orders", int64(10+node))
		t.Logf("node %d paused: %v", node, time.Since(begun))
		require.NoError(t, cluster.Resume(node))
		require.NoError(t, cluster.Ready(t.Context()))
	}
	for node := 1; node <= cluster.Nodes(); node++ {
		inSync(t, c, "orders", "__consumer_offsets")
		require.NoError(t, cluster.Kill(node))
		begun := time.Now()
		askedOf(t, c, m, "orders", int64(20+node))
		t.Logf("node %d killed: %v", node, time.Since(begun))
		require.NoError(t, cluster.Restart(t.Context(), node))
		require.NoError(t, cluster.Ready(t.Context()))
	}
}
