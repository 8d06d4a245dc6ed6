//go:build servers

package franz_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
	"github.com/streamport-go/streamport/stream"
)

// TestConsumeOnServers does on real brokers what kfake may do differently: the three ways of sharing a group, and what a
// fetcher meets in a log.
func TestConsumeOnServers(t *testing.T) {
	for _, version := range []string{"4.4.0", "3.9.2"} {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, testenv.Run(t, testenv.Config{Version: version}).Bootstrap())
			for _, assignment := range assignments {
				t.Run(string(assignment), func(t *testing.T) {
					if assignment == engine.Server && version == "3.9.2" {
						b.refusesServer(t)
						return
					}
					b.shares(t, assignment)
					b.restarts(t, assignment)
				})
			}
			t.Run("transactions", b.markers)
			t.Run("out of range", b.outOfRange)
			t.Run("topic made anew", b.anew)
			t.Run("compaction", b.compaction)
		})
	}
}

// A bed is a broker with topics for each test.
type bed struct {
	settings engine.Settings
	admin    *kadm.Client
}

func newBed(t *testing.T, bootstrap []string) *bed {
	t.Helper()
	native, err := kgo.NewClient(kgo.SeedBrokers(bootstrap...), kgo.MetadataMinAge(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(native.Close)
	return &bed{settings: fetchSettings(bootstrap), admin: kadm.NewClient(native)}
}

func (b *bed) topic(t *testing.T, partitions int32, configs map[string]*string) string {
	t.Helper()
	name := fmt.Sprintf("t-%d", time.Now().UnixNano())
	b.create(t, name, partitions, configs)
	return name
}

func (b *bed) create(t *testing.T, name string, partitions int32, configs map[string]*string) {
	t.Helper()
	_, err := b.admin.CreateTopic(t.Context(), partitions, 1, configs, name)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		topics, err := b.admin.ListTopics(t.Context(), name)
		return err == nil && len(topics[name].Partitions) == int(partitions) && topics.Error() == nil
	}, 10*time.Second, 10*time.Millisecond)
}

func (b *bed) join(t *testing.T, topic, name string, options ...memberOption) *held {
	t.Helper()
	settings := b.settings
	settings.Heartbeat = 300 * time.Millisecond
	return joinWith(t, settings, topic, name, append([]memberOption{topics(topic), session(6 * time.Second)}, options...)...)
}

func session(d time.Duration) memberOption {
	return func(s *engine.Settings, _ *engine.MemberConfig) { s.Session = d }
}

func (b *bed) shares(t *testing.T, assignment engine.Assignment) {
	topic := b.topic(t, 6, nil)
	x := b.join(t, topic, "x", assign(assignment))
	x.holds(t, 6)
	y := b.join(t, topic, "y", assign(assignment))
	x.holds(t, 3)
	y.holds(t, 3)
	disjoint(t, x, y)
	is := y.Membership()
	require.Positive(t, is.Generation)
	require.Equal(t, assignment == engine.Server, is.ServerAssigned)
	require.NoError(t, y.Close(t.Context()))
	x.holds(t, 6)

	z := b.join(t, topic, "z", assign(assignment))
	x.holds(t, 3)
	z.holds(t, 3)
	z.Kill()
	if assignment != engine.Server { // whose session timeout is the group's, 45 s
		x.holds(t, 6)
	}
}

func (b *bed) restarts(t *testing.T, assignment engine.Assignment) {
	topic := b.topic(t, 6, nil)
	x := b.join(t, topic, "x", assign(assignment), static)
	x.holds(t, 6)
	y := b.join(t, topic, "y", assign(assignment), static)
	x.holds(t, 3)
	y.holds(t, 3)
	held, told := y.partitions(), x.told("all")
	require.NoError(t, y.Close(t.Context()))
	again := b.join(t, topic, "y", assign(assignment), static)
	again.holds(t, 3)
	require.Equal(t, held, again.partitions())
	require.Equal(t, told, x.told("all"))
}

