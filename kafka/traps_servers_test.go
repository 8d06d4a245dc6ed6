//go:build servers

package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// traps are what brokers accept and must not get.
func (b *brokers) traps(t *testing.T) {
	tests := map[string]func(*testing.T){
		"late checkpoint, eager":     func(t *testing.T) { b.lateCheckpoint(t, kafka.Eager) },
		"zombie's checkpoint, eager": func(t *testing.T) { b.zombie(t, kafka.Eager, false) },
	}
	if b.library == franzGo {
		maps.Copy(tests, b.trapsOfFranz())
	}
	b.tests(t, tests)
}

// trapsOfFranz are those that only its groups and its transactions can walk into.
func (b *brokers) trapsOfFranz() map[string]func(*testing.T) {
	tests := map[string]func(*testing.T){
		"late checkpoint, cooperative":   func(t *testing.T) { b.lateCheckpoint(t, kafka.Cooperative) },
		"zombie's transaction":           func(t *testing.T) { b.zombie(t, kafka.Cooperative, true) },
		"zombie's checkpoint":            func(t *testing.T) { b.zombie(t, kafka.Cooperative, false) },
		"offsets only, and after leave":  b.offsetsOnly,
		"nobody's offsets are taken too": b.nobodysOffsets,
	}
	if b.Version() != testenv.VersionTV1 {
		tests["late checkpoint, server"] = func(t *testing.T) { b.lateCheckpoint(t, kafka.Server) }
		tests["zombie's transaction, server"] = func(t *testing.T) { b.zombie(t, kafka.Server, true) }
	}
	return tests
}

// lateCheckpoint: a member that gave a partition away checkpoints it. Brokers would take that, since they look at the
// member and its generation only; the position of the new owner would go back.
func (b *brokers) lateCheckpoint(t *testing.T, how kafka.Assignment) {
	topic, way := b.topic(t, 2), b.path(t)
	b.fill(t, topic, 0, 60)
	b.fill(t, topic, 1, 60)
	old := b.join(t, way, how, topic, "old")
	held := map[string]stream.Claim{}
	for range 2 {
		c := granted(t, old)
		held[c.Hold().Partition] = c
	}
	young := b.join(t, nil, how, topic, "young")
	giveBack(t, held)
	moved := granted(t, young)
	at := moved.Hold().Partition
	require.NoError(t, moved.Checkpoint(bounded(t), stream.Checkpoint{Position: after(50)}))

	commits := way.set(tcpfault.Rule{Kind: tcpfault.Delay, Delay: time.Nanosecond, Keys: []int16{tcpfault.OffsetCommit}})
	require.ErrorIs(t, held[at].Checkpoint(bounded(t), stream.Checkpoint{Position: after(55)}), stream.ErrLost)
	require.Zero(t, commits.hits(), "the brokers were asked")
	number := int32(at[0] - '0')
	require.EqualValues(t, 50, b.saved(t, topic, topic, number))

	member, generations := b.membership(t, topic, "old", how)
	if how == kafka.Server {
		before := []int32{generations[0] - 1}
		require.False(t, b.commits(t, topic, member, before, number, 1), "the epoch before, and no longer its partition")
		require.True(t, b.commits(t, topic, member, before, 1-number, 1), "the epoch before, and still its partition (KIP-1251)")
	}
	require.True(t, b.commits(t, topic, member, generations, number, 1), "brokers have begun to refuse it: say so in the facts")
	require.EqualValues(t, 1, b.saved(t, topic, topic, number))
	require.NoError(t, moved.Checkpoint(bounded(t), stream.Checkpoint{Position: after(51)}), "the owner goes on")
	require.EqualValues(t, 51, b.saved(t, topic, topic, number))
}

