//go:build servers

package kafka_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// A consumer reads from the replica of its own rack, although another broker leads the partition (KIP-392), and members
// are given partitions that their rack leads (KIP-881).
func TestRacks(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{Nodes: 3, Proxy: true, Properties: map[string]string{
		"replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
	}})
	b := franzGo.opened(t, kafka.Config{Brokers: cluster.Bootstrap()})
	require.NoError(t, stream.EnsureStream(bounded(t), b, stream.StreamConfig{Name: "t", Partitions: 1}))
	leader := 0
	require.Eventually(t, func() bool { // the broker that is asked may not know it yet
		topics, err := kadm.NewClient(b.Client()).ListTopics(bounded(t), "t")
		if err == nil {
			leader = int(topics["t"].Partitions[0].Leader)
		}
		return leader > 0
	}, 20*time.Second, 100*time.Millisecond)
	follower := leader%3 + 1
	fetched := map[int]*tcpfault.Fault{}
	for node := 1; node <= 3; node++ {
		fetched[node] = cluster.Proxy(node).Set(tcpfault.Rule{
			Kind: tcpfault.Delay, Keys: []int16{tcpfault.Fetch}, Side: tcpfault.Requests, Delay: time.Millisecond,
		})
	}
	p := opened(t, b)
	seen := newSeen()
	here := franzGo.opened(t, kafka.Config{Brokers: cluster.Bootstrap(), Rack: "rack" + strconv.Itoa(follower)})
	run(t, here, stream.ConsumerConfig{Group: "g", Streams: []string{"t"}}, seen)
	seen.await(t, "hold t")
	for i := range 20 {
		send(t, p, "t", strconv.Itoa(i))
		seen.await(t, strconv.Itoa(i))
	}
	require.Greater(t, fetched[follower].Hits(), fetched[leader].Hits(), "fetches from the own rack against those from the leader")
}
