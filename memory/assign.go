package memory

// rebalance shares the seats among the members: who has one keeps it as far as fairness allows. With everybody, and if
// the group is eager, all partitions are asked back first, and granted when the last one is. The caller holds g.mu.
func (g *group) rebalance(everybody bool) {
	g.epoch++
	for _, m := range g.members {
		m.load = 0
	}
	var free []*seat
	for _, s := range g.seats {
		if s.want != nil && !g.has(s.want) {
			s.want = nil
		}
		switch {
		case s.want != nil && g.can(s.want, s):
			s.want.load++
		case s.ended:
			s.want = nil
		default:
			s.want = nil
			free = append(free, s)
		}
	}
	for _, s := range free {
		if m := g.lightest(s); m != nil {
			s.want = m
			m.load++
		}
	}
	g.level()
	for _, s := range g.seats {
		if everybody && g.b.traits.eager && s.holder != nil {
			g.ask(s.holder)
		}
		g.settle(s)
	}
	g.stir()
}

func (g *group) has(m *member) bool { return m.joined }

// lightest is the member with the fewest seats that may be given s, the earliest to join among equals.
func (g *group) lightest(s *seat) *member {
	var best *member
	for _, m := range g.members {
		if (best == nil || m.load < best.load) && g.can(m, s) {
			best = m
		}
	}
	return best
}

// level moves seats from members that have more than a fair share. Free seats are as good as held ones to move, and
// one pass is enough: each move brings two loads closer.
func (g *group) level() {
	if len(g.members) < 2 {
		return
	}
	least, most := g.spread()
	for _, s := range g.seats {
		if most-least < 2 {
			return
		}
		from := s.want
		if from == nil || from.load-least < 2 {
			continue
		}
		to := g.lightest(s)
		if to == nil || from.load-to.load < 2 {
			continue
		}
		s.want = to
		from.load--
		to.load++
		if to.load-1 == least || from.load+1 == most {
			least, most = g.spread()
		}
	}
}

// spread returns the least and the greatest load.
func (g *group) spread() (least, most int) {
	least, most = g.members[0].load, g.members[0].load
	for _, m := range g.members[1:] {
		least, most = min(least, m.load), max(most, m.load)
	}
	return least, most
}

// settle brings about what a seat's want says: its holder is asked to give it back, or it is offered.
func (g *group) settle(s *seat) {
	switch {
	case s.holder != nil && s.holder.m != s.want:
		g.ask(s.holder)
	case s.holder == nil && s.want != nil && s.queued != s.want:
		s.queued = s.want
		s.want.offers = append(s.want.offers, s)
	}
}

// stir lets the members' Next look again.
func (g *group) stir() {
	for _, m := range g.members {
		m.stir()
	}
}

// ask asks a claim's partition back, and takes it when the grace is over.
func (g *group) ask(c *claim) {
	if c.has(claimAsked | claimReleased | claimLost) {
		return
	}
	g.moving++
	c.moving = true
	close(c.asked)
	c.set(claimAsked)
	grace := c.m.config.Grace
	c.grace = g.b.clock.after(grace, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.lose(c)
	})
}

// lose takes a partition from its holder.
func (g *group) lose(c *claim) {
	if c.has(claimReleased | claimLost) {
		return
	}
	close(c.lost)
	c.set(claimLost)
	g.vacate(c)
}

// vacate frees the seat of a claim that is over, and gives it to whoever should have it.
func (g *group) vacate(c *claim) {
	c.grace.stop()
	if c.moving {
		c.moving = false
		g.moving--
	}
	s := c.seat
	if s.holder != c {
		return
	}
	s.holder = nil
	if s.want != nil && !s.ended && !g.can(s.want, s) {
		s.want.load--
		s.want = nil
	}
	if s.want == nil && !s.ended {
		if m := g.lightest(s); m != nil {
			s.want = m
			m.load++
		}
	}
	g.settle(s)
	if g.moving == 0 && g.b.traits.eager {
		g.stir()
	} else if s.want != nil {
		s.want.stir()
	}
}
