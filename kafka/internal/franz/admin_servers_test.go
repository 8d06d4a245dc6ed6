//go:build servers

package franz

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// make3 makes a topic of three partitions.
func make3(t *testing.T, c engine.Client, name string) {
	t.Helper()
	require.NoError(t, engine.Ensure(t.Context(), c, stream.StreamConfig{Name: name, Partitions: 3}))
}

func TestRealBrokersAnswer(t *testing.T) {
	for _, version := range []string{testenv.DefaultVersion, testenv.VersionTV1} {
		t.Run(version, func(t *testing.T) {
			cluster := testenv.Run(t, testenv.Config{Version: version})
			c := openAdmin(t, cluster.Bootstrap())
			t.Run("edges", func(t *testing.T) {
				make3(t, c, "edges")
				stableBeforeOpen(t, c, cluster.Bootstrap(), "edges")
			})
			t.Run("commits", func(t *testing.T) {
				make3(t, c, "commits")
				commitsAreReadBack(t, c, joined(t, cluster.Bootstrap(), "billing", "commits"), "commits")
			})
			t.Run("pending offsets", func(t *testing.T) { committedWaits(t, c, cluster.Bootstrap()) })
			t.Run("topic ids", func(t *testing.T) { commitNeedsIDs(t, c, cluster.Bootstrap()) })
			t.Run("made anew", func(t *testing.T) { commitOfARecreatedTopic(t, c, cluster.Bootstrap()) })
			t.Run("ensure", func(t *testing.T) { ensured(t, c) })
			t.Run("capabilities", func(t *testing.T) { requireTold(t, c, version) })
			t.Run("changes", func(t *testing.T) { changesAreSeen(t, c) })
		})
	}
}

// committedWaits holds offsets back by a transaction.
func committedWaits(t *testing.T, c engine.Client, addresses []string) {
	make3(t, c, "held")
	m := joined(t, addresses, "holding", "held")
	_, err := c.Commit(t.Context(), m, "held", map[int32]engine.Committed{0: at(1, "")})
	require.NoError(t, err)
	cl := native(t, addresses, kgo.TransactionalID("holder"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, cl.BeginTransaction())
	produce(t, cl, "held", 0, 1000)
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

	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = c.Committed(short, m.Group, "held", []int32{0})
	require.ErrorIs(t, err, context.DeadlineExceeded, "an offset was told that a transaction will change")
	require.NoError(t, cl.EndTransaction(t.Context(), kgo.TryCommit))
	got, err := c.Committed(t.Context(), m.Group, "held", []int32{0})
	require.NoError(t, err)
	require.EqualValues(t, 2, got[0].Offset.At)
}

// commitNeedsIDs shows the trap that Commit avoids: from version 10 on, a commit with a name alone is refused.
func commitNeedsIDs(t *testing.T, c engine.Client, addresses []string) {
	make3(t, c, "ids")
	m := joined(t, addresses, "identified", "ids")
	cluster, err := c.Cluster(t.Context())
	require.NoError(t, err)
	request := commitRequest(m, "ids", [16]byte{}, map[int32]engine.Committed{0: at(5, "")})
	answer, err := request.RequestWith(t.Context(), native(t, addresses))
	require.NoError(t, err)
	want := engine.Code(0)
	if cluster.APIs[int16(kmsg.OffsetCommit)] >= 10 {
		want = engine.UnknownTopicID
	}
	require.Equal(t, want, engine.Code(answer.Topics[0].Partitions[0].ErrorCode))
	refused, err := c.Commit(t.Context(), m, "ids", map[int32]engine.Committed{0: at(6, "")})
	require.NoError(t, err)
	require.Empty(t, refused)
}

// commitOfARecreatedTopic is refused where offsets are stored by topic id.
func commitOfARecreatedTopic(t *testing.T, c engine.Client, addresses []string) {
	make3(t, c, "anew")
	m := joined(t, addresses, "again", "anew")
	_, err := c.Commit(t.Context(), m, "anew", map[int32]engine.Committed{0: at(5, "")})
	require.NoError(t, err)
	cluster, err := c.Cluster(t.Context())
	require.NoError(t, err)
	drop := kmsg.NewPtrDeleteTopicsRequest()
	name := "anew"
	drop.TopicNames = []string{name}
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	drop.Topics = append(drop.Topics, topic)
	dropped, err := drop.RequestWith(t.Context(), native(t, addresses))
	require.NoError(t, err)
	require.NoError(t, engine.Failed(dropped.Topics[0].ErrorCode, nil))
	if cluster.APIs[int16(kmsg.OffsetCommit)] < 10 {
		return
	}
	require.Eventually(t, func() bool {
		refused, err := c.Commit(t.Context(), m, "anew", map[int32]engine.Committed{0: at(6, "")})
		return errors.Is(errors.Join(err, refused[0]), stream.ErrNotFound) || errors.Is(errors.Join(err, refused[0]), stream.ErrLost)
	}, 10*time.Second, 50*time.Millisecond, "a commit for a topic that is gone was taken")
}

func ensured(t *testing.T, c engine.Client) {
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
func requireTold(t *testing.T, c engine.Client, version string) {
	p := engine.NewProber(c, sinkSettings(nil), c.Abilities())
	of := func(name string, configs map[string]string) stream.Capabilities {
		require.NoError(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: name, Partitions: 2, Configs: configs}))
		got, err := p.Capabilities(t.Context(), name)
		require.NoError(t, err)
		return got
	}
	plain := of("plain", nil)
	require.Equal(t, stream.Native, plain.Transactions.Support)
	second := version == testenv.DefaultVersion
	require.Equal(t, second, contains(plain.Transactions.Reason, "KIP-890"), plain.Transactions.Reason)
	require.Equal(t, stream.None, plain.Durability.Support, "there is one broker")
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

	cl := native(t, c.Native().(*kgo.Client).OptValue(kgo.SeedBrokers).([]string))
	err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "keyed", Value: []byte("no key")}).FirstErr()
	code, _ := engine.CodeOf(mapped(err))
	require.EqualValues(t, 87, code, "a record without key on a compacted topic: %v", err)
}

