package memory

import (
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// Abandon does to a member what kill -9 does to its process: its calls fail from now on, and the group learns of it when
// the session is over.
func (b *Backend) Abandon(group, member string) error {
	m, err := b.member("abandon", group, member)
	if err != nil {
		return err
	}
	g := m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	m.dead = true
	for _, c := range m.claims {
		if !c.has(claimLost) {
			c.set(claimLost)
			close(c.lost)
		}
	}
	m.stir()
	m.silence = b.clock.after(b.traits.session, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.leave(m)
	})
	return nil
}

// member finds a member that is alive.
func (b *Backend) member(op, group, name string) (*member, error) {
	b.mu.Lock()
	members := b.members
	b.mu.Unlock()
	for _, m := range members {
		if m.config.Group == group && m.config.Member == name && m.alive() {
			return m, nil
		}
	}
	return nil, &stream.Error{Op: op, Err: fmt.Errorf("%w: member %.80q is not alive in group %.80q", stream.ErrNotFound, name, group)}
}

func (m *member) alive() bool {
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	return !m.dead && !m.closed
}
