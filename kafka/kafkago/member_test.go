package kafkago

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestMembersShareAndHandOver(t *testing.T) {
	cluster := newGroupFake(t, 12, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 12)
	b := join(t, cluster, "b")
	a.holds(t, 6)
	b.holds(t, 6)
	disjoint(t, a, b)
	require.NoError(t, b.Close(t.Context()))
	require.Zero(t, b.count(), "Close revokes what is held")
	require.Negative(t, b.Membership().Generation)
	a.holds(t, 12)
}

func TestMembersJoinAtEveryCoordinator(t *testing.T) {
	cluster := startGroupFake(t, kfake.NumBrokers(9), kfake.SeedTopics(2, "orders"))
	for i := range 20 {
		a := joinWith(t, memberSettings(cluster.ListenAddrs()), fmt.Sprint("group-", i), "a")
		a.holds(t, 2)
		require.NoError(t, a.Close(t.Context()))
	}
}

func TestMemberTellsWhoItIs(t *testing.T) {
	cluster := newGroupFake(t, 2, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 2)
	is := a.Membership()
	require.Equal(t, "group", is.Group)
	require.Empty(t, is.Instance)
	require.False(t, is.ServerAssigned)
	require.NotEmpty(t, is.Member)
	require.Positive(t, is.Generation)
	require.NoError(t, a.Close(t.Context()))
	require.Negative(t, a.Membership().Generation)
}

func TestWhatIsAskedBackMaySave(t *testing.T) {
	cluster := newGroupFake(t, 4, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 4)
	before, during := a.Membership(), make(chan int32, 1)
	a.onRevoked(func() { during <- a.Membership().Generation })
	join(t, cluster, "b").holds(t, 2)
	require.Equal(t, before.Generation, <-during)
	a.holds(t, 2)
	require.Greater(t, a.Membership().Generation, before.Generation)
	require.Equal(t, before.Member, a.Membership().Member)
}

func TestMemberFetchesNothing(t *testing.T) {
	t.Parallel()
	cluster := newGroupFake(t, 12, "orders")
	fetches := observed(cluster, kmsg.Fetch, kmsg.ListOffsets)
	beats := observed(cluster, kmsg.Heartbeat)
	a := join(t, cluster, "a")
	a.holds(t, 12)
	before := beats.Hits()
	require.NoError(t, beats.Wait(t.Context(), before+4))
	require.Zero(t, fetches.Hits())
}

func TestKilledMemberSaysNothingAndIsReplaced(t *testing.T) {
	t.Parallel()
	cluster := newGroupFake(t, 6, "orders")
	leaves := observed(cluster, kmsg.LeaveGroup)
	a := join(t, cluster, "a")
	a.holds(t, 6)
	b := join(t, cluster, "b")
	a.holds(t, 3)
	b.holds(t, 3)
	begun := time.Now()
	b.Kill()
	require.Less(t, time.Since(begun), 3*time.Second)
	require.Equal(t, 3, b.count(), "a killed member hears nothing more")
	a.holds(t, 6)
	require.Zero(t, leaves.Hits())
}

func TestMemberThatIsNotAllowedFails(t *testing.T) {
	for name, key := range map[string]kmsg.Key{"joining": kmsg.JoinGroup, "looking": kmsg.FindCoordinator} {
		t.Run(name, func(t *testing.T) {
			cluster := newGroupFake(t, 6, "orders")
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: kerr.GroupAuthorizationFailed, Count: -1})
			a := join(t, cluster, "a")
			err := a.failure(t)
			require.ErrorIs(t, err, stream.ErrUnauthorized)
			require.ErrorContains(t, err, "READ")
			require.ErrorContains(t, err, "group group")
			require.Negative(t, a.Membership().Generation)
		})
	}
}

func TestMemberThatIsForbiddenLaterLosesAndFails(t *testing.T) {
	cluster := newGroupFake(t, 6, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 6)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.GroupAuthorizationFailed, Count: -1})
	require.ErrorIs(t, a.failure(t), stream.ErrUnauthorized)
	require.Zero(t, a.count())
	require.Equal(t, 6, a.told("lost"))
}

func TestMemberWaitsOutWhatHeals(t *testing.T) {
	cluster := newGroupFake(t, 6, "orders")
	fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorNotAvailable, Count: 3})
	a := join(t, cluster, "a")
	a.holds(t, 6)
	require.EqualValues(t, 3, fault.Hits())
	require.Zero(t, a.told("failed"))
}

func TestMemberFindsTopicsAndPartitions(t *testing.T) {
	t.Parallel()
	cluster := newGroupFake(t, 2, "orders-1", "other")
	a := join(t, cluster, "a", topics("^orders-[0-9]+$", "plain.name"))
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
}

