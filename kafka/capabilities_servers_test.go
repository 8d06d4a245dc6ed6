//go:build servers

package kafka_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// What real brokers are found to do stands in testdata, from where the README's table has it: a topic with the brokers'
// defaults and a partition more than one.
func TestCapabilitiesAreThoseOfTheReadme(t *testing.T) {
	for _, broker := range []testenv.Config{{Version: testenv.DefaultVersion, Nodes: 3}, {Version: testenv.VersionTV1, Nodes: 1}} {
		t.Run(fmt.Sprintf("%s on %d nodes", broker.Version, broker.Nodes), func(t *testing.T) {
			cluster := testenv.Run(t, broker)
			b, err := kafka.Open(t.Context(), kafka.Config{Brokers: cluster.Bootstrap()})
			require.NoError(t, err)
			defer func() { require.NoError(t, b.Close()) }()
			require.NoError(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "example", Partitions: 4}))
			found, err := b.Capabilities(t.Context(), "example")
			require.NoError(t, err)
			file := filepath.Join("testdata", "capabilities", fmt.Sprintf("kafka-%s-%d.json", broker.Version, broker.Nodes))
			text, err := json.MarshalIndent(found, "", "  ")
			require.NoError(t, err)
			if *update {
				require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(text))
		})
	}
}
