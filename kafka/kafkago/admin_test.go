package kafkago

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
	"github.com/streamport-go/streamport/stream"
)

func TestTopicIsDescribed(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(3, "orders"), kfake.AllowAutoTopicCreation())
	c := openAdmin(t, fake.ListenAddrs())
	got, err := c.Topic(t.Context(), "orders")
	require.NoError(t, err)
	require.NoError(t, got.ConfigsErr)
	require.NotZero(t, got.ID)
	require.Len(t, got.Partitions, 3)
	require.Equal(t, int32(2), got.Partitions[2].Number)
	require.NotEmpty(t, got.Partitions[0].Replicas)
	require.NotEmpty(t, got.Configs["max.message.bytes"])
	_, err = c.Topic(t.Context(), "nowhere")
	require.ErrorIs(t, err, stream.ErrNotFound)
	names, err := c.Topics(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"orders"}, names, "asking for a topic made it")
}

func TestTopicIsMadeOnce(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(3))
	c := openAdmin(t, fake.ListenAddrs())
	asked := engine.NewTopic{Name: "orders", Partitions: 4, Configs: map[string]string{"retention.ms": "5000"}}
	require.NoError(t, c.CreateTopic(t.Context(), asked))
	require.ErrorIs(t, c.CreateTopic(t.Context(), asked), engine.ErrExists)
	got, err := c.Topic(t.Context(), "orders")
	require.NoError(t, err)
	require.Len(t, got.Partitions, 4)
	require.Equal(t, "5000", got.Configs["retention.ms"])
}

func TestCreateWaitsForEveryBroker(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(3))
	c := openAdmin(t, fake.ListenAddrs())
	var behind atomic.Int32
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		request := r.(*kmsg.MetadataRequest)
		if fake.CurrentNode() != 2 || len(request.Topics) == 0 || behind.Add(1) > 5 {
			return nil, nil, false
		}
		answer := request.ResponseKind().(*kmsg.MetadataResponse)
		unknown := kmsg.NewMetadataResponseTopic()
		unknown.Topic, unknown.ErrorCode = request.Topics[0].Topic, int16(engine.UnknownTopic)
		answer.Topics = append(answer.Topics, unknown)
		return answer, nil, true
	})
	require.NoError(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: "orders", Partitions: 2}))
	require.Greater(t, behind.Load(), int32(5), "it returned while a broker did not know the topic")
}

func TestOffsetsOfEdges(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(2, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	cl := native(t, fake.ListenAddrs(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(t, cl, "orders", 0, 1000, 2000, 3000)
	for _, e := range []struct {
		edge          engine.Edge
		first, second int64
	}{
		{engine.Edge{Kind: engine.EdgeOldest}, 0, 0},
		{engine.Edge{Kind: engine.EdgeEnd}, 3, 0},
		{engine.Edge{Kind: engine.EdgeStable}, 3, 0},
		{engine.Edge{Kind: engine.EdgeSince, Time: time.UnixMilli(2000)}, 1, -1},
		{engine.Edge{Kind: engine.EdgeSince, Time: time.UnixMilli(2000).Add(time.Nanosecond)}, 2, -1},
		{engine.Edge{Kind: engine.EdgeSince, Time: time.UnixMilli(3001)}, -1, -1},
		{engine.Edge{Kind: engine.EdgeSince, Time: time.Unix(-5, 0)}, 0, -1},
	} {
		got, err := c.Offsets(t.Context(), "orders", []int32{0, 1}, e.edge)
		require.NoError(t, err)
		require.NoError(t, errors.Join(got[0].Err, got[1].Err))
		require.Equal(t, []int64{e.first, e.second}, []int64{got[0].Offset.At, got[1].Offset.At}, "%+v", e.edge)
	}
	got, err := c.Offsets(t.Context(), "orders", []int32{0}, engine.Edge{Kind: engine.EdgeSince, Time: time.UnixMilli(1500)})
	require.NoError(t, err)
	require.Equal(t, time.UnixMilli(2000).UTC(), got[0].Time)
	require.GreaterOrEqual(t, got[0].Offset.Epoch, int32(0))
	got, err = c.Offsets(t.Context(), "orders", []int32{0, 9}, engine.Edge{Kind: engine.EdgeEnd})
	require.NoError(t, err)
	require.NoError(t, got[0].Err)
	require.ErrorIs(t, got[9].Err, stream.ErrNotFound)
	_, err = c.Offsets(t.Context(), "orders", []int32{0}, engine.Edge{Kind: "middle"})
	require.ErrorIs(t, err, stream.ErrInvalid)
}

func TestOffsetsWaitForALeaderThatMoves(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(2, "orders"))
	fake.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "orders", Partitions: []int32{1}, Err: kerr.OffsetNotAvailable, Count: 3,
	})
	c := openAdmin(t, fake.ListenAddrs())
	got, err := c.Offsets(t.Context(), "orders", []int32{0, 1}, engine.Edge{Kind: engine.EdgeEnd})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.NoError(t, got[0].Err)
	require.NoError(t, got[1].Err)
}

