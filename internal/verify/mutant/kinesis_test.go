//go:build mutants

package mutant_test

import (
	"testing"

	"github.com/streamport-go/streamport/internal/verify/mutant"
)

// TestKinesisMutants kills the mutants of the Kinesis adapter. What a run shows too rarely, the models of the packages
// lease and lineage find: each has a TestMutants of its own, for every rule.
func TestKinesisMutants(t *testing.T) { kill(t, "Kinesis", mutant.Kinesis()) }
