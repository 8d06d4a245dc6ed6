package kafka

import (
	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A Backend is a cluster, opened. Methods may be called from many goroutines.
type Backend struct {
	settings engine.Settings
	client   engine.Client
}

func newBackend(s engine.Settings, c engine.Client) *Backend {
	return &Backend{settings: s, client: c}
}
