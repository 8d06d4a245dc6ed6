package franz_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
	"github.com/streamport-go/streamport/stream"
)

var assignments = []engine.Assignment{engine.Cooperative, engine.Eager, engine.Server}

func TestMembersShareAndHandOver(t *testing.T) {
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 12, "orders")
			a := join(t, cluster, "a", assign(assignment))
			a.holds(t, 12)
			b := join(t, cluster, "b", assign(assignment))
			a.holds(t, 6)
			b.holds(t, 6)
			disjoint(t, a, b)
			require.NoError(t, b.Close(t.Context()))
			require.Zero(t, b.count(), "Close revokes what is held")
			require.Negative(t, b.Membership().Generation)
			a.holds(t, 12)
			if assignment != engine.Eager {
				require.Less(t, a.told("revoked"), 7, "partitions that stay are not revoked")
			}
		})
	}
}

func TestMemberTellsWhoItIs(t *testing.T) {
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 2, "orders")
			a := join(t, cluster, "a", assign(assignment), static)
			a.holds(t, 2)
			is := a.Membership()
			require.Equal(t, "group", is.Group)
			require.Equal(t, "a", is.Instance)
			require.Equal(t, assignment == engine.Server, is.ServerAssigned)
			require.NotEmpty(t, is.Member)
			require.Positive(t, is.Generation)
			require.NoError(t, a.Close(t.Context()))
			require.Negative(t, a.Membership().Generation)
		})
	}
}

func TestMemberFetchesNothing(t *testing.T) {
	t.Parallel()
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 12, "orders")
			fetches, starts := observe(cluster, kmsg.Fetch, kmsg.ListOffsets), observe(cluster, kmsg.OffsetFetch)
			beats := observe(cluster, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat)
			for p := range int32(12) {
				produce(t, cluster, "orders", p, 1)
			}
			a := join(t, cluster, "a", assign(assignment))
			a.holds(t, 12)
			before := beats.Hits()
			require.NoError(t, beats.Wait(t.Context(), before+4))
			require.Zero(t, fetches.Hits())
			require.LessOrEqual(t, starts.Hits(), 3, "offsets are asked for once an assignment")
		})
	}
}

func TestKilledMemberSaysNothingAndIsReplaced(t *testing.T) {
	t.Parallel()
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 6, "orders")
			leaves := cluster.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.LeaveGroup, kmsg.ConsumerGroupHeartbeat}, Observe: true, Count: -1,
				When: func(request kmsg.Request) bool {
					beat, ok := request.(*kmsg.ConsumerGroupHeartbeatRequest)
					return !ok || beat.MemberEpoch < 0
				},
			})
			a := join(t, cluster, "a", assign(assignment))
			a.holds(t, 6)
			b := join(t, cluster, "b", assign(assignment))
			a.holds(t, 3)
			b.holds(t, 3)
			began := time.Now()
			b.Kill()
			require.Less(t, time.Since(began), time.Second)
			require.Equal(t, 3, b.count(), "a killed member hears nothing more")
			a.holds(t, 6)
			require.Zero(t, leaves.Hits())
		})
	}
}

func TestStaticMemberComesBackWithoutARebalance(t *testing.T) {
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 6, "orders")
			a := join(t, cluster, "a", assign(assignment), static)
			a.holds(t, 6)
			b := join(t, cluster, "b", assign(assignment), static)
			a.holds(t, 3)
			b.holds(t, 3)
			held, told := b.partitions(), a.told("all")
			require.NoError(t, b.Close(t.Context()))
			again := join(t, cluster, "b", assign(assignment), static)
			again.holds(t, 3)
			require.Equal(t, held, again.partitions())
			require.Equal(t, told, a.told("all"), "the other member hears of a restart")
		})
	}
}

func TestFencedMemberFailsForGood(t *testing.T) {
	cluster := newGroupFake(t, 6, "orders")
	first := join(t, cluster, "same", static)
	first.holds(t, 6)
	second := join(t, cluster, "same", static)
	second.holds(t, 6)
	require.ErrorIs(t, first.failure(t), stream.ErrLost)
	require.Zero(t, first.count(), "what it had is lost")
	require.Negative(t, first.Membership().Generation)
	second.holds(t, 6)
}

