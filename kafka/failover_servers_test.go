//go:build servers

package kafka_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/stream"
)

// TestLeaderLoss produces while the partition's leader goes: every record is stored once and in order, and none fails.
func TestLeaderLoss(t *testing.T) {
	t.Parallel() // it mostly waits
	b := startBrokers(t, testenv.Config{Nodes: 3})
	t.Run("moved by hand", b.movedByHand)
	t.Run("stopped in order", b.stoppedInOrder)
	t.Run("killed", b.killed)
	t.Run("paused", b.paused)
	t.Run("none left", b.leaderless)
}

func (b *brokers) movedByHand(t *testing.T)    { b.leaderGoes(t, b.moveLeader, b.preferLeader) }
func (b *brokers) stoppedInOrder(t *testing.T) { b.leaderGoes(t, b.onNode(b.Terminate), b.restart) }
func (b *brokers) killed(t *testing.T)         { b.leaderGoes(t, b.onNode(b.Kill), b.restart) }
func (b *brokers) paused(t *testing.T)         { b.leaderGoes(t, b.onNode(b.Pause), b.onNode(b.Resume)) }

// leaderGoes sends and reads on while a partition's leader goes away and comes back. It returns how long records waited.
func (b *brokers) leaderGoes(t *testing.T, away, back func(t *testing.T, topic string, leader int)) (waited time.Duration) {
	t.Helper()
	topic := b.topic(t, 1)
	leader := b.leaderOfAll(t, topic)
	s := b.sendOn(t, topic)
	s.await(t, 100)
	away(t, topic, leader)
	begun := time.Now()
	s.await(t, s.sent()+1)
	waited = time.Since(begun)
	t.Logf("a record that was sent after the leader had gone was stored after %v", waited.Round(time.Millisecond))
	back(t, topic, leader)
	s.await(t, s.sent()+100)
	s.stop(t)
	require.Equal(t, s.values, values(b.log(t, topic, 0)))
	return waited
}

// leaderless: the only replica of a partition is away. The record waits for it, and does not fail.
func (b *brokers) leaderless(t *testing.T) {
	topic := b.topic(t, 1)
	var alone kadm.AlterPartitionAssignmentsReq
	alone.Assign(topic, 0, []int32{2})
	answers, err := b.admin.AlterPartitionAssignments(bounded(t), alone)
	require.NoError(t, err)
	require.NoError(t, answers.Error())
	_, err = b.admin.AlterTopicConfigs(bounded(t), []kadm.AlterConfig{{Name: "min.insync.replicas", Value: kadm.StringPtr("1")}}, topic)
	require.NoError(t, err)
	b.awaitLeader(t, topic, func(p kadm.PartitionDetail) bool { return p.Leader == 2 && len(p.Replicas) == 1 })
	p := producer(t, b.open(t, b.config(nil)), stream.ProducerConfig{Streams: []string{topic}})
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: []byte("before")}))
	require.NoError(t, b.Kill(2))
	answered := make(chan error, 1)
	p.SendAsync(bounded(t), &stream.Record{Stream: topic, Value: []byte("meanwhile")}, func(_ stream.Ack, err error) { answered <- err })
	b.awaitLeader(t, topic, func(p kadm.PartitionDetail) bool { return p.Leader < 0 })
	select {
	case err := <-answered:
		t.Fatalf("answered without a leader: %v", err)
	default:
	}
	require.NoError(t, b.Restart(bounded(t), 2))
	require.NoError(t, within(t, answered))
	require.Equal(t, []string{"before", "meanwhile"}, values(b.log(t, topic, 0)))
}

// leaderOfAll is the node that leads partition 0, once every replica is in sync.
func (b *brokers) leaderOfAll(t *testing.T, topic string) int {
	t.Helper()
	return b.awaitLeader(t, topic, func(p kadm.PartitionDetail) bool { return p.Leader > 0 && len(p.ISR) == 3 })
}

