package lease

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// A Manager holds one member's leases of one table: it takes its share of them, renews what it holds, and gives leases to
// members that have less. Methods may be called from many goroutines.
type Manager struct {
	config Config
}

// NewManager makes a manager that does nothing before Start.
func NewManager(c Config) *Manager { return &Manager{config: c.withDefaults()} }

// Start begins to take leases and to renew them.
func (m *Manager) Start() {}

// Next waits for a lease that is newly held. It is stream.ErrClosed after Close or Abandon, and stream.ErrInvalid when
// another process uses our owner's name. A lease is not returned again before the former Lease of its row was released.
func (m *Manager) Next(ctx context.Context) (*Lease, error) { return nil, stream.ErrClosed }

// Rows is the table as it was last read; nil before that. It must not be changed.
func (m *Manager) Rows() map[string]Row { return nil }

// Wake looks for leases now: a parent ended, or rows were created.
func (m *Manager) Wake() {}

// Close gives all leases back and ends everything. Leases that were not released are lost. When ctx ends first, what is
// left expires by itself. A second Close returns what the first returned.
func (m *Manager) Close(ctx context.Context) error { return nil }

// Abandon does what kill -9 does: everything stops, every lease is lost, nothing is written.
func (m *Manager) Abandon() {}
