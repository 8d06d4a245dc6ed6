//go:build servers

package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// TestKafkaGoOnRealBrokers is TestOnRealBrokers and TestProduceOnServers through kafka-go, on the newest Kafka.
func TestKafkaGoOnRealBrokers(t *testing.T) {
	t.Parallel()
	kafkaGoOn(t, testenv.DefaultVersion)
}

func kafkaGoOn(t *testing.T, version string) {
	t.Helper()
	b := startBrokers(t, testenv.Config{Version: version}).by(kafkaGo)
	t.Run("findings", b.findings)
	t.Run("traps", b.traps)
	t.Run("bad input", b.badInput)
	t.Run("produce", b.produces)
}

// What a leader may cost that goes. kafka-go looks once a second where leaders are; by then the broker that it asks must
// know it. Without a leader that can be asked, brokers take as long as their session timeout, 3 s in these tests, to elect
// another. Measured were 0.4 s to 1.5 s and 3.3 s to 4.5 s; the rest is for machines that have other things to do.
const (
	longestMove = 5 * time.Second
	longestLoss = 15 * time.Second
)

// TestKafkaGoLeaderLoss is TestLeaderLoss through kafka-go. The other ways to go are tried at length.
func TestKafkaGoLeaderLoss(t *testing.T) {
	t.Parallel()
	b := startBrokers(t, testenv.Config{Nodes: 3}).by(kafkaGo)
	t.Run("moved by hand", func(t *testing.T) {
		require.Less(t, b.leaderGoes(t, b.moveLeader, b.preferLeader), longestMove)
	})
	t.Run("killed", func(t *testing.T) {
		require.Less(t, b.leaderGoes(t, b.onNode(b.Kill), b.restart), longestLoss)
	})
}