// awaitLeader waits until partition 0 is as wanted, and returns its leader.
func (b *brokers) awaitLeader(t *testing.T, topic string, wanted func(kadm.PartitionDetail) bool) int {
	t.Helper()
	var is kadm.PartitionDetail
	require.Eventually(t, func() bool {
		found, err := b.admin.ListTopics(t.Context(), topic)
		is = found[topic].Partitions[0]
		return err == nil && wanted(is)
	}, 30*time.Second, 20*time.Millisecond)
	return int(is.Leader)
}

// moveLeader makes another replica the preferred one, and has it elected.
func (b *brokers) moveLeader(t *testing.T, topic string, leader int) {
	t.Helper()
	first := int32(leader%3 + 1)
	b.elect(t, topic, []int32{first, int32(leader), 6 - first - int32(leader)})
}

// preferLeader elects the old one again.
func (b *brokers) preferLeader(t *testing.T, topic string, leader int) {
	t.Helper()
	second := int32(leader%3 + 1)
	b.elect(t, topic, []int32{int32(leader), second, 6 - second - int32(leader)})
}

func (b *brokers) elect(t *testing.T, topic string, replicas []int32) {
	t.Helper()
	var order kadm.AlterPartitionAssignmentsReq
	order.Assign(topic, 0, replicas)
	answers, err := b.admin.AlterPartitionAssignments(bounded(t), order)
	require.NoError(t, err)
	require.NoError(t, answers.Error())
	of := make(kadm.TopicsSet)
	of.Add(topic, 0)
	b.awaitLeader(t, topic, func(p kadm.PartitionDetail) bool {
		if p.Leader != replicas[0] {
			_, err = b.admin.ElectLeaders(t.Context(), kadm.ElectPreferredReplica, of)
		}
		return p.Leader == replicas[0]
	})
}

func (b *brokers) onNode(do func(int) error) func(*testing.T, string, int) {
	return func(t *testing.T, _ string, node int) { require.NoError(t, do(node)) }
}

func (b *brokers) restart(t *testing.T, _ string, node int) {
	require.NoError(t, b.Restart(bounded(t), node))
}

// A stretch is records that are sent one after the other until it is stopped.
type stretch struct {
	cancel context.CancelFunc
	done   chan struct{}
	values []string // that were sent; read after done

	mu       sync.Mutex // guards what follows
	accepted int
	stored   int
	failure  error
	moved    chan struct{} // closed and replaced when a record is answered
}

// sendOn sends a record every 2 ms.
func (b *brokers) sendOn(t *testing.T, topic string) *stretch {
	t.Helper()
	p := producer(t, b.open(t, b.config(nil)), stream.ProducerConfig{Streams: []string{topic}})
	ctx, cancel := context.WithCancel(t.Context())
	s := &stretch{cancel: cancel, done: make(chan struct{}), moved: make(chan struct{})}
	go func() {
		defer close(s.done)
		ticks := time.NewTicker(2 * time.Millisecond)
		defer ticks.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			value := fmt.Sprint(i)
			s.values = append(s.values, value)
			s.mu.Lock()
			s.accepted++
			s.mu.Unlock()
			p.SendAsync(t.Context(), &stream.Record{Stream: topic, Key: []byte("k"), Value: []byte(value)}, s.answer)
			<-ticks.C
		}
		s.fail(p.Flush(t.Context()))
	}()
	t.Cleanup(func() { cancel(); <-s.done })
	return s
}

func (s *stretch) answer(_ stream.Ack, err error) {
	s.fail(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored++
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *stretch) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
	}
}

func (s *stretch) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// await waits until n records are stored.
func (s *stretch) await(t *testing.T, n int) {
	t.Helper()
	ctx := bounded(t)
	for {
		s.mu.Lock()
		stored, failure, moved := s.stored, s.failure, s.moved
		s.mu.Unlock()
		require.NoError(t, failure)
		if stored >= n {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			t.Fatalf("%d of %d records are stored", stored, n)
		}
	}
}

// stop ends the sending and waits for every answer.
func (s *stretch) stop(t *testing.T) {
	t.Helper()
	s.cancel()
	<-s.done
	require.NoError(t, s.failure)
	require.Equal(t, s.accepted, s.stored)
}
