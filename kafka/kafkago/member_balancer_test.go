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
	for err, times := range map[error]int{ // how often it has to come
		segmentio.GroupAuthorizationFailed:                                              1,
		segmentio.TopicAuthorizationFailed:                                              1,
		segmentio.InconsistentGroupProtocol:                                             1,
		segmentio.InvalidSessionTimeout:                                                 1,
		segmentio.InvalidGroupId:                                                        1,
		fmt.Errorf("sasl: %w", segmentio.SASLAuthenticationFailed):                      2,
		errors.New("no matching versions were found between the client and the broker"): 1,
		segmentio.NotCoordinatorForGroup:                                                0,
		segmentio.GroupCoordinatorNotAvailable:                                          0,
		segmentio.UnknownMemberId:                                                       0,
		segmentio.RebalanceInProgress:                                                   0,
		io.ErrUnexpectedEOF:                                                             0,
		context.DeadlineExceeded:                                                        0,
	} {
		require.Equal(t, times == 1, m.isIncurable(err, 0), "%v", err)
		require.Equal(t, times >= 1, m.isIncurable(err, 1), "%v", err)
	}
	require.False(t, m.isIncurable(nil, 5))
}