func TestMemberThatIsNotAllowedFails(t *testing.T) {
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 6, "orders")
			cluster.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.JoinGroup, kmsg.ConsumerGroupHeartbeat}, Group: "group",
				Err: kerr.GroupAuthorizationFailed, Count: -1,
			})
			a := join(t, cluster, "a", assign(assignment))
			require.ErrorIs(t, a.failure(t), stream.ErrUnauthorized)
		})
	}
}

func TestServerAssignmentIsRefusedWhereBrokersHaveNone(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"), kfake.MaxVersions(kversion.V3_8_0()))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	settings := fetchSettings(cluster.ListenAddrs())
	settings.Assignment = engine.Server
	c, err := franz.Driver{}.Open(settings)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.OpenMember(t.Context(), newHeld(), engine.MemberConfig{Group: "group", Member: "a", Topics: []string{"orders"}})
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.ErrorContains(t, err, "group.version")
}

func TestMemberFindsTopicsAndPartitions(t *testing.T) {
	t.Parallel()
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 2, "orders-1", "other")
			a := join(t, cluster, "a", assign(assignment), topics("^orders-[0-9]+$", "plain.name"))
			a.holds(t, 2)
			require.NoError(t, cluster.CreateTopic("orders-2", 3, nil))
			require.NoError(t, cluster.CreateTopic("plainXname", 1, nil))
			require.NoError(t, cluster.CreateTopic("plain.name", 1, nil))
			a.holds(t, 6)
			for p := range a.partitions() {
				require.NotContains(t, []string{"other", "plainXname"}, p.Topic)
			}
			grow(t, cluster, "orders-1", 4)
			a.holds(t, 8)
		})
	}
}

func TestMemberWaitsForWhoIsAskedToGiveUp(t *testing.T) {
	cluster := newGroupFake(t, 4, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 4)
	release := make(chan struct{})
	a.onRevoked(func() { <-release })
	b := join(t, cluster, "b")
	a.asked(t)
	require.Zero(t, b.count(), "partitions are given away before Revoked returns")
	close(release)
	b.holds(t, 2)
}

func TestCloseIsBoundedByItsContext(t *testing.T) {
	cluster := newGroupFake(t, 4, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 4)
	release := make(chan struct{})
	a.onRevoked(func() { <-release })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, a.Close(ctx), context.DeadlineExceeded)
	close(release)
	require.NoError(t, a.Close(t.Context()), "the rest ends when the Listener lets it")
}

func TestMemberSurvivesAMovingCoordinator(t *testing.T) {
	t.Parallel()
	for _, assignment := range assignments {
		t.Run(string(assignment), func(t *testing.T) {
			cluster := newGroupFake(t, 6, "orders")
			a := join(t, cluster, "a", assign(assignment))
			a.holds(t, 6)
			for range 5 {
				cluster.RehashCoordinators()
				b := join(t, cluster, "b", assign(assignment))
				b.holds(t, 3)
				require.NoError(t, b.Close(t.Context()))
				a.holds(t, 6)
			}
		})
	}
}

// A held is a member with a Listener that knows what it holds.
type held struct {
	engine.Member
	mu      sync.Mutex
	changed chan struct{}
	has     map[engine.Partition]struct{}
	calls   map[string]int
	err     error
	revoked func()
	misuse  string
}

func newHeld() *held {
	return &held{changed: make(chan struct{}), has: make(map[engine.Partition]struct{}), calls: make(map[string]int)}
}

type memberOption func(*engine.Settings, *engine.MemberConfig)

func assign(a engine.Assignment) memberOption {
	return func(s *engine.Settings, _ *engine.MemberConfig) { s.Assignment = a }
}

func static(s *engine.Settings, _ *engine.MemberConfig) { s.StaticMembers = true }

func topics(names ...string) memberOption {
	return func(_ *engine.Settings, c *engine.MemberConfig) { c.Topics = names }
}

func join(t *testing.T, cluster *kfake.Cluster, name string, options ...memberOption) *held {
	t.Helper()
	return joinWith(t, fetchSettings(cluster.ListenAddrs()), "group", name, options...)
}