// join opens a source of the group that has the topic's name.
func (b *brokers) join(t *testing.T, way *path, how kafka.Assignment, topic, member string) stream.Source {
	t.Helper()
	c := b.config(way)
	c.Assignment = how
	s, err := b.open(t, c).OpenSource(bounded(t), stream.SourceConfig{
		Group: topic, Member: member, Streams: []string{topic}, Grace: 5 * time.Second, Expired: stream.ExpiredFail,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return s
}

func granted(t *testing.T, s stream.Source) stream.Claim {
	t.Helper()
	c, err := s.Next(bounded(t))
	require.NoError(t, err)
	return c
}

// giveBack releases whatever of two claims is asked back, the second one too if that follows.
func giveBack(t *testing.T, held map[string]stream.Claim) {
	t.Helper()
	zero, one := held["0"], held["1"]
	select {
	case <-zero.Hold().Asked:
		require.NoError(t, zero.Release(bounded(t), false))
	case <-one.Hold().Asked:
		require.NoError(t, one.Release(bounded(t), false))
	case <-bounded(t).Done():
		t.Fatal("nothing is asked back")
	}
	for _, c := range held { // with eager sharing both are
		select {
		case <-c.Hold().Asked:
			require.NoError(t, c.Release(bounded(t), false))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// after is the position of the record before an offset.
func after(offset uint64) stream.Position { return stream.MakePosition([3]uint64{2: offset}, 0, 0) }

// membership is the id under which the group knows a member, and what its generation may be.
func (b *brokers) membership(t *testing.T, group, member string, how kafka.Assignment) (id string, generations []int32) {
	t.Helper()
	if how == kafka.Server {
		described, err := b.admin.DescribeConsumerGroups(bounded(t), group)
		require.NoError(t, err)
		for _, m := range described[group].Members {
			if strings.HasSuffix(m.ClientID, "-"+member) {
				return m.MemberID, []int32{m.MemberEpoch}
			}
		}
	}
	described, err := b.admin.DescribeGroups(bounded(t), group)
	require.NoError(t, err)
	for _, m := range described[group].Members {
		if strings.HasSuffix(m.ClientID, "-"+member) {
			id = m.MemberID
		}
	}
	require.NotEmpty(t, id)
	for g := range int32(20) { // which one is not told
		generations = append(generations, g)
	}
	return id, generations
}

// commits writes an offset as a member, in one of the generations, by a bare request.
func (b *brokers) commits(t *testing.T, group, member string, generations []int32, partition int32, offset int64) bool {
	t.Helper()
	found, err := b.admin.ListTopics(bounded(t), group)
	require.NoError(t, err)
	for _, generation := range generations {
		request := kmsg.NewPtrOffsetCommitRequest()
		request.Group, request.MemberID, request.Generation = group, member, generation
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic, topic.TopicID = group, found[group].ID
		one := kmsg.NewOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset = partition, offset
		topic.Partitions = append(topic.Partitions, one)
		request.Topics = append(request.Topics, topic)
		answer, err := request.RequestWith(bounded(t), b.native)
		require.NoError(t, err)
		if answer.Topics[0].Partitions[0].ErrorCode == 0 {
			return true
		}
	}
	return false
}

// zombie: a worker is cut off in the middle of its work, another one takes its partition over, and then the first one's
// connections live again, with all that was on its way.
func (b *brokers) zombie(t *testing.T, how kafka.Assignment, transacts bool) {
	topic, out, way := b.topic(t, 1), b.topic(t, 1), b.path(t)
	b.fill(t, topic, 0, 5)
	config := func(way *path) kafka.Config {
		c := b.config(way)
		c.Assignment = how
		return c
	}
	entered, goOn, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	old := b.open(t, config(way))
	var p stream.Producer
	if transacts {
		p = producer(t, old, stream.ProducerConfig{
			Streams: []string{out}, Member: "old", Require: stream.Requirements{Transactions: stream.Native},
		})
	}
	write := func(ctx context.Context, part *stream.Partition, r *stream.Record) error {
		if !transacts {
			close(entered)
			<-goOn
			return part.Checkpoint(ctx, r)
		}
		return p.Transact(ctx, func(tx stream.Tx) error {
			if err := tx.Send(ctx, &stream.Record{Stream: out, Value: []byte("zombie")}); err != nil {
				return err
			}
			close(entered)
			<-goOn
			return tx.Checkpoint(part, r)
		})
	}
	ran := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	c := consumer(t, old, stream.ConsumerConfig{Group: topic, Member: "old", Streams: []string{topic}})
	go func() {
		ran <- c.Run(ctx, func(ctx context.Context, part *stream.Partition) error {
			for r, err := range part.Records(ctx) {
				if err != nil {
					return err
				}
				// The context of a handler ends with the hold; this one does not heed it.
				result <- write(context.WithoutCancel(ctx), part, r)
				return stream.ErrLost
			}
			return ctx.Err()
		})
	}()
	t.Cleanup(func() { cancel(); <-ran })
	within(t, entered)
	cut := way.set(tcpfault.Rule{Kind: tcpfault.BlackHole})

	young := b.join(t, nil, how, topic, "young")
	taken := granted(t, young)
	require.True(t, taken.Hold().Saved.Position.IsZero())
	require.NoError(t, taken.Checkpoint(bounded(t), stream.Checkpoint{Position: after(4)}))
	cancel() // the zombie does not join again
	cut.remove()
	close(goOn)
	require.ErrorIs(t, within(t, result), stream.ErrLost)
	require.EqualValues(t, 4, b.saved(t, topic, topic, 0))
	require.Empty(t, values(b.settled(t, out)))
}

// settled is the log of partition 0 once no transaction is open there.
func (b *brokers) settled(t *testing.T, topic string) []*kgo.Record {
	t.Helper()
	require.Eventually(t, func() bool {
		ends, err := b.admin.ListEndOffsets(t.Context(), topic)
		if err != nil {
			return false
		}
		stable, err := b.admin.ListCommittedOffsets(t.Context(), topic)
		end, _ := ends.Lookup(topic, 0)
		at, _ := stable.Lookup(topic, 0)
		return err == nil && end.Offset == at.Offset
	}, 20*time.Second, 20*time.Millisecond, "a transaction hangs")
	return b.log(t, topic, 0)
}

// offsetsOnly: a transaction without a record is saved, although the client library ends such a one in silence, and one of
// a member that has left is refused, although brokers take it.
func (b *brokers) offsetsOnly(t *testing.T) {
	topic, out := b.topic(t, 1), b.topic(t, 1)
	b.fill(t, topic, 0, 5)
	our := b.open(t, b.config(nil))
	p := producer(t, our, stream.ProducerConfig{Streams: []string{out}, Require: stream.Requirements{Transactions: stream.Native}})
	var left *stream.Partition
	var last stream.Record
	c := consumer(t, our, stream.ConsumerConfig{Group: topic, Streams: []string{topic}, End: stream.Latest()})
	require.NoError(t, c.Run(bounded(t), func(ctx context.Context, part *stream.Partition) error {
		left = part
		for r, err := range part.Records(ctx) {
			if err != nil {
				return err
			}
			last = *r
			if err := p.Transact(ctx, func(tx stream.Tx) error { return tx.Checkpoint(part, r) }); err != nil {
				return err
			}
			major, _, _ := r.Position.Parts()
			if at := b.saved(t, topic, topic, 0); at != int64(major[2]) {
				return fmt.Errorf("saved is %d, not %d", at, major[2])
			}
		}
		return nil
	}))
	require.EqualValues(t, 5, b.saved(t, topic, topic, 0))
	err := p.Transact(bounded(t), func(tx stream.Tx) error {
		if err := tx.Send(bounded(t), &stream.Record{Stream: out, Value: []byte("late")}); err != nil {
			return err
		}
		return tx.Checkpoint(left, &last)
	})
	require.ErrorIs(t, err, stream.ErrLost)
	require.Empty(t, b.settled(t, out))
}

// nobodysOffsets shows the trap: brokers take the offsets of a transaction for a group that is alive from nobody at all.
func (b *brokers) nobodysOffsets(t *testing.T) {
	topic := b.topic(t, 1)
	b.fill(t, topic, 0, 5)
	s := b.join(t, nil, kafka.Cooperative, topic, "m")
	held := granted(t, s)
	require.NoError(t, held.Checkpoint(bounded(t), stream.Checkpoint{Position: after(4)}))
	require.False(t, b.commits(t, topic, "", []int32{-1}, 0, 1), "an offset outside of a transaction")

	cl := b.client(t, kgo.TransactionalID(topic))
	require.NoError(t, cl.BeginTransaction())
	require.NoError(t, cl.ProduceSync(bounded(t), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr())
	id, epoch, err := cl.ProducerID(bounded(t))
	require.NoError(t, err)
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = topic, id, epoch, topic
	added, err := add.RequestWith(bounded(t), cl)
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(added.ErrorCode))
	found, err := b.admin.ListTopics(bounded(t), topic)
	require.NoError(t, err)
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = topic, id, epoch, topic
	commit.Generation = -1
	of := kmsg.NewTxnOffsetCommitRequestTopic()
	of.Topic, of.TopicID = topic, found[topic].ID
	one := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	one.Offset = 1
	of.Partitions = append(of.Partitions, one)
	commit.Topics = append(commit.Topics, of)
	committed, err := commit.RequestWith(bounded(t), cl)
	require.NoError(t, err)
	require.Zero(t, committed.Topics[0].Partitions[0].ErrorCode, "brokers have begun to refuse it: say so in the facts")
	require.NoError(t, cl.EndTransaction(bounded(t), kgo.TryAbort))
	require.EqualValues(t, 4, b.saved(t, topic, topic, 0))
}
