package kafkago

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

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

func session(d time.Duration) memberOption {
	return func(s *engine.Settings, _ *engine.MemberConfig) { s.Session = d }
}

func topics(names ...string) memberOption {
	return func(_ *engine.Settings, c *engine.MemberConfig) { c.Topics = names }
}

func join(t *testing.T, cluster *kfake.Cluster, name string, options ...memberOption) *held {
	t.Helper()
	return joinWith(t, memberSettings(cluster.ListenAddrs()), "group", name, options...)
}

func joinWith(t *testing.T, settings engine.Settings, group, name string, options ...memberOption) *held {
	t.Helper()
	config := engine.MemberConfig{Group: group, Member: name, Topics: []string{"orders"}}
	settings.Session = time.Second
	for _, option := range options {
		option(&settings, &config)
	}
	c, err := driver{}.Open(settings)
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
	return startGroupFake(t, kfake.SeedTopics(partitions, topics...))
}

func startGroupFake(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(2), kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return cluster
}

// outsider is a client that is none of ours.
func outsider(t *testing.T, brokers []string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.MetadataMinAge(10 * time.Millisecond), kgo.DisableClientMetrics(),
	}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func memberSettings(brokers []string) engine.Settings {
	return engine.Settings{
		Brokers: brokers, ClientID: "test", Assignment: engine.Eager,
		Session: 6 * time.Second, Heartbeat: 100 * time.Millisecond, Rebalance: 10 * time.Second,
		RequestOverhead: 3 * time.Second, MetadataMinAge: 20 * time.Millisecond, MetadataMaxAge: 300 * time.Millisecond,
		ReadBytes: 100 << 20, Logger: slog.New(slog.DiscardHandler),
	}
}

func remove(t *testing.T, cluster *kfake.Cluster, topic string) {
	t.Helper()
	request := kmsg.NewPtrDeleteTopicsRequest()
	doomed := kmsg.NewDeleteTopicsRequestTopic()
	doomed.Topic = &topic
	request.TopicNames, request.Topics = []string{topic}, append(request.Topics, doomed)
	_, err := request.RequestWith(t.Context(), outsider(t, cluster.ListenAddrs()))
	require.NoError(t, err)
}

func grow(t *testing.T, cluster *kfake.Cluster, topic string, to int32) {
	t.Helper()
	request := kmsg.NewPtrCreatePartitionsRequest()
	more := kmsg.NewCreatePartitionsRequestTopic()
	more.Topic, more.Count = topic, to
	request.Topics = append(request.Topics, more)
	_, err := request.RequestWith(t.Context(), outsider(t, cluster.ListenAddrs()))
	require.NoError(t, err)
}

// cutConnections ends every connection of the member, as a broker does whose patience with a session of SASL is over.
func (h *held) cutConnections() {
	m := h.Member.(*member)
	m.mu.Lock()
	wire := m.wire
	m.mu.Unlock()
	for _, l := range []*lines{wire, m.lines} {
		l.mu.Lock()
		open := maps.Clone(l.open)
		l.mu.Unlock()
		for c := range open {
			_ = c.Conn.Close()
		}
	}
}
