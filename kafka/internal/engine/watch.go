package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// watchProgress takes the partition from a handler that is stuck: records are waiting for it, and it neither fetches nor
// saves for so long. The others go on. The partition stays this member's, and is granted again after the handler has
// returned; a checkpoint that comes late is refused.
func (s *Source) watchProgress(ctx context.Context) {
	ticker := time.NewTicker(max(s.settings.Stuck/4, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for c, still := range s.stuck() {
			err := fmt.Errorf("%w: the handler has made no progress for %v while records wait", stream.ErrLost, still)
			s.tell(stream.Event{
				Kind: stream.EventStalled, Stream: c.p.Topic, Partition: c.p.String(),
				Position: positionAfter(Offset{At: c.saved.Load(), Epoch: -1}), Duration: still, Err: c.fault("watch", err),
			})
			c.lose(stream.ErrLost)
		}
	}
}

// stuck are the claims whose handlers make no progress, and for how long they have made none.
func (s *Source) stuck() map[*Claim]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[*Claim]time.Duration{}
	for _, at := range s.seats {
		c := at.claim
		if c == nil || !c.granted || c.state() != nil || !c.buffer.waiting() {
			continue
		}
		if still := time.Since(time.Unix(0, c.progress.Load())); still >= s.settings.Stuck {
			found[c] = still
		}
	}
	return found
}

// endsEvery is how often a member that is through with its own partitions asks how far the others are.
const endsEvery = 500 * time.Millisecond

// watchEnds asks how far the group is with partitions that others hold, once this member is through with its own.
func (s *Source) watchEnds(ctx context.Context) {
	ticker := time.NewTicker(endsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s.config.External || !s.idle() {
			continue
		}
		if err := s.bounded(ctx, s.lookAtEnds); err != nil && ctx.Err() == nil {
			s.settings.Logger.Warn("the group's progress cannot be read", "group", s.config.Group, "error", err)
		}
	}
}

// idle reports whether the member holds nothing.
func (s *Source) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.claims()) == 0
}

// lookAtEnds notes the partitions that the group has read up to their ends.
func (s *Source) lookAtEnds(ctx context.Context) error {
	for topic, open := range s.unfinished() {
		if !s.ends.isClosed() && !s.ends.time.After(time.Now()) {
			if err := s.ends.resolve(ctx, s.client, s.stable(), topic, open); err != nil {
				return err
			}
		}
		found, err := s.client.Committed(ctx, s.config.Group, topic, open)
		if err != nil {
			return err
		}
		s.mu.Lock()
		for n, at := range found {
			p := Partition{Topic: topic, Number: n}
			if until, _ := s.ends.of(p); until >= 0 && at.Offset.At >= until {
				s.through[p] = true
			}
		}
		s.stir()
		s.mu.Unlock()
	}
	return nil
}

// unfinished are the partitions with an end that is not known to be reached, by topic.
func (s *Source) unfinished() map[string][]int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string][]int32{}
	for _, p := range s.ends.all() {
		if !s.through[p] {
			found[p.Topic] = append(found[p.Topic], p.Number)
		}
	}
	return found
}

// over reports whether the reading has ended in every selected partition. Where checkpoints live elsewhere nobody can see
// how far other members are: then it is over when this one is through with all that it was given. Whoever is left is given
// the rest. The caller holds s.mu.
func (s *Source) over() bool {
	if s.ends.none() {
		return false
	}
	mine := 0
	for p, at := range s.seats {
		if at.claim != nil || at.owned && !s.through[p] {
			return false
		}
		mine++
	}
	if s.config.External && s.config.Group != "" {
		return mine > 0
	}
	for _, p := range s.ends.all() {
		if !s.through[p] {
			return false
		}
	}
	return true
}