func contains(text, words string) bool {
	for i := range len(text) - len(words) + 1 {
		if text[i:i+len(words)] == words {
			return true
		}
	}
	return false
}

// changesAreSeen alters a topic while a handle is open.
func changesAreSeen(t *testing.T, c engine.Client) {
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
	alter(t, c, "changing", "max.message.bytes", "50000")
	alter(t, c, "changing", "cleanup.policy", "compact")
	require.Eventually(t, func() bool { n, _ := p.MaxBatchBytes("changing"); return n == 50_000 }, 10*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		after, err := p.Capabilities(t.Context(), "changing")
		require.NoError(t, err)
		diff := stream.Diff(before, after)
		return contains(diff, "lost     NilKeys: native -> none") && contains(diff, "gained   Compaction: none -> native")
	}, 10*time.Second, 20*time.Millisecond)
}

func alter(t *testing.T, c engine.Client, topic, name, value string) {
	t.Helper()
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Op, config.Value = name, kmsg.IncrementalAlterConfigOpSet, &value
	r.Configs = append(r.Configs, config)
	request.Resources = append(request.Resources, r)
	answer, err := request.RequestWith(t.Context(), c.Native().(*kgo.Client))
	require.NoError(t, err)
	require.NoError(t, engine.Failed(answer.Resources[0].ErrorCode, answer.Resources[0].ErrorMessage))
}

func TestDurabilityOnThreeNodes(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{Nodes: 3})
	c := openAdmin(t, cluster.Bootstrap())
	p := engine.NewProber(c, sinkSettings(nil), c.Abilities())
	of := func(name string, replicas int16, configs map[string]string) stream.Flag {
		require.NoError(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: name, Partitions: 2, Replication: replicas, Configs: configs}))
		got, err := p.Capabilities(t.Context(), name)
		require.NoError(t, err)
		return got.Durability
	}
	require.Equal(t, stream.Native, of("safe", 3, nil).Support)
	require.Equal(t, stream.None, of("lone", 1, nil).Support)
	require.Equal(t, stream.None, of("thin", 3, map[string]string{"min.insync.replicas": "1"}).Support)
	unclean := of("unclean", 3, map[string]string{"unclean.leader.election.enable": "true"})
	require.Contains(t, unclean.Reason, "unclean.leader.election.enable")
	known, err := c.Cluster(t.Context())
	require.NoError(t, err)
	require.NoError(t, known.AllBrokers)
	require.Equal(t, 3, known.Brokers)
	require.NoError(t, cluster.Kill(2))
	again := engine.NewProber(c, sinkSettings(nil), c.Abilities())
	got, err := again.Capabilities(t.Context(), "safe")
	require.NoError(t, err, "one broker of three is down")
	require.Equal(t, stream.Native, got.Durability.Support)
	require.Equal(t, stream.Native, got.Transactions.Support)
}

func TestRealBrokersRefuseCredentials(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{Secure: true})
	for name, sasl := range map[string]*engine.SASL{
		"wrong password": {Mechanism: "PLAIN", User: testenv.Alice, Password: "not-hers"},
		"wrong scram":    {Mechanism: "SCRAM-SHA-256", User: testenv.Alice, Password: "not-hers"},
		"expired token": {Mechanism: "OAUTHBEARER", Token: func(context.Context) (engine.Token, error) {
			return engine.Token{Value: testenv.OAuthToken(testenv.Alice, time.Now().Add(-time.Hour))}, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := openAdmin(t, cluster.SASLPlain(), func(s *engine.Settings) { s.SASL = sasl })
			_, err := c.Topics(t.Context())
			require.ErrorIs(t, err, stream.ErrUnauthorized)
			require.NotContains(t, err.Error(), "not-hers")
		})
	}
}
