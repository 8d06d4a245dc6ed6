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
			for _, l := range []library{franzGo, kafkaGo} {
				name := fmt.Sprintf("kafka-%s%s-%d.json", l.prefix(), broker.Version, broker.Nodes)
				t.Run(l.name(), func(t *testing.T) {
					b := l.strict(t, kafka.Config{Brokers: cluster.Bootstrap()})
					require.NoError(t, stream.EnsureStream(bounded(t), b, stream.StreamConfig{Name: "example", Partitions: 4}))
					found, err := b.Capabilities(bounded(t), "example")
					require.NoError(t, err)
					keep(t, filepath.Join("testdata", "capabilities", name), found)
				})
			}
		})
	}
}

// keep compares what was found with what a file says, which it writes anew if -update is given.
func keep(t *testing.T, file string, found stream.Capabilities) {
	t.Helper()
	text, err := json.MarshalIndent(found, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(text))
}