func (b *bed) refusesServer(t *testing.T) {
	settings := b.settings
	settings.Assignment = engine.Server
	c, err := franz.Driver{}.Open(settings)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.OpenMember(t.Context(), newHeld(), engine.MemberConfig{Group: "g", Member: "a", Topics: []string{"any"}})
	require.ErrorIs(t, err, stream.ErrUnsupported)
}

func (b *bed) producer(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	p, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.settings.Brokers...), kgo.MetadataMinAge(20 * time.Millisecond), kgo.ProducerLinger(0),
	}, options...)...)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func (b *bed) markers(t *testing.T) {
	topic := b.topic(t, 1, nil)
	p := b.producer(t, kgo.TransactionalID(topic))
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		require.NoError(t, p.BeginTransaction())
		for i := range 3 {
			require.NoError(t, p.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr())
		}
		require.NoError(t, p.EndTransaction(t.Context(), end))
	}
	r, f := openReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	f.Add(fromOffset(at, 0), 1)
	r.await(t, at, 12)
	got := r.records(t, at, 3)
	require.Len(t, got, 3)
	require.Equal(t, engine.Position(4, 0), got[0].Position)
	require.EqualValues(t, 12, r.last(at).Stable)
}

func (b *bed) outOfRange(t *testing.T) {
	topic := b.topic(t, 1, nil)
	p := b.producer(t)
	for i := range 20 {
		require.NoError(t, p.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr())
	}
	offsets := make(kadm.Offsets)
	offsets.Add(kadm.Offset{Topic: topic, At: 10})
	_, err := b.admin.DeleteRecords(t.Context(), offsets)
	require.NoError(t, err)
	r, f := openReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	for _, outside := range []int64{5, 21} {
		f.Add(fromOffset(at, outside), 1)
		require.ErrorIs(t, r.broken(t, at), stream.ErrExpired)
	}
	f.Add(map[engine.Partition]engine.Offset{at: {At: 10, Epoch: 0}}, 2)
	require.Equal(t, "10", string(r.records(t, at, 10)[0].Value))
	f.Add(map[engine.Partition]engine.Offset{at: {At: 30, Epoch: 0}}, 3)
	var truncated *engine.Truncated
	require.ErrorAs(t, r.broken(t, at), &truncated)
	require.Equal(t, engine.Offset{At: 20, Epoch: 0}, truncated.End)
}

func (b *bed) anew(t *testing.T) {
	topic := b.topic(t, 1, nil)
	require.NoError(t, b.producer(t).ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("old")}).FirstErr())
	r, f := openReader(t, b.settings)
	at := engine.Partition{Topic: topic}
	f.Add(fromOffset(at, 0), 1)
	r.records(t, at, 1)
	_, err := b.admin.DeleteTopics(t.Context(), topic)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err = b.admin.CreateTopic(ctx, 1, 1, nil, topic); err == nil {
			break
		}
	}
	require.NoError(t, err)
	p := b.producer(t)
	for range 3 {
		require.NoError(t, p.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("new")}).FirstErr())
	}
	require.ErrorIs(t, r.broken(t, at), stream.ErrNotFound)
	require.Len(t, r.records(t, at, 1), 1)
	f.Add(fromOffset(at, 0), 2)
	require.Equal(t, "new", string(r.records(t, at, 4)[1].Value))
}

// compaction waits until the cleaner has left holes, and empty batches of the idempotent producer.
func (b *bed) compaction(t *testing.T) {
	topic := b.topic(t, 1, map[string]*string{
		"cleanup.policy": kadm.StringPtr("compact"), "segment.ms": kadm.StringPtr("300"),
		"max.compaction.lag.ms": kadm.StringPtr("300"), "min.cleanable.dirty.ratio": kadm.StringPtr("0.01"),
	})
	at := engine.Partition{Topic: topic}
	deadline := time.Now().Add(60 * time.Second)
	for n := int64(0); ; n++ {
		require.True(t, time.Now().Before(deadline), "nothing was compacted")
		require.NoError(t, b.producer(t).ProduceSync(t.Context(),
			&kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v")}).FirstErr())
		r, f := openReader(t, b.settings)
		f.Add(fromOffset(at, 0), 1)
		r.await(t, at, n+1)
		f.Close()
		if got := int64(len(r.records(t, at, 1))); n > 5 && got < n-3 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}
