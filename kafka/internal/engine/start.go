package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// The Start of a group is saved as committed offsets, once for each topic, by whoever holds its partition 0. The others
// wait, and ask again after pauses that double.
const (
	startFirst = 100 * time.Millisecond
	startLast  = time.Second
)

// waiting is since when, and until when, somebody else should save a topic's Start.
type waiting struct {
	until time.Time
	pause time.Duration
}

// prepare finds where the reading of each new claim begins, and queues it for Next.
func (s *Source) prepare(ctx context.Context) {
	timer := time.NewTimer(startLast)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.needs:
		case <-timer.C:
		}
		if again := s.prepareAll(ctx); again > 0 {
			timer.Reset(again)
		}
	}
}

// prepareAll looks at every claim that is not ready yet. Again: what could not be done now should be tried after that.
func (s *Source) prepareAll(ctx context.Context) (again time.Duration) {
	for topic, claims := range s.unprepared() {
		var ready []*Claim
		var wait time.Duration
		err := s.bounded(ctx, func(ctx context.Context) (err error) {
			ready, wait, err = s.prepareTopic(ctx, topic, claims)
			return err
		})
		if err != nil && ctx.Err() == nil {
			wait = startLast
			if isFinal(err) {
				s.fail(fault("join", topic, "", err))
			} else {
				s.settings.Logger.Warn("committed offsets cannot be read", "group", s.config.Group, "topic", topic, "error", err)
			}
		}
		s.enqueue(ready)
		if wait > 0 && (again == 0 || wait < again) {
			again = wait
		}
	}
	return again
}

// bounded gives one attempt at something half the rebalance timeout: whoever saves a Start has done so, or has given up,
// before another one is tired of waiting.
func (s *Source) bounded(ctx context.Context, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.settings.Rebalance/2)
	defer cancel()
	return attempt(ctx)
}

// isFinal reports whether trying again is of no use.
func isFinal(err error) bool {
	for _, final := range []error{stream.ErrUnauthorized, stream.ErrNotFound, stream.ErrInvalid, stream.ErrUnsupported, stream.ErrCorrupt} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// fail ends the source: Next returns err.
func (s *Source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		s.fault = err
	}
	s.stir()
}

// unprepared are the claims of which it is not known where their reading begins, by topic.
func (s *Source) unprepared() map[string][]*Claim {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string][]*Claim{}
	for p, at := range s.seats {
		if c := at.claim; c != nil && !c.granted && !slices.Contains(s.queue, c) && c.state() == nil {
			found[p.Topic] = append(found[p.Topic], c)
		}
	}
	return found
}

// enqueue offers claims to Next, those of them that still stand. What is at its end already is not granted.
func (s *Source) enqueue(claims []*Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range claims {
		at := s.seats[c.p]
		if at.claim != c || c.state() != nil {
			continue
		}
		if c.atEnd() && !(s.config.External && c.until > 0) {
			s.through[c.p] = true
			at.claim = nil
			continue
		}
		s.queue = append(s.queue, c)
	}
	s.stir()
}

// prepareTopic finds where claims of one topic begin.
func (s *Source) prepareTopic(ctx context.Context, topic string, claims []*Claim) (ready []*Claim, again time.Duration, err error) {
	begin := s.starts(claims)
	if s.config.Group != "" {
		begin, again, err = s.committed(ctx, topic, claims)
	}
	for _, c := range claims {
		at, ok := begin[c.p.Number]
		if !ok {
			continue
		}
		if s.config.External {
			at.Metadata = ""
		}
		if wrong := c.begin(at); wrong != nil {
			return ready, again, wrong
		}
		ready = append(ready, c)
	}
	return ready, again, err
}

// starts are where a reading without a group begins.
func (s *Source) starts(claims []*Claim) map[int32]Committed {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[int32]Committed{}
	for _, c := range claims {
		found[c.p.Number] = s.seats[c.p].start
	}
	return found
}

