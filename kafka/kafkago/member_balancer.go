package kafkago

import (
	"slices"
	"sync"

	segmentio "github.com/segmentio/kafka-go"
)

// A balancer shares partitions by range, as franz-go and the Java client do under this name. It asks how many there are
// itself: where one topic of many does not exist, kafka-go finds no partitions at all.
type balancer struct {
	segmentio.RangeGroupBalancer
	count func(topics []string) (map[string]int, error)

	mu     sync.Mutex // guards what follows
	shared map[string]int
}

// AssignGroups is called where the member leads its group.
func (b *balancer) AssignGroups(
	members []segmentio.GroupMember, partitions []segmentio.Partition,
) segmentio.GroupMemberAssignments {
	topics := []string{}
	for _, m := range members {
		topics = append(topics, m.Topics...)
	}
	slices.Sort(topics)
	topics = slices.Compact(topics)
	counts, err := b.count(topics)
	if err == nil {
		partitions = numbered(counts)
	}
	shared := map[string]int{}
	for _, topic := range topics {
		shared[topic] = 0
	}
	for _, p := range partitions {
		shared[p.Topic]++
	}
	b.mu.Lock()
	b.shared = shared
	b.mu.Unlock()
	all := b.RangeGroupBalancer.AssignGroups(members, partitions)
	for _, m := range members { // whoever is left out gets an answer that clients cannot read
		if all[m.ID] == nil {
			all[m.ID] = map[string][]int{}
		}
	}
	return all
}

func numbered(counts map[string]int) []segmentio.Partition {
	var all []segmentio.Partition
	for topic, n := range counts {
		for id := range n {
			all = append(all, segmentio.Partition{Topic: topic, ID: id})
		}
	}
	return all
}

// led is how many partitions each topic had when the member has shared them out in this generation; nil if it did not.
func (b *balancer) led() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	shared := b.shared
	b.shared = nil
	return shared
}
