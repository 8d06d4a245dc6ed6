package kafkago

import (
	"context"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/memory"
)

// Simulate opens the simulator as it stands for c through kafka-go: see Simulation. The caller closes the backend.
// Streams are made by stream.EnsureStream.
func Simulate(c kafka.Config, seed uint64) (*memory.Backend, error) {
	m, err := Simulation(c, seed)
	if err != nil {
		return nil, err
	}
	return memory.Open(context.Background(), m)
}

// Simulation checks c as Open does, without dialling, and returns the configuration of a simulator with the
// capabilities that c would have through kafka-go. It is kafka.Config.Simulate otherwise: Transactions are lost, groups
// are eager, and without idempotence KeyOrder is lost as well.
func Simulation(c kafka.Config, seed uint64) (memory.Config, error) {
	return kafka.SimulateEngine(c, seed, driver{})
}
