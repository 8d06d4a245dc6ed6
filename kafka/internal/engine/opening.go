package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/streamport-go/streamport/stream"
)

// begin opens the source. Whoever abandons it, or closes the backend, meanwhile ends that.
func (s *Source) begin(ctx context.Context) error {
	defer close(s.opened)
	opening, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.running, cancel)()
	err := s.open(opening)
	if err != nil {
		s.failed = true
		s.sources.Remove(s)
		if s.running.Err() != nil {
			err = stream.ErrClosed
		}
	}
	return err
}

// awaitOpen ends an opening that is under way, and reports whether there is something to be closed.
func (s *Source) awaitOpen() bool {
	select {
	case <-s.opened:
	default:
		s.cancel()
		<-s.opened
	}
	return !s.failed
}

// check refuses what can never work.
func (s *Source) check() error {
	if len(s.config.Partitions) > 0 && (len(s.config.Streams) != 1 || isPattern(s.config.Streams[0])) {
		return fmt.Errorf("%w: partitions are selected in one stream only", stream.ErrInvalid)
	}
	for _, name := range s.config.Partitions {
		n, err := strconv.ParseInt(name, 10, 32)
		if err != nil || n < 0 || strconv.FormatInt(n, 10) != name {
			return fmt.Errorf("%w: %.80q is no partition's number", stream.ErrInvalid, name)
		}
		if s.only[int32(n)] {
			return fmt.Errorf("%w: partition %s is named twice", stream.ErrInvalid, name)
		}
		if s.only == nil {
			s.only = map[int32]bool{}
		}
		s.only[int32(n)] = true
	}
	for _, start := range []stream.Start{s.config.Start, s.config.End} {
		if kind, _, _ := start.Parts(); kind == stream.StartAfter && len(s.only) != 1 {
			return fmt.Errorf("%w: After needs exactly one partition", stream.ErrInvalid)
		}
	}
	return nil
}

// open looks at the topics, opens the fetcher, and joins.
func (s *Source) open(ctx context.Context) error {
	topics, err := s.resolve(ctx)
	if err != nil {
		return err
	}
	fetcher, err := s.client.OpenFetcher(receiver{s}, FetchConfig{Member: s.config.Member})
	if err != nil {
		return err
	}
	s.reading.Fetcher = fetcher
	if s.config.Group == "" {
		err = s.seatAll(ctx, topics)
	} else {
		var member Member
		member, err = s.client.OpenMember(ctx, listener{s}, MemberConfig{
			Group: s.config.Group, Member: s.config.Member, Topics: s.config.Streams,
		})
		if err == nil {
			s.joined(member)
		}
	}
	if err != nil {
		fetcher.Close()
		return err
	}
	s.run()
	return nil
}

// joined keeps the member, and names those claims after it that the group has given before it was known here.
func (s *Source) joined(m Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.member = m
	for _, c := range s.claims() {
		if c.as == "" {
			c.as = m.Membership().Member
		}
	}
}

// run starts what goes on beside the member.
func (s *Source) run() {
	s.wg.Go(func() { s.prepare(s.running) })
	if s.config.Group == "" && len(s.only) == 0 {
		s.wg.Go(func() { s.discover(s.running) })
	}
	if s.config.Group != "" && !s.ends.none() {
		s.wg.Go(func() { s.watchEnds(s.running) })
	}
	if s.settings.Stuck > 0 {
		s.wg.Go(func() { s.watchProgress(s.running) })
	}
}

// resolve describes the topics and finds where the reading ends in each partition.
func (s *Source) resolve(ctx context.Context) ([]Topic, error) {
	topics, err := describe(ctx, s.client, s.config.Streams)
	if err != nil {
		return nil, err
	}
	for _, t := range topics {
		s.topics[t.Name] = true
		s.identify(t)
		for n := range s.only {
			if !slices.Contains(numbers(t), n) {
				return nil, fault("open source", t.Name, Partition{Number: n}.String(),
					fmt.Errorf("%w: no such partition", stream.ErrNotFound))
			}
		}
		if err := s.ends.resolve(ctx, s.client, s.stable(), t.Name, s.selected(t)); err != nil {
			return nil, err
		}
	}
	return topics, nil
}

// selected are the numbers of the partitions of a topic that are read.
func (s *Source) selected(t Topic) []int32 {
	return slices.DeleteFunc(numbers(t), func(n int32) bool { return !s.selects(n) })
}

func (s *Source) selects(n int32) bool { return len(s.only) == 0 || s.only[n] }

// stable is the edge that a reader can reach.
func (s *Source) stable() string { return stableEdge(s.settings) }

func stableEdge(s Settings) string {
	if s.Uncommitted {
		return EdgeEnd
	}
	return EdgeStable
}
