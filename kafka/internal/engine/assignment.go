package engine

import (
	"slices"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// lostWait is how long a write under way is waited for when its partition is gone: it was cancelled, and answers at once
// unless its library hangs.
const lostWait = time.Second

// A listener hears what the group does.
type listener struct{ s *Source }

// Assigned gives the member partitions. Each is granted when it is known where its reading begins, and the former claim
// is released.
func (l listener) Assigned(ps []Partition) {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range ps {
		if s.selects(p.Number) {
			s.seat(p).owned = true
			s.offer(p)
		}
	}
}

// Revoked asks partitions back and waits until each is released. Those that are not in time are lost.
func (l listener) Revoked(ps []Partition) {
	s := l.s
	granted, rest := s.withdraw(ps)
	for _, c := range granted {
		c.ask()
	}
	loseAll(rest)
	if mutated("revocation does not wait") {
		return
	}
	timer := time.NewTimer(s.revokeWait())
	defer timer.Stop()
wait:
	for _, c := range granted {
		select {
		case <-c.done:
		case <-timer.C:
			break wait
		}
	}
	loseAll(granted) // those that are released are not harmed
}

// Lost takes partitions that are gone already.
func (l listener) Lost(ps []Partition) {
	granted, rest := l.s.withdraw(ps)
	loseAll(append(granted, rest...))
}

// Failed ends the source: what it still has may be somebody else's.
func (l listener) Failed(err error) {
	s := l.s
	s.mu.Lock()
	s.fault = err
	claims := s.claims()
	for _, at := range s.seats {
		at.owned = false
	}
	s.stir()
	s.mu.Unlock()
	loseAll(claims)
}

// loseAll takes what is not released yet, and waits for the writes that are under way. The writes of all are refused before
// any is waited for.
func loseAll(claims []*Claim) {
	for _, c := range claims {
		c.guard.close()
	}
	until := time.Now().Add(lostWait)
	for _, c := range claims {
		c.lose(stream.ErrLost)
	}
	for _, c := range claims {
		waitIdle(c.guard.close(), max(time.Until(until), 0))
	}
}

// withdraw takes partitions from the member and returns their claims, those that Next has granted apart.
func (s *Source) withdraw(ps []Partition) (granted, rest []*Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range ps {
		at := s.seats[p]
		if at == nil {
			continue
		}
		at.owned = false
		switch c := at.claim; {
		case c == nil:
		case c.granted:
			granted = append(granted, c)
		default:
			at.claim = nil
			rest = append(rest, c)
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(c *Claim) bool { return slices.Contains(rest, c) })
	return granted, rest
}

// seat is the seat of p. The caller holds s.mu.
func (s *Source) seat(p Partition) *seat {
	at := s.seats[p]
	if at == nil {
		at = &seat{p: p}
		s.seats[p] = at
	}
	return at
}

// offer makes a claim of p if there is to be one, and has it prepared. The caller holds s.mu.
func (s *Source) offer(p Partition) {
	at := s.seats[p]
	if !at.owned || at.claim != nil || s.through[p] || s.closed || s.dead || s.fault != nil {
		return
	}
	at.claim = newClaim(s, p)
	select {
	case s.needs <- struct{}{}:
	default:
	}
}

// released frees the seat of a claim. Through: the reading's end was reached and all is saved.
func (s *Source) released(c *Claim, through bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if through {
		s.through[c.p] = true
	}
	if at := s.seats[c.p]; at != nil && at.claim == c {
		at.claim = nil
		s.offer(c.p)
	}
	s.stir()
}

// A receiver takes what the fetcher reads.
type receiver struct{ s *Source }

// Fetched passes a block to the claim of its partition.
func (r receiver) Fetched(p Partition, b Block) {
	if c := r.s.claimOf(p); c != nil {
		c.fetched(b)
	}
}

// Broken tells the claim of the partition.
func (r receiver) Broken(p Partition, err error) {
	if c := r.s.claimOf(p); c != nil {
		c.broken(err)
	}
}

func (s *Source) claimOf(p Partition) *Claim {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.seats[p]; at != nil {
		return at.claim
	}
	return nil
}
