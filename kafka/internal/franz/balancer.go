package franz

import (
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ranges shares partitions by range. Members describe themselves in the first form, in which nothing is missing: kafka-go,
// where it leads the group, reads no other, and then throws itself out.
type ranges struct{ kgo.GroupBalancer }

func newRanges() ranges { return ranges{kgo.RangeBalancer()} }

// JoinGroupMetadata says what the member wants: what it has was asked back before.
func (ranges) JoinGroupMetadata(topics []string, _ map[string][]int32, _ int32) []byte {
	wants := kmsg.NewConsumerMemberMetadata()
	wants.Topics = topics
	return wants.AppendTo(nil)
}