func joinWith(t *testing.T, settings engine.Settings, group, name string, options ...memberOption) *held {
	t.Helper()
	config := engine.MemberConfig{Group: group, Member: name, Topics: []string{"orders"}}
	settings.Session = time.Second
	for _, option := range options {
		option(&settings, &config)
	}
	c, err := franz.Driver{}.Open(settings)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	h := newHeld()
	h.Member, err = c.OpenMember(t.Context(), h, config)
	require.NoError(t, err)
	t.Cleanup(func() {
		h.Kill()
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Empty(t, h.misuse)
	})
	return h
}

func (h *held) Assigned(ps []engine.Partition) {
	h.call("assigned", len(ps), func() {
		for _, p := range ps {
			if _, has := h.has[p]; has {
				h.misuse = fmt.Sprintf("%v was assigned twice", p)
			}
			h.has[p] = struct{}{}
		}
	})
}

func (h *held) Revoked(ps []engine.Partition) {
	h.mu.Lock()
	hook := h.revoked
	h.calls["asked"]++
	h.signal()
	h.mu.Unlock()
	if hook != nil {
		hook()
	}
	h.call("revoked", len(ps), func() { h.drop(ps) })
}

func (h *held) Lost(ps []engine.Partition) { h.call("lost", len(ps), func() { h.drop(ps) }) }

func (h *held) Failed(err error) { h.call("failed", 1, func() { h.err = err }) }

func (h *held) call(name string, n int, do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[name] += n
	h.calls["all"]++
	do()
	h.signal()
}

func (h *held) drop(ps []engine.Partition) {
	for _, p := range ps {
		if _, has := h.has[p]; !has {
			h.misuse = fmt.Sprintf("%v was taken back twice", p)
		}
		delete(h.has, p)
	}
}

func (h *held) signal() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *held) until(t *testing.T, what string, enough func() bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		h.mu.Lock()
		done, changed := enough(), h.changed
		h.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			h.mu.Lock()
			defer h.mu.Unlock()
			t.Fatalf("%s did not happen: has %v, calls %v, failed %v", what, h.has, h.calls, h.err)
		}
	}
}

func (h *held) holds(t *testing.T, n int) {
	t.Helper()
	h.until(t, fmt.Sprintf("holding %d", n), func() bool { return len(h.has) == n })
}

func (h *held) asked(t *testing.T) {
	t.Helper()
	h.until(t, "being asked", func() bool { return h.calls["asked"] > 0 })
}

func (h *held) failure(t *testing.T) error {
	t.Helper()
	h.until(t, "failing", func() bool { return h.err != nil })
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *held) onRevoked(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.revoked = do
}

func (h *held) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.has)
}

func (h *held) told(call string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[call]
}

func (h *held) partitions() map[engine.Partition]struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	ps := make(map[engine.Partition]struct{})
	for p := range h.has {
		ps[p] = struct{}{}
	}
	return ps
}

func disjoint(t *testing.T, a, b *held) {
	t.Helper()
	of := b.partitions()
	for p := range a.partitions() {
		require.NotContains(t, of, p)
	}
}

// newGroupFake has short times for groups whose coordinator decides them.
func newGroupFake(t *testing.T, partitions int32, topics ...string) *kfake.Cluster {
	t.Helper()
	return newFake(t,
		kfake.SeedTopics(partitions, topics...),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{
			"group.consumer.session.timeout.ms": "1000", "group.consumer.heartbeat.interval.ms": "100",
			"group.consumer.min.session.timeout.ms": "1000", "group.initial.rebalance.delay.ms": "0",
		}))
}

func grow(t *testing.T, cluster *kfake.Cluster, topic string, to int32) {
	t.Helper()
	request := kmsg.NewPtrCreatePartitionsRequest()
	more := kmsg.NewCreatePartitionsRequestTopic()
	more.Topic, more.Count = topic, to
	request.Topics = append(request.Topics, more)
	_, err := request.RequestWith(t.Context(), newProducer(t, cluster))
	require.NoError(t, err)
}
