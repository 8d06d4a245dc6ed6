package field

import (
	"context"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/testenv"
)

// startIn is how long brokers may take to come up.
const startIn = 2 * time.Minute

// startBrokers starts three brokers behind proxies. What is the members' to say with other ways of sharing, brokers say
// where they share (KIP-848).
func startBrokers(ctx context.Context, version string, log io.Writer) (*testenv.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startIn)
	defer cancel()
	return testenv.Start(ctx, testenv.Config{
		Version: version, Nodes: 3, Proxy: true, Log: log,
		Properties: map[string]string{
			"group.consumer.session.timeout.ms":    milliseconds(workerSession),
			"group.consumer.heartbeat.interval.ms": milliseconds(workerHeartbeat),
		},
	})
}

// ask opens a client that is not this library's, to look at what stands in the brokers.
func ask(cluster *testenv.Cluster) (*kgo.Client, error) {
	return kgo.NewClient(
		kgo.SeedBrokers(cluster.Bootstrap()...), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.RequestTimeoutOverhead(2*time.Second), kgo.DisableClientMetrics(),
	)
}
