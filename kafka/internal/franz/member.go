package franz

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A member is an engine.Member: a kgo.Client that joins a group, heartbeats, and drops every partition that it would
// fetch. The group's offsets are read once for each assignment, since the client asks for them before it can be told to
// fetch nothing; the answer is not used.
type member struct {
	native    *kgo.Client
	questions *kgo.Client // the one that is in no group
	listener  engine.Listener
	identity  engine.Membership // without Member and Generation
	cut       context.CancelFunc
	calls     chan struct{} // holds one: the Listener is being called
	dead      atomic.Bool   // killed: the Listener hears nothing more
	gone      atomic.Bool   // closing, killed or failed: in the group no more
	taken     atomic.Int64  // since when another member has the instance id, in Unix nanoseconds; 0: none has
	failure   sync.Once
	ending    sync.Once
	ended     chan struct{}  // the client is closed
	running   sync.WaitGroup // what hears the client's errors
}

// The feature that brokers finalise when they can assign partitions themselves (KIP-848) and its first level, and the
// version of ConsumerGroupHeartbeat below which franz-go uses the classic protocol. 3.9 has only version 0.
const (
	groupFeature      = "group.version"
	groupFeatureLevel = 1
	heartbeatVersion  = 1
)

// OpenMember joins in the background, and again whenever the group has lost the member, until it is closed or
// Listener.Failed was called. The context bounds the question whether brokers assign partitions, which is asked only if
// they shall: franz-go falls back to the classic protocol without a word.
func (c *client) OpenMember(ctx context.Context, l engine.Listener, config engine.MemberConfig) (engine.Member, error) {
	if c.settings.Assignment == engine.Server {
		if err := c.checkServerAssigned(ctx); err != nil {
			return nil, err
		}
	}
	options, err := memberOptions(c.settings, config)
	if err != nil {
		return nil, err
	}
	m := &member{
		listener: l, calls: make(chan struct{}, 1), ended: make(chan struct{}),
		identity:  engine.Membership{Group: config.Group, ServerAssigned: c.settings.Assignment == engine.Server},
		questions: c.native,
	}
	if c.settings.StaticMembers {
		m.identity.Instance = config.Member
	}
	alive, cut := context.WithCancel(context.Background())
	m.cut = cut
	opened := make(chan struct{})
	native, err := kgo.NewClient(append(options,
		kgo.WithContext(alive),
		kgo.WithHooks(manageHook(func(err error) { <-opened; m.managed(err) })),
		kgo.OnPartitionsAssigned(m.joined(m.hears(l.Assigned))),
		kgo.OnPartitionsRevoked(m.hears(l.Revoked)),
		kgo.OnPartitionsLost(m.hears(l.Lost)),
	)...)
	if err != nil {
		cut()
		return nil, fmt.Errorf("%w: %w", stream.ErrInvalid, err)
	}
	m.native = native
	close(opened)
	m.running.Go(func() { m.listen(alive) })
	return m, nil
}

func (c *client) checkServerAssigned(ctx context.Context) error {
	cluster, err := c.Cluster(ctx)
	if err != nil {
		return err
	}
	heartbeat, ok := cluster.APIs[int16(kmsg.ConsumerGroupHeartbeat)]
	if cluster.Features[groupFeature] >= groupFeatureLevel && ok && heartbeat >= heartbeatVersion {
		return nil
	}
	return fmt.Errorf("%w: the brokers do not assign partitions themselves (KIP-848): the finalised feature %s is %d, "+
		"and it takes %d and Kafka 4.0; choose another assignment, or upgrade the brokers and then the feature",
		stream.ErrUnsupported, groupFeature, cluster.Features[groupFeature], groupFeatureLevel)
}

