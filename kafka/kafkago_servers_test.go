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
	b := startBrokers(t, testenv.Config{}).by(kafkaGo)
	t.Run("findings", b.findings)
	t.Run("traps", b.traps)
	t.Run("bad input", b.badInput)
	t.Run("produce", b.produces)
}

// longestMove is what a leader that moves may cost: as long as metadata may be out of date, twice, since the broker that
// is asked may not know it yet, and a margin for machines that have other things to do.
const longestMove = 5 * time.Second

// TestKafkaGoLeaderLoss is TestLeaderLoss through kafka-go.
func TestKafkaGoLeaderLoss(t *testing.T) {
	b := startBrokers(t, testenv.Config{Nodes: 3}).by(kafkaGo)
	t.Run("moved by hand", func(t *testing.T) {
		require.Less(t, b.leaderGoes(t, b.moveLeader, b.preferLeader), longestMove)
	})
	t.Run("killed", b.killed)
}
