//go:build servers

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// The same program on a real broker, through either client library, counts what it counts on memory, and nothing is lost
// or out of order.
func TestCountsOnKafkaAreThoseOnMemory(t *testing.T) {
	onMemory := output(t, "-url", "memory:?session=1ms")
	for _, version := range []string{testenv.DefaultVersion, testenv.VersionTV1} {
		t.Run(version, func(t *testing.T) {
			broker := testenv.Run(t, testenv.Config{Version: version})
			for _, client := range []string{"franz-go", "kafka-go"} {
				onKafka := output(t, "-url", "kafka://"+strings.Join(broker.Bootstrap(), ",")+"?session=2s&client="+client,
					"-stream", "quakes-"+client, "-group", "quickstart-"+client)
				requireRight(t, onKafka)
				require.Equal(t, counts(onMemory), counts(onKafka))
				t.Logf("Apache Kafka %s, %s:\n%s", version, client, onKafka)
			}
		})
	}
}

// counts is the table of networks: everything before the first empty line.
func counts(output string) string {
	table, _, _ := strings.Cut(output, "\n\n")
	return table
}
