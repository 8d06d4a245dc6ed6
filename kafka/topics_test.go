package kafka_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// A name that begins with ^ is a regular expression. A topic that is made later is read from its beginning, although the
// group began at the end.
func TestTopicsOfAnExpressionArePickedUp(t *testing.T) {
	t.Parallel()
	inEach(t, topicsOfAnExpression)
}

func topicsOfAnExpression(t *testing.T, l library) {
	t.Helper()
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders-a", "other"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	answerEpochs(cluster)
	b := l.opened(t, kafka.Config{Brokers: cluster.ListenAddrs(), MetadataMaxAge: 500 * time.Millisecond})
	p := opened(t, b)
	send(t, p, "orders-a", "before the group")
	seen := newSeen()
	run(t, b, stream.ConsumerConfig{Group: "g", Streams: []string{"^orders-[a-z]$"}, Start: stream.Latest()}, seen)
	seen.await(t, "hold orders-a")
	send(t, p, "other", "of no interest")
	send(t, p, "orders-a", "after")
	seen.await(t, "after")
	require.NoError(t, cluster.CreateTopic("orders-b", 1, nil))
	send(t, p, "orders-b", "first of a new topic")
	seen.await(t, "first of a new topic")
	require.NotContains(t, seen.all(), "before the group")
	require.NotContains(t, seen.all(), "of no interest")
}

// A partition that is added later is read from its beginning as well.
func TestPartitionsArePickedUp(t *testing.T) {
	t.Parallel()
	inEach(t, addedPartitions)
}

func addedPartitions(t *testing.T, l library) {
	t.Helper()
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	answerEpochs(cluster)
	config := kafka.Config{Brokers: cluster.ListenAddrs(), MetadataMaxAge: 500 * time.Millisecond, PlaceByRecord: true}
	b := l.opened(t, config)
	seen := newSeen()
	run(t, b, stream.ConsumerConfig{Group: "g", Streams: []string{"t"}, Start: stream.Latest()}, seen)
	seen.await(t, "hold t")
	require.NoError(t, grow(t.Context(), config, "t", 2))
	p := opened(t, l.opened(t, config))
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: "t", Partition: "1", Value: []byte("first of a new partition")}))
	seen.await(t, "first of a new partition")
}

// seen is what handlers have got, by its text, and "hold" with the topic for each hold.
type seen struct {
	mu   sync.Mutex // guards what follows
	got  []string
	more chan struct{} // closed and replaced when something comes
}

func newSeen() *seen { return &seen{more: make(chan struct{})} }

func (s *seen) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, text)
	close(s.more)
	s.more = make(chan struct{})
}

func (s *seen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// await waits until something was seen.
func (s *seen) await(t *testing.T, text string) {
	t.Helper()
	ctx := bounded(t)
	for {
		s.mu.Lock()
		more := s.more
		for _, got := range s.got {
			if got == text {
				s.mu.Unlock()
				return
			}
		}
		s.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("%q was not seen, but %q", text, s.all())
		}
	}
}

// run lets a member work until the test is over.
func run(t *testing.T, b stream.Backend, c stream.ConsumerConfig, s *seen) {
	t.Helper()
	made, err := stream.NewConsumer(bounded(t), b, c)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- made.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
			began := false
			for batch, err := range p.Batches(ctx, 0, 20*time.Millisecond) {
				if err != nil {
					return err
				}
				if !began {
					s.add("hold " + p.Stream)
					began = true
				}
				for i := range batch {
					s.add(string(batch[i].Value))
				}
				if n := len(batch); n > 0 {
					if err := p.Checkpoint(ctx, &batch[n-1]); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the member ended with %v", err)
		}
	})
}

// opened is a producer that is closed with the test.
func opened(t *testing.T, b stream.Backend) stream.Producer {
	t.Helper()
	p, err := stream.NewProducer(bounded(t), b, stream.ProducerConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close(context.Background()) }) // everything is answered
	return p
}

func send(t *testing.T, p stream.Producer, topic, value string) {
	t.Helper()
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: []byte(value)}))
}