// committed is what the group has saved for the claims' partitions. Where it has saved nothing in the topic, its Start is
// saved first; a partition without an offset in a topic that has some appeared later and is read from its beginning.
func (s *Source) committed(ctx context.Context, topic string, claims []*Claim) (map[int32]Committed, time.Duration, error) {
	mine := make([]int32, len(claims))
	for i, c := range claims {
		mine[i] = c.p.Number
	}
	slices.Sort(mine)
	found, err := s.client.Committed(ctx, s.config.Group, topic, mine)
	if err != nil || len(found) == len(mine) {
		return found, 0, err
	}
	t, err := s.client.Topic(ctx, topic)
	if err != nil {
		return found, 0, err
	}
	s.identify(t)
	all, err := s.client.Committed(ctx, s.config.Group, topic, numbers(t))
	if err != nil {
		return found, 0, err
	}
	if len(all) == 0 && mutated("start is not saved") {
		at, err := startOffsets(ctx, s.client, s.stable(), topic, mine, stream.StartLatest, s.config.Start)
		for n, o := range at {
			found[n] = Committed{Offset: o}
		}
		return found, 0, err
	}
	if len(all) == 0 {
		wait, err := s.saveStart(ctx, t, claims)
		return nil, wait, err
	}
	for _, n := range mine {
		if at, ok := all[n]; ok {
			found[n] = at
		} else {
			found[n] = Committed{Offset: Offset{Epoch: -1}}
		}
	}
	return found, 0, nil
}

// saveStart saves the group's Start in a topic, if that is this member's turn, and says when to look again.
func (s *Source) saveStart(ctx context.Context, t Topic, claims []*Claim) (again time.Duration, err error) {
	writer := claims[0]
	for _, c := range claims {
		if c.p.Number < writer.p.Number {
			writer = c
		}
	}
	which := numbers(t)
	if len(s.only) > 0 {
		which = s.selected(t)
	}
	if writer.p.Number != which[0] {
		if wait := s.awaitStart(t.Name); wait > 0 {
			return wait, nil
		}
	}
	kind, _, _ := s.config.Start.Parts()
	start := s.config.Start
	if s.mu.Lock(); !s.topics[t.Name] {
		kind, start = stream.StartOldest, stream.Start{} // the topic appeared later
	}
	s.mu.Unlock()
	offsets, err := startOffsets(ctx, s.client, s.stable(), t.Name, which, kind, start)
	if err != nil {
		return 0, err
	}
	commits := make(map[int32]Committed, len(offsets))
	for n, at := range offsets {
		commits[n] = Committed{Offset: at}
	}
	err = writer.Guarded(ctx, func(ctx context.Context, m Membership) error {
		answers, err := s.client.Commit(ctx, m, t.Name, commits)
		return errors.Join(append(slices.Collect(maps.Values(answers)), err)...)
	})
	if errors.Is(err, stream.ErrLost) {
		return startFirst, nil
	}
	return 1, err // look again at once: what is read is what counts
}

// awaitStart says how long to wait for somebody else to save a topic's Start; 0: for long enough.
func (s *Source) awaitStart(topic string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.waiting[topic]
	if !ok {
		w = waiting{until: time.Now().Add(s.settings.Rebalance), pause: startFirst}
	}
	if time.Now().After(w.until) {
		delete(s.waiting, topic)
		return 0
	}
	pause := w.pause
	w.pause = min(2*w.pause, startLast)
	s.waiting[topic] = w
	return pause
}

// startOffsets resolves a Start.
func startOffsets(
	ctx context.Context, a Admin, stable, topic string, partitions []int32, kind string, start stream.Start,
) (map[int32]Offset, error) {
	_, at, after := start.Parts()
	switch kind {
	case stream.StartLatest:
		return offsetsAt(ctx, a, topic, partitions, Edge{Kind: stable})
	case stream.StartSince:
		return offsetsSince(ctx, a, topic, partitions, at, stable, true)
	case stream.StartAfter:
		o, err := offsetAfter(after)
		return map[int32]Offset{partitions[0]: o}, err
	}
	return offsetsAt(ctx, a, topic, partitions, Edge{Kind: EdgeOldest})
}
