//go:build mutants && synctests

package mutant_test

import (
	"testing"

	"github.com/streamport-go/streamport/internal/verify/mutant"
)

// TestKafkaMutants kills the mutants of the Kafka adapter.
func TestKafkaMutants(t *testing.T) { kill(t, "Kafka", mutant.Kafka()) }

// TestKafkaGoMutants kills those that show in histories through kafka-go.
func TestKafkaGoMutants(t *testing.T) { kill(t, "Kafka through kafka-go", mutant.KafkaGo()) }