func TestExpressionsLeaveOutWhatIsInternal(t *testing.T) {
	cluster := newGroupFake(t, 2, "orders")
	a := join(t, cluster, "a", topics("^.*"))
	a.holds(t, 2)
}

func TestReadingMakesNoTopic(t *testing.T) {
	t.Parallel()
	cluster := startGroupFake(t, kfake.SeedTopics(2, "orders", "doomed"), kfake.AllowAutoTopicCreation())
	a := join(t, cluster, "a", topics("orders", "doomed", "absent"))
	a.holds(t, 4)
	remove(t, cluster, "doomed")
	join(t, cluster, "b").holds(t, 1) // a leads, and counts the partitions of what is left
	a.holds(t, 1)
	for _, topic := range []string{"doomed", "absent"} {
		require.Negative(t, cluster.LeaderFor(topic, 0))
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
	beats := observed(cluster, kmsg.Heartbeat)
	require.NoError(t, beats.Wait(t.Context(), 5))
	require.Zero(t, b.count(), "partitions are given away before Revoked returns")
	close(release)
	b.holds(t, 2)
}

func TestSessionGoesOnWhileHandlersGiveUp(t *testing.T) {
	t.Parallel()
	cluster := newGroupFake(t, 4, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 4)
	before := a.Membership().Member
	beats := observed(cluster, kmsg.Heartbeat)
	a.onRevoked(func() { // for more than two sessions
		_ = beats.Wait(context.Background(), beats.Hits()+25)
	})
	b := join(t, cluster, "b")
	b.holds(t, 2)
	a.holds(t, 2)
	require.Equal(t, before, a.Membership().Member, "the group has forgotten the member meanwhile")
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

func TestCloseLeavesAGroupThatIsSharing(t *testing.T) {
	cluster := newGroupFake(t, 4, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 4)
	release := make(chan struct{})
	a.onRevoked(func() { <-release })
	b := join(t, cluster, "b")
	a.asked(t) // b's JoinGroup waits for a's
	begun := time.Now()
	require.NoError(t, b.Close(t.Context()))
	require.Less(t, time.Since(begun), 3*time.Second)
	close(release)
	a.holds(t, 4)
}

func TestMemberSurvivesAMovingCoordinator(t *testing.T) {
	t.Parallel()
	cluster := newGroupFake(t, 6, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 6)
	for range 5 {
		cluster.RehashCoordinators()
		b := join(t, cluster, "b")
		b.holds(t, 3)
		require.NoError(t, b.Close(t.Context()))
		a.holds(t, 6)
	}
}

func TestBrokenConnectionsTakeNothing(t *testing.T) {
	cluster := newGroupFake(t, 6, "orders")
	a := join(t, cluster, "a")
	a.holds(t, 6)
	a.cutConnections()
	beats := observed(cluster, kmsg.Heartbeat)
	require.NoError(t, beats.Wait(t.Context(), 5))
	require.Equal(t, 6, a.count())
	require.Equal(t, 1, a.told("all"), "a connection that ends is no reason to share anew")
}

func TestForgottenMemberLosesWhatItHad(t *testing.T) {
	for name, code := range map[string]*kerr.Error{
		"unknown": kerr.UnknownMemberID, "generation": kerr.IllegalGeneration, "fenced": kerr.FencedInstanceID,
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newGroupFake(t, 6, "orders")
			a := join(t, cluster, "a")
			a.holds(t, 6)
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: code, Count: 1})
			a.until(t, "losing", func() bool { return a.calls["lost"] == 6 })
			a.holds(t, 6)
			require.Zero(t, a.told("revoked"))
		})
	}
}

func TestMemberThatDoubtsAsksAtOnce(t *testing.T) {
	cluster := newGroupFake(t, 6, "orders")
	a := join(t, cluster, "a", func(s *engine.Settings, _ *engine.MemberConfig) {
		s.Session, s.Heartbeat = 5*time.Minute, time.Minute
	})
	a.holds(t, 6)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: 1})
	a.Member.(*member).Doubt()
	a.until(t, "losing", func() bool { return a.calls["lost"] == 6 })
	a.holds(t, 6)
}

func TestSessionThatNobodyAnswersEnds(t *testing.T) {
	t.Parallel()
	cluster := newGroupFake(t, 6, "orders")
	const lasts = 6 * time.Second
	a := join(t, cluster, "a", session(lasts))
	a.holds(t, 6)
	unanswered := cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.CoordinatorNotAvailable, Count: -1,
	})
	begun := time.Now()
	a.until(t, "losing", func() bool { return a.calls["lost"] == 6 })
	require.Less(t, time.Since(begun), lasts, "others may have had the partitions before")
	unanswered.Remove()
	a.holds(t, 6)
}