func TestOffsetsOfALeaderThatMoved(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(1, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	for range 2 {
		for node := range int32(3) {
			require.NoError(t, fake.MoveTopicPartition("orders", 0, node))
			got, err := c.Offsets(t.Context(), "orders", []int32{0}, engine.Edge{Kind: engine.EdgeEnd})
			require.NoError(t, err)
			require.NoError(t, got[0].Err)
		}
	}
}

func TestStableEdgeStandsBeforeAnOpenTransaction(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	stableBeforeOpen(t, c, fake.ListenAddrs(), "orders")
}

// stableBeforeOpen is run on the fake and on real brokers.
func stableBeforeOpen(t *testing.T, c *client, addresses []string, topic string) {
	cl := native(t, addresses, kgo.TransactionalID("tx-"+topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	plain := native(t, addresses, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(t, plain, topic, 0, 1000, 2000)
	require.NoError(t, cl.BeginTransaction())
	produce(t, cl, topic, 0, 3000)
	produce(t, plain, topic, 0, 4000)
	edge := func(e engine.Edge) int64 {
		got, err := c.Offsets(t.Context(), topic, []int32{0}, e)
		require.NoError(t, err)
		require.NoError(t, got[0].Err)
		return got[0].Offset.At
	}
	require.EqualValues(t, 2, edge(engine.Edge{Kind: engine.EdgeStable}))
	require.EqualValues(t, 4, edge(engine.Edge{Kind: engine.EdgeEnd}))
	require.EqualValues(t, 2, edge(engine.Edge{Kind: engine.EdgeSince, Time: time.UnixMilli(2500)}),
		"a record of an open transaction would never be read")
	require.NoError(t, cl.EndTransaction(t.Context(), kgo.TryCommit))
	require.Eventually(t, func() bool { return edge(engine.Edge{Kind: engine.EdgeStable}) == 5 }, 10*time.Second, 10*time.Millisecond)
}

func TestCommitIsReadBack(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(3, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	commitsAreReadBack(t, c, joined(t, fake.ListenAddrs(), "billing", "orders"), "orders")
}

// commitsAreReadBack is run on the fake and on real brokers.
func commitsAreReadBack(t *testing.T, c *client, m engine.Membership, topic string) {
	before, err := c.Committed(t.Context(), m.Group, topic, []int32{0, 1, 2})
	require.NoError(t, err)
	require.Empty(t, before)
	refused, err := c.Commit(t.Context(), m, topic, map[int32]engine.Committed{0: at(0, "state"), 2: at(7, "")})
	require.NoError(t, err)
	require.Empty(t, refused)
	got, err := c.Committed(t.Context(), m.Group, topic, []int32{0, 1, 2})
	require.NoError(t, err)
	require.Equal(t, map[int32]engine.Committed{0: at(0, "state"), 2: at(7, "")}, got)

	late := m
	late.Generation--
	if late.Generation < 0 {
		late.Generation = m.Generation + 5
	}
	refused, err = c.Commit(t.Context(), late, topic, map[int32]engine.Committed{0: at(1, "")})
	require.ErrorIs(t, errors.Join(err, refused[0]), stream.ErrLost)
	for _, outside := range []engine.Membership{
		{Group: m.Group, Generation: -1}, {Group: m.Group, Member: m.Member, Generation: -1}, {Group: m.Group, Generation: 1},
	} {
		_, err = c.Commit(t.Context(), outside, topic, map[int32]engine.Committed{0: at(1, "")})
		require.ErrorIs(t, err, stream.ErrLost)
	}
	got, err = c.Committed(t.Context(), m.Group, topic, []int32{0})
	require.NoError(t, err)
	require.Equal(t, map[int32]engine.Committed{0: at(0, "state")}, got, "a refused commit has moved the offset")
	refused, err = c.Commit(t.Context(), m, "nowhere", map[int32]engine.Committed{0: at(1, "")})
	require.ErrorIs(t, errors.Join(err, refused[0]), stream.ErrNotFound)
}

func TestAGroupThatIsNotThereHasCommittedNothing(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	got, err := openAdmin(t, fake.ListenAddrs()).Committed(t.Context(), "nobody", "orders", []int32{0})
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestCommitToATopicThatWasNotThereBefore(t *testing.T) {
	fake := fakeCluster(t)
	c := openAdmin(t, fake.ListenAddrs())
	_, err := c.Offsets(t.Context(), "orders", []int32{0}, engine.Edge{Kind: engine.EdgeEnd})
	require.NoError(t, err)
	require.NoError(t, engine.Ensure(t.Context(), c, stream.StreamConfig{Name: "orders", Partitions: 1}))
	refused, err := c.Commit(t.Context(), joined(t, fake.ListenAddrs(), "billing", "orders"), "orders",
		map[int32]engine.Committed{0: at(1, "")})
	require.NoError(t, err)
	require.Empty(t, refused)
}

func TestCommitOutsideTheGroupIsNotSent(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	sent := watch(fake, kmsg.OffsetCommit, nil)
	_, err := c.Commit(t.Context(), engine.Membership{Group: "billing", Generation: -1}, "orders", map[int32]engine.Committed{0: at(1, "")})
	require.ErrorIs(t, err, stream.ErrLost)
	require.Zero(t, sent.Load(), "brokers accept such a commit")
}

func TestCommitFollowsItsCoordinator(t *testing.T) {
	for name, answer := range map[string]func(int32, kmsg.Request) (kmsg.Response, error, bool){
		"moved": func(n int32, r kmsg.Request) (kmsg.Response, error, bool) {
			if n > 3 {
				return nil, nil, false
			}
			return commitAnswer(r.(*kmsg.OffsetCommitRequest), []engine.Code{14, 15, 16}[n-1]), nil, true
		},
		"cut off": func(n int32, _ kmsg.Request) (kmsg.Response, error, bool) {
			return nil, errors.New("cut"), n <= 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
			c := openAdmin(t, fake.ListenAddrs())
			m := joined(t, fake.ListenAddrs(), "billing", "orders")
			sent := watch(fake, kmsg.OffsetCommit, answer)
			refused, err := c.Commit(t.Context(), m, "orders", map[int32]engine.Committed{0: at(3, "")})
			require.NoError(t, err)
			require.Empty(t, refused)
			require.GreaterOrEqual(t, sent.Load(), int32(3))
			got, err := c.Committed(t.Context(), "billing", "orders", []int32{0})
			require.NoError(t, err)
			require.Equal(t, at(3, ""), got[0])
		})
	}
}

func TestOffsetsAreStoredWhereverTheCoordinatorGoes(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(1, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	m := joined(t, fake.ListenAddrs(), "billing", "orders")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var seen []string
	for n := int64(1); len(seen) < 2; n++ {
		_, err := c.Commit(ctx, m, "orders", map[int32]engine.Committed{0: at(n, "")})
		require.NoError(t, err)
		fake.RehashCoordinators()
		got, err := c.Committed(ctx, "billing", "orders", []int32{0})
		require.NoError(t, err)
		require.Equal(t, at(n, ""), got[0])
		address, known := c.coordinators.of("billing")
		require.True(t, known, "it is looked for again and again")
		if !slices.Contains(seen, address) {
			seen = append(seen, address)
		}
		fake.RehashCoordinators()
	}
}

// commitAnswer refuses every partition of a request.
func commitAnswer(r *kmsg.OffsetCommitRequest, code engine.Code) kmsg.Response {
	answer := r.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, asked := range r.Topics {
		t := kmsg.NewOffsetCommitResponseTopic()
		t.Topic, t.TopicID = asked.Topic, asked.TopicID
		for _, p := range asked.Partitions {
			refused := kmsg.NewOffsetCommitResponseTopicPartition()
			refused.Partition, refused.ErrorCode = p.Partition, int16(code)
			t.Partitions = append(t.Partitions, refused)
		}
		answer.Topics = append(answer.Topics, t)
	}
	return answer
}

func TestCommitWithoutAnAnswerIsUnknown(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	m := joined(t, fake.ListenAddrs(), "billing", "orders")
	watch(fake, kmsg.OffsetCommit, func(int32, kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true })
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	_, err := c.Commit(ctx, m, "orders", map[int32]engine.Committed{0: at(3, "")})
	require.ErrorIs(t, err, stream.ErrUnknownOutcome)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Commit(ended, m, "orders", map[int32]engine.Committed{0: at(3, "")})
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, stream.ErrUnknownOutcome, "nothing was sent")
}

func TestCommitRefusedAfterATryWithoutAnAnswerIsUnknown(t *testing.T) {
	for name, first := range map[string]func(*kmsg.OffsetCommitRequest) (kmsg.Response, error){
		"cut off": func(*kmsg.OffsetCommitRequest) (kmsg.Response, error) { return nil, errors.New("cut") },
		"moved":   func(r *kmsg.OffsetCommitRequest) (kmsg.Response, error) { return commitAnswer(r, 16), nil },
	} {
		t.Run(name, func(t *testing.T) {
			fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
			c := openAdmin(t, fake.ListenAddrs())
			m := joined(t, fake.ListenAddrs(), "billing", "orders")
			watch(fake, kmsg.OffsetCommit, func(n int32, r kmsg.Request) (kmsg.Response, error, bool) {
				if n == 1 {
					answer, err := first(r.(*kmsg.OffsetCommitRequest))
					return answer, err, true
				}
				return commitAnswer(r.(*kmsg.OffsetCommitRequest), 22), nil, true
			})
			refused, err := c.Commit(t.Context(), m, "orders", map[int32]engine.Committed{0: at(3, "")})
			require.NoError(t, err)
			require.ErrorIs(t, refused[0], stream.ErrLost)
			require.Equal(t, name == "cut off", errors.Is(refused[0], stream.ErrUnknownOutcome))
		})
	}
}

func TestCommittedFollowsTheCoordinator(t *testing.T) {
	for name, answer := range map[string]func(int32, kmsg.Request) (kmsg.Response, error, bool){
		"group moved": func(n int32, r kmsg.Request) (kmsg.Response, error, bool) {
			if n > 3 {
				return nil, nil, false
			}
			told := r.ResponseKind().(*kmsg.OffsetFetchResponse)
			told.ErrorCode = []int16{14, 15, 16}[n-1]
			return told, nil, true
		},
		"partition moved": func(n int32, r kmsg.Request) (kmsg.Response, error, bool) {
			told := r.ResponseKind().(*kmsg.OffsetFetchResponse)
			topic := kmsg.NewOffsetFetchResponseTopic()
			topic.Topic = "orders"
			for number := range int32(2) {
				p := kmsg.NewOffsetFetchResponseTopicPartition()
				p.Partition, p.Offset, p.ErrorCode = number, -1, int16(engine.NotCoordinator)*int16(number)
				topic.Partitions = append(topic.Partitions, p)
			}
			told.Topics = append(told.Topics, topic)
			return told, nil, n <= 2
		},
		"cut off": func(n int32, _ kmsg.Request) (kmsg.Response, error, bool) {
			return nil, errors.New("cut"), n <= 3
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := fakeCluster(t, kfake.SeedTopics(2, "orders"))
			c := openAdmin(t, fake.ListenAddrs())
			m := joined(t, fake.ListenAddrs(), "billing", "orders")
			_, err := c.Commit(t.Context(), m, "orders", map[int32]engine.Committed{0: at(3, ""), 1: at(4, "state")})
			require.NoError(t, err)
			asked := watch(fake, kmsg.OffsetFetch, answer)
			got, err := c.Committed(t.Context(), "billing", "orders", []int32{0, 1})
			require.NoError(t, err)
			require.Equal(t, map[int32]engine.Committed{0: at(3, ""), 1: at(4, "state")}, got)
			require.GreaterOrEqual(t, asked.Load(), int32(3))
		})
	}
}

func TestCommittedEndsWithItsContext(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	watch(fake, kmsg.OffsetFetch, func(_ int32, r kmsg.Request) (kmsg.Response, error, bool) {
		told := r.ResponseKind().(*kmsg.OffsetFetchResponse)
		told.ErrorCode = int16(engine.NotCoordinator)
		return told, nil, true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := c.Committed(ctx, "billing", "orders", []int32{0})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "coordinator of the group is moving")
}

func TestCommittedOfNoPartitionAsksNothing(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	asked := watch(fake, kmsg.OffsetFetch, nil)
	got, err := openAdmin(t, fake.ListenAddrs()).Committed(t.Context(), "billing", "orders", nil)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Zero(t, asked.Load())
}

func TestAPartitionThatIsLeftOutIsNotNothing(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(2, "orders"))
	c := openAdmin(t, fake.ListenAddrs())
	watch(fake, kmsg.OffsetFetch, func(_ int32, r kmsg.Request) (kmsg.Response, error, bool) {
		return r.ResponseKind(), nil, true
	})
	_, err := c.Committed(t.Context(), "billing", "orders", []int32{0, 1})
	require.ErrorContains(t, err, "leaves something out: partition 0")
	watch(fake, kmsg.ListOffsets, func(_ int32, r kmsg.Request) (kmsg.Response, error, bool) {
		return r.ResponseKind(), nil, true
	})
	edges, err := c.Offsets(t.Context(), "orders", []int32{1}, engine.Edge{Kind: engine.EdgeEnd})
	require.NoError(t, err)
	require.ErrorContains(t, edges[1].Err, "leaves partition 1 out")
	m := joined(t, fake.ListenAddrs(), "billing", "orders")
	watch(fake, kmsg.OffsetCommit, func(_ int32, r kmsg.Request) (kmsg.Response, error, bool) {
		return r.ResponseKind(), nil, true
	})
	refused, err := c.Commit(t.Context(), m, "orders", map[int32]engine.Committed{1: at(1, "")})
	require.NoError(t, err)
	require.ErrorIs(t, refused[1], stream.ErrUnknownOutcome)
}

func TestATopicIsMadeByTheControllerOfThen(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(2))
	c := openAdmin(t, fake.ListenAddrs())
	asked := watch(fake, kmsg.CreateTopics, func(n int32, r kmsg.Request) (kmsg.Response, error, bool) {
		told := r.ResponseKind().(*kmsg.CreateTopicsResponse)
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode = "orders", int16(engine.NotController)
		told.Topics = append(told.Topics, topic)
		return told, nil, n <= 2
	})
	require.NoError(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: "orders", Partitions: 1}))
	require.EqualValues(t, 3, asked.Load())
}

func TestATopicWhoseMakingWasNotAnswered(t *testing.T) {
	fake := fakeCluster(t)
	c := openAdmin(t, fake.ListenAddrs())
	watch(fake, kmsg.CreateTopics, func(n int32, _ kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("cut"), n == 1
	})
	require.NoError(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: "orders", Partitions: 1}))
	watch(fake, kmsg.CreateTopics, func(int32, kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := c.CreateTopic(ctx, engine.NewTopic{Name: "payments", Partitions: 1})
	require.ErrorIs(t, err, stream.ErrUnknownOutcome)
}

// Kafka 2.3 knows neither topic ids nor features.
func TestOldBrokersAreAskedAsTheyCan(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(3, "orders"), kfake.MaxVersions(kversion.V2_3_0()))
	c := openAdmin(t, fake.ListenAddrs())
	cluster, err := c.Cluster(t.Context())
	require.NoError(t, err)
	require.NoError(t, cluster.AllBrokers)
	require.Empty(t, cluster.Features)
	require.NotEmpty(t, cluster.Version)
	got, err := c.Topic(t.Context(), "orders")
	require.NoError(t, err)
	require.Zero(t, got.ID)
	require.Len(t, got.Partitions, 3)
	commitsAreReadBack(t, c, joined(t, fake.ListenAddrs(), "billing", "orders"), "orders")
}

