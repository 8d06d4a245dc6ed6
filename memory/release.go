package memory

import (
	"context"
)

// Release gives the partition back.
func (c *claim) Release(ctx context.Context, finished bool) error {
	done := false
	err := c.m.call(ctx, OpRelease, c, func() error {
		c.release(finished)
		done = true
		return nil
	})
	if err != nil && !done { // the group finds out by itself, as of a crash
		c.m.b.clock.after(c.m.b.traits.session, func() { c.release(false) })
	}
	return c.fault("release", err)
}

func (c *claim) release(finished bool) {
	g := c.m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.m.dead || c.has(claimReleased) {
		return
	}
	over := c.has(claimLost | claimFenced)
	c.set(claimReleased)
	if c.m.claims[c.seat] == c {
		delete(c.m.claims, c.seat)
	}
	if over {
		g.returned(c)
		return
	}
	if finished {
		g.finish(c)
	}
	g.vacate(c)
}

// returned is called when a claim that was lost is released: its member may be granted the seat again.
func (g *group) returned(c *claim) {
	s := c.seat
	if s.holder == nil && s.want == nil && !s.ended {
		if m := g.lightest(s); m != nil {
			s.want = m
			m.load++
		}
		g.settle(s)
	}
	c.m.stir()
}

// finish notes that a partition, or this reading of it, is complete.
func (g *group) finish(c *claim) {
	s := c.seat
	if reading(c.met.Load()) == bounded {
		s.doneAt = max(s.doneAt, c.until)
		s.ended = s.ended || c.part.overAt(c.until)
	} else if c.part.complete() {
		s.ended = true
	}
	if s.want != nil && (s.ended || s.want.reached(s)) {
		s.want.load--
		s.want = nil
	}
	g.stir()
	if (s.ended || c.m.reached(s)) && c.part.replaced() {
		s.holder = nil
		g.rebalance(false)
	}
}

// complete reports whether the partition is closed: nothing comes any more.
func (p *partition) complete() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// overAt reports whether the partition is closed and has nothing behind n.
func (p *partition) overAt(n uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed && n >= p.end
}

// replaced reports whether other partitions replace p.
func (p *partition) replaced() bool {
	for _, q := range p.topic.partitions() {
		for _, parent := range q.parents {
			if parent == p {
				return true
			}
		}
	}
	return false
}
