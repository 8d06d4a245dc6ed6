package kafkago

import (
	"context"
	"sync"

	segmentio "github.com/segmentio/kafka-go"
)

// A group is a ConsumerGroup of kafka-go with connections of its own. It never leaves by itself, since after a join that
// failed it does not know any more who it is: the member leaves for it.
type group struct {
	native   *segmentio.ConsumerGroup
	wire     *lines
	balancer *balancer
	topics   []string
}

// newGroup joins in the background.
func (m *member) newGroup(alive context.Context, topics []string) (*group, error) {
	wire, err := newLines(m.settings, m.config.Member)
	if err != nil {
		return nil, err
	}
	m.wired(wire)
	b := &balancer{count: func(topics []string) (map[string]int, error) { return m.topics.count(alive, topics) }}
	native, err := segmentio.NewConsumerGroup(segmentio.ConsumerGroupConfig{
		ID: m.config.Group, Brokers: m.settings.Brokers, Topics: topics,
		Dialer: &segmentio.Dialer{
			ClientID: wire.id, DialFunc: uncreating(wire.ready), Timeout: connectTime(m.settings),
		},
		GroupBalancers:    []segmentio.GroupBalancer{b},
		HeartbeatInterval: m.settings.Session / 3, // those that count are the member's own
		SessionTimeout:    m.settings.Session,
		RebalanceTimeout:  m.settings.Rebalance,
		JoinGroupBackoff:  joinPause,
		Timeout:           m.settings.RequestOverhead,
	})
	if err != nil {
		wire.close()
		return nil, err
	}
	return &group{native: native, wire: wire, balancer: b, topics: topics}, nil
}

// close ends the group without a word to it. Let is called meanwhile: the group waits for what holds its generation.
func (g *group) close(let ...func()) {
	g.wire.cut()
	var closing sync.WaitGroup
	closing.Go(func() { _ = g.native.Close() })
	for _, do := range let {
		do()
	}
	closing.Wait()
	g.wire.close()
}