func TestTheEnginesAreToldTheSame(t *testing.T) {
	for name, versions := range map[string]*kversion.Versions{
		"now": kversion.Stable(), "3.9": kversion.V3_9_0(), "2.8": kversion.V2_8_0(), "2.3": kversion.V2_3_0(),
	} {
		t.Run(name, func(t *testing.T) {
			toldTheSame(t, fakeCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(3, "orders"), kfake.MaxVersions(versions)))
		})
	}
}

func toldTheSame(t *testing.T, fake *kfake.Cluster) {
	t.Helper()
	c := openAdmin(t, fake.ListenAddrs())
	other, err := franz.Driver{}.Open(sinkSettings(fake.ListenAddrs()))
	require.NoError(t, err)
	t.Cleanup(other.Close)
	mine, err := c.Cluster(t.Context())
	require.NoError(t, err)
	its, err := other.Cluster(t.Context())
	require.NoError(t, err)
	require.Equal(t, its, mine)
	named, err := c.Topic(t.Context(), "orders")
	require.NoError(t, err)
	same, err := other.Topic(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, same, named)
}

func TestClusterTakesTheLowestOfAllBrokers(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(3))
	c := openAdmin(t, fake.ListenAddrs())
	all, err := c.Cluster(t.Context())
	require.NoError(t, err)
	require.NoError(t, errors.Join(all.AllBrokers, all.ConfigsErr))
	require.Equal(t, 3, all.Brokers)
	require.NotEmpty(t, all.Version)
	require.NotEmpty(t, all.Configs)
	require.Contains(t, all.APIs, int16(28))
	fake.ControlKey(int16(kmsg.ApiVersions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if fake.CurrentNode() != 1 {
			return nil, nil, false
		}
		answer := r.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key := range all.APIs {
			if key != 28 {
				known := kmsg.NewApiVersionsResponseApiKey()
				known.ApiKey, known.MaxVersion = key, all.APIs[key]
				answer.ApiKeys = append(answer.ApiKeys, known)
			}
		}
		return answer, nil, true
	})
	mixed, err := c.Cluster(t.Context())
	require.NoError(t, err)
	require.NotContains(t, mixed.APIs, int16(28), "one broker does not know it")
	require.Empty(t, mixed.Features, "one broker has finalised nothing")
}

