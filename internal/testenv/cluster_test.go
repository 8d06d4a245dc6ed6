//go:build servers

package testenv_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

var versions = []string{testenv.DefaultVersion, testenv.VersionTV1}

func TestStarts(t *testing.T) {
	for _, version := range versions {
		for _, nodes := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s of %d", version, nodes), func(t *testing.T) {
				at := time.Now()
				c := testenv.Run(t, testenv.Config{Version: version, Nodes: nodes})
				t.Logf("ready after %v", time.Since(at).Round(10*time.Millisecond))
				require.Equal(t, nodes, c.Nodes())
				require.Len(t, c.Bootstrap(), nodes)
				require.Equal(t, version, c.Version())
				require.NotZero(t, c.Pid(nodes))
				c.Stop()
				require.Zero(t, c.Pid(nodes))
				c.Stop()
			})
		}
	}
}
