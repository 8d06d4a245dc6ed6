//go:build mutants && synctests

package mutant_test

import (
	"testing"

	"github.com/streamport-go/streamport/internal/verify/mutant"
)

// TestKafkaMutants kills the mutants of the Kafka adapter.
func TestKafkaMutants(t *testing.T) { kill(t, "Kafka", mutant.Kafka()) }
