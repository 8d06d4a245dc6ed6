package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// isPattern reports whether a stream's name is a regular expression of topics, as in librdkafka.
func isPattern(name string) bool { return strings.HasPrefix(name, "^") }

// describe describes the topics that the names mean, each once. A pattern may match none.
func describe(ctx context.Context, a Admin, names []string) ([]Topic, error) {
	matching, err := match(ctx, a, names)
	if err != nil {
		return nil, err
	}
	topics := make([]Topic, 0, len(matching))
	for _, name := range matching {
		t, err := a.Topic(ctx, name)
		if err != nil {
			return nil, fault("describe", name, "", err)
		}
		topics = append(topics, t)
	}
	return topics, nil
}

// match are the topics that the names mean.
func match(ctx context.Context, a Admin, names []string) ([]string, error) {
	var found, every []string
	for _, name := range names {
		if !isPattern(name) {
			if err := CheckName(name); err != nil {
				return nil, fault("describe", name, "", err)
			}
			found = append(found, name)
			continue
		}
		pattern, err := regexp.Compile(name)
		if err != nil {
			return nil, fault("describe", name, "", fmt.Errorf("%w: %w", stream.ErrInvalid, err))
		}
		if every == nil {
			if every, err = a.Topics(ctx); err != nil {
				return nil, fault("describe", name, "", err)
			}
		}
		for _, topic := range every {
			if pattern.MatchString(topic) {
				found = append(found, topic)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// numbers are the topic's partitions.
func numbers(t Topic) []int32 {
	all := make([]int32, len(t.Partitions))
	for i, p := range t.Partitions {
		all[i] = p.Number
	}
	slices.Sort(all)
	return all
}

// seatAll gives every selected partition to a reading without a group, from its Start.
func (s *Source) seatAll(ctx context.Context, topics []Topic) error {
	kind, _, _ := s.config.Start.Parts()
	for _, t := range topics {
		which := s.selected(t)
		at, err := startOffsets(ctx, s.client, s.stable(), t.Name, which, kind, s.config.Start)
		if err != nil {
			return err
		}
		s.seatSome(t.Name, which, at)
	}
	return nil
}

// seatSome gives partitions to a reading without a group. Those without a start are read from their beginning.
func (s *Source) seatSome(topic string, which []int32, starts map[int32]Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range which {
		p := Partition{Topic: topic, Number: n}
		if s.seats[p] != nil {
			continue
		}
		at := s.seat(p)
		at.owned = true
		at.start = Committed{Offset: Offset{Epoch: -1}}
		if start, ok := starts[n]; ok {
			at.start.Offset = start
		}
		s.offer(p)
	}
}

// discover looks for new topics and partitions of a reading without a group, and reads them from their beginning.
func (s *Source) discover(ctx context.Context) {
	ticker := time.NewTicker(s.settings.MetadataMaxAge)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.bounded(ctx, s.look); err != nil && ctx.Err() == nil {
			s.settings.Logger.Warn("new partitions cannot be looked for", "error", err)
		}
	}
}

func (s *Source) look(ctx context.Context) error {
	topics, err := describe(ctx, s.client, s.config.Streams)
	if err != nil {
		return err
	}
	for _, t := range topics {
		s.identify(t)
		s.seatSome(t.Name, numbers(t), nil)
	}
	return nil
}

// identify remembers which topic a name means, the first time that it is met.
func (s *Source) identify(t Topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string][16]byte{}
	}
	if _, known := s.ids[t.Name]; !known {
		s.ids[t.Name] = t.ID
	}
}

// sameTopic refuses a topic that was deleted and made anew under its name since it was met: its offsets mean other records.
// Brokers before Kafka 2.8 do not tell topics of one name apart.
func (s *Source) sameTopic(ctx context.Context, name string) error {
	t, err := s.client.Topic(ctx, name)
	if err != nil {
		return err
	}
	s.identify(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.ids[name]; known != t.ID {
		return fmt.Errorf("%w: topic %s was made anew", stream.ErrNotFound, name)
	}
	return nil
}