func memberOptions(s engine.Settings, config engine.MemberConfig) ([]kgo.Opt, error) {
	options, err := common(s, config.Member)
	if err != nil {
		return nil, err
	}
	options = append(options,
		kgo.ConsumerGroup(config.Group),
		kgo.DisableAutoCommit(),
		kgo.AdjustFetchOffsetsFn(fetchNothing),
		kgo.SessionTimeout(s.Session),
		kgo.HeartbeatInterval(s.Heartbeat),
		kgo.RebalanceTimeout(s.Rebalance),
	)
	switch s.Assignment {
	case engine.Eager:
		options = append(options, kgo.Balancers(newRanges()))
	case engine.Server:
		options = append(options, kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.ServerSideBalancer())
	default:
		options = append(options, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	if s.StaticMembers {
		options = append(options, kgo.InstanceID(config.Member))
	}
	if s.Rack != "" {
		options = append(options, kgo.BalanceRacks())
	}
	return append(options, topicOptions(config.Topics)...), nil
}

// fetchNothing answers the client's question where to begin to fetch.
func fetchNothing(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	return nil, nil
}

// internalTopics are brokers' own. Naming them also makes franz-go resolve expressions itself: by KIP-848 the broker would,
// and assign its internal topics too.
const internalTopics = `^__(consumer_offsets|transaction_state|share_group_state)$`

// topicOptions takes all topics as names, or, if one is a regular expression, all as expressions.
func topicOptions(topics []string) []kgo.Opt {
	isExpression := func(topic string) bool { return strings.HasPrefix(topic, "^") }
	if !slices.ContainsFunc(topics, isExpression) {
		return []kgo.Opt{kgo.ConsumeTopics(topics...)}
	}
	expressions := make([]string, len(topics))
	for i, topic := range topics {
		if !isExpression(topic) {
			topic = "^" + regexp.QuoteMeta(topic) + "$"
		}
		expressions[i] = topic
	}
	return []kgo.Opt{kgo.ConsumeRegex(), kgo.ConsumeTopics(expressions...), kgo.ConsumeExcludeTopics(internalTopics)}
}

// Membership is the client's. Before the first join, and after the last, the generation is negative.
func (m *member) Membership() engine.Membership {
	now := m.identity
	now.Member, now.Generation = m.native.GroupMetadata()
	if m.gone.Load() || now.ServerAssigned && now.Generation == 0 {
		now.Generation = -1 // an epoch of 0 asks to join
	}
	return now
}

// Doubt sends a heartbeat, or, where members share partitions themselves, joins again.
func (m *member) Doubt() { m.native.ForceRebalance() }

// Close leaves the group as part of closing the client. If ctx ends first, connections are cut, and what is left of the
// client ends when the Listener lets it.
func (m *member) Close(ctx context.Context) error {
	m.end(ctx)
	select {
	case <-m.ended:
		return nil
	case <-ctx.Done():
	}
	m.cut()
	return fmt.Errorf("the member has not left its group: %w", context.Cause(ctx))
}

// Kill cuts all connections before the client closes, so that it cannot send a LeaveGroup. A call of the Listener that is
// under way is waited for a moment only.
func (m *member) Kill() {
	m.dead.Store(true)
	m.cut()
	over, cancel := context.WithCancel(context.Background())
	cancel()
	m.end(over)
	patience := time.NewTimer(closePatience)
	defer patience.Stop()
	select {
	case <-m.ended:
	case <-patience.C:
	}
}

// end closes the client in the background. The context bounds the request that leaves the group.
func (m *member) end(ctx context.Context) {
	m.ending.Do(func() {
		m.gone.Store(true)
		go func() {
			defer close(m.ended)
			id, _ := m.native.GroupMetadata()
			m.leave(ctx, id)
			if m.identity.ServerAssigned && m.identity.Instance != "" && id != "" {
				m.leaveForAWhile(ctx, id)
			}
			m.native.Close()
			m.cut()
			m.running.Wait()
		}()
	})
}

// leavePatience is how long the client may take to leave by itself.
const leavePatience = 250 * time.Millisecond

// leave leaves the group. A client that waits for an answer to JoinGroup leaves only after that, which takes as long as
// the session of a member that has died: then the client is cut off, and another one leaves for it. Not having left costs
// the others a session timeout, and nothing can be done.
func (m *member) leave(ctx context.Context, id string) {
	if m.identity.ServerAssigned || m.identity.Instance != "" {
		_ = m.native.LeaveGroupContext(ctx)
		return
	}
	patience, cancel := context.WithTimeout(ctx, leavePatience)
	defer cancel()
	if m.native.LeaveGroupContext(patience) == nil || m.dead.Load() || id == "" {
		return
	}
	m.cut()
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group = m.identity.Group
	leaver := kmsg.NewLeaveGroupRequestMember()
	leaver.MemberID = id
	request.Members = append(request.Members, leaver)
	_, _ = request.RequestWith(ctx, m.questions)
}

// leaveEpoch is the member epoch by which a static member says that it will come back (KIP-848).
const leaveEpoch = -2

// leaveForAWhile says what franz-go's own leaving of a static member does not: that heartbeat lacks the instance id, so that
// brokers refuse it and keep the instance from coming back until the session is over.
func (m *member) leaveForAWhile(ctx context.Context, id string) {
	request := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	request.Group, request.MemberID, request.MemberEpoch = m.identity.Group, id, leaveEpoch
	request.InstanceID = &m.identity.Instance
	_, _ = request.RequestWith(ctx, m.native)
}
