package memory

import (
	"context"
	"time"
)

// plain reports whether the member's calls pass without a look at faults and pauses.
func (m *member) plain() bool { return !m.b.faults.wild && !m.held.Load() }

// at is the place of the member's calls.
func (m *member) at(p *partition) Where {
	at := Where{Group: m.config.Group, Member: m.config.Member}
	if p != nil {
		at.Stream, at.Partition = p.topic.name, p.name
	}
	return at
}

// call carries out one of the member's calls, of a claim if c is not nil, with whatever befalls it.
func (m *member) call(ctx context.Context, op Op, c *claim, do func() error) error {
	if m.plain() {
		return do()
	}
	at, id := m.at(nil), m.id
	if c != nil {
		at, id = m.at(c.part), c.id
	}
	if err := m.standStill(ctx, op, at, id); err != nil {
		return err
	}
	if op == OpFetch && m.b.faults.wild {
		m.mishap(at, c.part)
		if err := m.standStill(ctx, op, at, id); err != nil {
			return err
		}
	}
	return m.b.call(ctx, op, at, id, do)
}

// standStill waits while the member is paused.
func (m *member) standStill(ctx context.Context, op Op, at Where, id int) error {
	for {
		m.g.mu.Lock()
		paused := m.paused
		m.g.mu.Unlock()
		if paused == nil {
			return nil
		}
		select {
		case <-paused:
		case <-m.b.done:
		case <-ctx.Done():
		}
		m.b.faults.pace(op, at, id)
		if m.b.live() != nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// mishap draws the random faults that befall a member.
func (m *member) mishap(at Where, p *partition) {
	f, dice := m.b.faults.faults, m.b.faults.dice
	g := m.g
	if dice.hits("Trim", at, f.Trim) {
		p.halve()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case dice.hits("Crash", at, f.Crash):
		m.die()
	case dice.hits("Pause", at, f.Pause) && m.paused == nil && !m.dead && !m.closed:
		m.pause()
		long := time.Duration(dice.draw("how long", at) % uint64(2*m.b.traits.session))
		m.b.clock.after(long, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			m.unpause()
		})
	case dice.hits("Expel", at, f.Expel) && !m.dead && !m.closed:
		g.leave(m)
		m.waits = true
		m.stir()
	case dice.hits("Rebalance", at, f.Rebalance):
		if !m.b.traits.eager {
			g.shift()
		}
		g.rebalance(true)
	}
}

// halve deletes half of the records.
func (p *partition) halve() {
	p.mu.Lock()
	first, ok := p.first()
	var upTo uint64
	if ok {
		upTo = (number(first.slab.buf, first.at) + p.stable()) / 2
	}
	p.mu.Unlock()
	p.trim(upTo)
}
