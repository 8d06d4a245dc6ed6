package kafkago

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A subscription is which topics a member reads: by name, and by regular expressions, which are resolved here. Only topics
// that exist count, and those that did once. One goroutine uses it at a time, but for count.
type subscription struct {
	lines       *lines
	names       []string
	expressions []*regexp.Regexp
	every       time.Duration
	known       map[string]bool // nil: none yet
}

func newSubscription(l *lines, topics []string) (*subscription, error) {
	s := &subscription{lines: l, every: l.settings.MetadataMaxAge, known: map[string]bool{}}
	for _, topic := range topics {
		if !strings.HasPrefix(topic, "^") {
			s.names = append(s.names, topic)
			continue
		}
		expression, err := regexp.Compile(topic)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", stream.ErrInvalid, err)
		}
		s.expressions = append(s.expressions, expression)
	}
	return s, nil
}

// resolve returns the topics to read, by name.
func (s *subscription) resolve(ctx context.Context) ([]string, error) {
	asked := s.names
	if len(s.expressions) > 0 {
		asked = nil // all
	}
	topics, err := s.describe(ctx, asked)
	if err != nil {
		return nil, err
	}
	for _, t := range topics {
		if t.ErrorCode == 0 && s.reads(t) {
			s.known[t.Name] = true
		}
	}
	found := make([]string, 0, len(s.known))
	for topic := range s.known {
		found = append(found, topic)
	}
	slices.Sort(found)
	return found, nil
}

func (s *subscription) reads(t metadata.ResponseTopic) bool {
	if slices.Contains(s.names, t.Name) {
		return true
	}
	matches := func(e *regexp.Regexp) bool { return e.MatchString(t.Name) }
	return !t.IsInternal && slices.ContainsFunc(s.expressions, matches)
}

// count returns how many partitions the topics have; those that do not exist are left out.
func (s *subscription) count(ctx context.Context, topics []string) (map[string]int, error) {
	found, err := s.describe(ctx, topics)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, t := range found {
		if t.ErrorCode == 0 && len(t.Partitions) > 0 {
			counts[t.Name] = len(t.Partitions)
		}
	}
	return counts, nil
}

// describe asks for topics, or for nil for all, and makes none that does not exist.
func (s *subscription) describe(ctx context.Context, topics []string) ([]metadata.ResponseTopic, error) {
	answer, err := s.lines.ask(ctx, "", &metadata.Request{TopicNames: topics})
	if err != nil {
		return nil, err
	}
	found := answer.(*metadata.Response).Topics
	for _, t := range found {
		if engine.Code(t.ErrorCode) == engine.TopicDenied && slices.Contains(s.names, t.Name) {
			return nil, engine.Failed(t.ErrorCode, nil)
		}
	}
	return found, nil
}

// watch says so when there are more topics than those of the group, or when one that the member has shared out, as the
// group's leader, has another number of partitions.
func (s *subscription) watch(ctx context.Context, of []string, shared map[string]int, changed chan<- step) {
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		next, ok := s.compare(ctx, of, shared)
		if !ok {
			continue
		}
		select {
		case changed <- next:
		case <-ctx.Done():
		}
		return
	}
}

func (s *subscription) compare(ctx context.Context, of []string, shared map[string]int) (step, bool) {
	topics, err := s.resolve(ctx)
	if err == nil && !slices.Equal(topics, of) {
		return leaving, true
	}
	if len(shared) == 0 {
		return 0, false
	}
	names := make([]string, 0, len(shared))
	for topic := range shared {
		names = append(names, topic)
	}
	counts, err := s.count(ctx, names)
	if err != nil {
		return 0, false
	}
	for topic, n := range counts { // one that is missing may be so for this broker only
		if n != shared[topic] {
			return rejoining, true
		}
	}
	return 0, false
}
