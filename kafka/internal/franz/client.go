// Package franz is the engine on github.com/twmb/franz-go, the default one.
package franz

import (
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Driver opens franz-go.
type Driver struct{}

// Name is the library's.
func (Driver) Name() string { return "franz-go" }

// Assignment is cooperative-sticky (KIP-429).
func (Driver) Assignment() engine.Assignment { return engine.Cooperative }

// Check validates the settings with franz-go's own option check, without dialling.
func (Driver) Check(s engine.Settings) error {
	options, err := common(s, "")
	if err != nil {
		return err
	}
	if err := kgo.ValidateOpts(append(options, checked(s)...)...); err != nil {
		return fmt.Errorf("%w: %w", stream.ErrInvalid, err)
	}
	return checkInFlight(s)
}

// Open makes the client that asks questions and makes single writes; nothing is dialled yet.
func (Driver) Open(s engine.Settings) (engine.Client, error) {
	options, err := common(s, "")
	if err != nil {
		return nil, err
	}
	native, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", stream.ErrInvalid, err)
	}
	return &client{settings: s, native: native, admin: kadm.NewClient(native)}, nil
}

// A client is franz-go, opened. Producers, fetchers and members have a kgo.Client each, made from the same common options
// and owned by what opened them.
type client struct {
	settings engine.Settings
	native   *kgo.Client
	admin    *kadm.Client
	close    sync.Once
}

// Abilities: franz-go can do everything.
func (*client) Abilities() engine.Abilities { return engine.Abilities{} }

// Native is the *kgo.Client for questions and single writes.
func (c *client) Native() any { return c.native }

// Close closes the connections of questions and single writes.
func (c *client) Close() { c.close.Do(c.native.Close) }
