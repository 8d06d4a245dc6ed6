package kafkago

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

func TestPartitionsAreSharedThoughATopicDoesNotExist(t *testing.T) {
	b := &balancer{count: func(topics []string) (map[string]int, error) {
		require.Equal(t, []string{"absent", "orders"}, topics)
		return map[string]int{"orders": 3}, nil
	}}
	members := []segmentio.GroupMember{
		{ID: "a", Topics: []string{"orders"}}, {ID: "b", Topics: []string{"orders", "absent"}}, {ID: "c"},
	}
	got := b.AssignGroups(members, nil)
	require.Equal(t, map[string][]int{"orders": {0}}, got["a"])
	require.Equal(t, map[string][]int{"orders": {1, 2}}, got["b"])
	require.NotNil(t, got["c"], "a member without an assignment cannot read its answer")
	require.Equal(t, map[string]int{"orders": 3, "absent": 0}, b.led())
	require.Nil(t, b.led(), "the next generation may have another leader")
}

func TestPartitionsAreSharedAsTheyWereTold(t *testing.T) {
	b := &balancer{count: func([]string) (map[string]int, error) { return nil, io.EOF }}
	got := b.AssignGroups([]segmentio.GroupMember{{ID: "a", Topics: []string{"orders"}}}, numbered(map[string]int{"orders": 2}))
	require.Equal(t, map[string][]int{"orders": {0, 1}}, got["a"])
}

func TestWhatDoesNotHeal(t *testing.T) {
	m := &member{config: engine.MemberConfig{Group: "g", Topics: []string{"orders"}}}
	for err, want := range map[error]bool{
		segmentio.GroupAuthorizationFailed:                                              true,
		segmentio.TopicAuthorizationFailed:                                              true,
		segmentio.InconsistentGroupProtocol:                                             true,
		segmentio.InvalidSessionTimeout:                                                 true,
		segmentio.InvalidGroupId:                                                        true,
		fmt.Errorf("sasl: %w", segmentio.SASLAuthenticationFailed):                      true,
		errors.New("no matching versions were found between the client and the broker"): true,
		segmentio.NotCoordinatorForGroup:                                                false,
		segmentio.GroupCoordinatorNotAvailable:                                          false,
		segmentio.UnknownMemberId:                                                       false,
		segmentio.RebalanceInProgress:                                                   false,
		io.ErrUnexpectedEOF:                                                             false,
		context.DeadlineExceeded:                                                        false,
	} {
		require.Equal(t, want, m.isIncurable(err), "%v", err)
	}
	require.False(t, m.isIncurable(nil))
}
