//go:build servers

package testenv_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// BenchmarkStart measures from the call of Start until every node knows all, with jars and classes in the cache.
func BenchmarkStart(b *testing.B) {
	for _, version := range versions {
		for _, nodes := range []int{1, 3} {
			b.Run(fmt.Sprintf("%s/nodes=%d", version, nodes), func(b *testing.B) {
				for b.Loop() {
					c, err := testenv.Start(b.Context(), testenv.Config{Version: version, Nodes: nodes})
					require.NoError(b, err)
					b.StopTimer()
					c.Stop()
					b.StartTimer()
				}
			})
		}
	}
}