func TestABrokerThatDoesNotAnswerIsSaid(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(3))
	c := openAdmin(t, fake.ListenAddrs())
	_, err := c.Cluster(t.Context())
	require.NoError(t, err)
	fake.ControlKey(int16(kmsg.ApiVersions), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		return nil, errors.New("cut"), fake.CurrentNode() == 1
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, err := c.Cluster(ctx)
	require.NoError(t, err)
	require.ErrorContains(t, got.AllBrokers, "broker 1")
	require.Contains(t, got.APIs, int16(28))
}

func TestNoBrokerIsABoundedError(t *testing.T) {
	c := openAdmin(t, []string{"127.0.0.1:1"})
	_, err := c.Topic(t.Context(), "orders")
	require.ErrorContains(t, err, "no broker can be reached")
}

func TestOperationsAreNamed(t *testing.T) {
	require.Nil(t, operations(-2147483648))
	names := operations(1<<3 | 1<<4 | 1<<8)
	slices.Sort(names)
	require.Equal(t, []string{"DESCRIBE", "READ", "WRITE"}, names)
	require.NotNil(t, operations(0), "no right is not the same as not told")
}

func TestWhatOneBrokerLacksNoneHas(t *testing.T) {
	newer, older := map[string]int16{"transaction.version": 2, "group.version": 1}, map[string]int16{"transaction.version": 1}
	want := map[string]int16{"transaction.version": 1}
	require.Equal(t, want, lowest([]map[string]int16{maps.Clone(newer), maps.Clone(older)}))
	require.Equal(t, want, lowest([]map[string]int16{maps.Clone(older), maps.Clone(newer)}))
}
