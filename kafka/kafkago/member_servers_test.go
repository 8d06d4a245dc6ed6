//go:build servers

package kafkago

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// TestMembersOnServers does on real brokers what the fake may do differently.
func TestMembersOnServers(t *testing.T) {
	for _, version := range []string{testenv.DefaultVersion, testenv.VersionTV1} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			cluster := testenv.Run(t, testenv.Config{
				Version: version, Properties: map[string]string{"auto.create.topics.enable": "true"},
			})
			b := &groupBed{brokers: cluster.Bootstrap(), admin: kadm.NewClient(outsider(t, cluster.Bootstrap()))}
			for name, test := range map[string]func(*testing.T){
				"sharing": b.shares, "first join": b.leavesFirstJoin, "rejoin": b.leavesRejoin, "topics": b.findsTopics,
				"slow handlers": b.outlastsSession,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t)
				})
			}
		})
	}
}

// TestMembersSurviveTheirCoordinator kills the broker that knows the group: what members have stays theirs.
func TestMembersSurviveTheirCoordinator(t *testing.T) {
	t.Parallel()
	cluster := testenv.Run(t, testenv.Config{Nodes: 3})
	b := &groupBed{brokers: cluster.Bootstrap(), admin: kadm.NewClient(outsider(t, cluster.Bootstrap()))}
	topic := b.topic(t, 6)
	x, y := b.join(t, topic, "x", session(20*time.Second)), b.join(t, topic, "y", session(20*time.Second))
	x.holds(t, 3)
	y.holds(t, 3)
	revoked := x.told("revoked") + y.told("revoked")
	coordinators := b.admin.FindGroupCoordinators(t.Context(), topic)
	require.NoError(t, coordinators.Error())
	require.NoError(t, cluster.Kill(int(coordinators[topic].NodeID)))
	before := net.JoinHostPort(coordinators[topic].Host, strconv.Itoa(int(coordinators[topic].Port)))
	require.Eventually(t, func() bool { return x.asksAnother(before) && y.asksAnother(before) }, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, revoked, x.told("revoked")+y.told("revoked"))
	b.join(t, topic, "z", session(20*time.Second)).holds(t, 2)
	x.holds(t, 2)
	y.holds(t, 2)
	require.Zero(t, x.told("lost")+y.told("lost"))
	require.NoError(t, y.Close(t.Context()))
	x.holds(t, 3)
}

// asksAnother reports whether the member has found another coordinator.
func (h *held) asksAnother(before string) bool {
	c := h.Member.(*member).coordinator
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.address != "" && c.address != before
}

// A groupBed is a broker, and a client of it that is none of ours.
type groupBed struct {
	brokers []string
	admin   *kadm.Client
}

func (b *groupBed) topic(t *testing.T, partitions int32) string {
	t.Helper()
	name := fmt.Sprintf("t-%d", time.Now().UnixNano())
	b.create(t, name, partitions)
	return name
}

func (b *groupBed) create(t *testing.T, name string, partitions int32) {
	t.Helper()
	_, err := b.admin.CreateTopic(t.Context(), partitions, 1, nil, name)
	require.NoError(t, err)
}

func (b *groupBed) join(t *testing.T, topic, name string, options ...memberOption) *held {
	t.Helper()
	options = append([]memberOption{topics(topic), session(2 * time.Second)}, options...)
	return joinWith(t, memberSettings(b.brokers), topic, name, options...)
}

func (b *groupBed) shares(t *testing.T) {
	topic := b.topic(t, 6)
	x := b.join(t, topic, "x")
	x.holds(t, 6)
	y := b.join(t, topic, "y")
	x.holds(t, 3)
	y.holds(t, 3)
	disjoint(t, x, y)
	require.Positive(t, y.Membership().Generation)
	require.NoError(t, y.Close(t.Context()))
	x.holds(t, 6)

	z := b.join(t, topic, "z")
	x.holds(t, 3)
	z.holds(t, 3)
	z.Kill()
	x.holds(t, 6)
	require.Zero(t, x.told("lost"))
}

// leavesFirstJoin closes a member that does not know its id yet: the group does not wait for it.
func (b *groupBed) leavesFirstJoin(t *testing.T) {
	topic := b.topic(t, 4)
	release := make(chan struct{})
	x := b.join(t, topic, "x", session(20*time.Second))
	x.holds(t, 4)
	x.onRevoked(func() { <-release })
	y := b.join(t, topic, "y", session(20*time.Second))
	x.asked(t)
	begun := time.Now()
	require.NoError(t, y.Close(t.Context()))
	close(release)
	x.holds(t, 4)
	require.Less(t, time.Since(begun), 10*time.Second, "the group waits for a member that has left")
}

// leavesRejoin closes a member that waits to be let in again.
func (b *groupBed) leavesRejoin(t *testing.T) {
	topic := b.topic(t, 4)
	release := make(chan struct{})
	x, y := b.join(t, topic, "x", session(20*time.Second)), b.join(t, topic, "y", session(20*time.Second))
	x.holds(t, 2)
	y.holds(t, 2)
	x.onRevoked(func() { <-release })
	z := b.join(t, topic, "z", session(20*time.Second))
	x.asked(t)
	y.holds(t, 0)
	begun := time.Now()
	require.NoError(t, y.Close(t.Context()))
	close(release)
	x.holds(t, 2)
	z.holds(t, 2)
	require.Less(t, time.Since(begun), 10*time.Second, "the group waits for a member that has left")
}

// findsTopics takes up what is made, and makes nothing.
func (b *groupBed) findsTopics(t *testing.T) {
	prefix := b.topic(t, 2)
	x := joinWith(t, memberSettings(b.brokers), prefix, "x", session(2*time.Second), topics("^"+prefix+"(-more)?$", prefix+"-absent"))
	x.holds(t, 2)
	b.create(t, prefix+"-more", 3)
	x.holds(t, 5)
	_, err := b.admin.UpdatePartitions(t.Context(), 4, prefix)
	require.NoError(t, err)
	x.holds(t, 7)
	_, err = b.admin.DeleteTopics(t.Context(), prefix+"-more")
	require.NoError(t, err)
	b.join(t, prefix, "y").holds(t, 2)
	x.holds(t, 2)
	topics, err := b.admin.ListTopics(t.Context(), prefix+"-more", prefix+"-absent")
	require.NoError(t, err)
	for _, topic := range topics {
		require.ErrorIs(t, topic.Err, kerr.UnknownTopicOrPartition, topic.Topic)
	}
}

// outlastsSession has handlers take longer than a session to give back.
func (b *groupBed) outlastsSession(t *testing.T) {
	topic := b.topic(t, 4)
	x := b.join(t, topic, "x")
	x.holds(t, 4)
	was := x.Membership()
	during := make(chan engine.Membership, 1)
	x.onRevoked(func() {
		over := time.NewTimer(5 * time.Second)
		defer over.Stop()
		<-over.C
		during <- x.Membership()
	})
	b.join(t, topic, "y").holds(t, 2)
	require.Equal(t, was, <-during)
	x.holds(t, 2)
	require.Equal(t, was.Member, x.Membership().Member, "the group has forgotten the member meanwhile")
}
