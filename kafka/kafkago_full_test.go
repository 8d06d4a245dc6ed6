//go:build servers && full

package kafka_test

import (
	"testing"

	"github.com/streamport-go/streamport/internal/testenv"
)

// TestKafkaGoOnOlderBrokers is TestKafkaGoOnRealBrokers on the version before the second protocol of transactions.
func TestKafkaGoOnOlderBrokers(t *testing.T) { kafkaGoOn(t, testenv.VersionTV1) }

// TestKafkaGoLeaderLossAtLength is TestKafkaGoLeaderLoss in the other ways.
func TestKafkaGoLeaderLossAtLength(t *testing.T) {
	b := startBrokers(t, testenv.Config{Nodes: 3}).by(kafkaGo)
	t.Run("stopped in order", b.stoppedInOrder)
	t.Run("paused", b.paused)
	t.Run("none left", b.leaderless)
}
