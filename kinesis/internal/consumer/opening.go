package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// New opens a source. The backend's other sources are in Deps.Sources, and the new one is added.
func New(ctx context.Context, d Deps, s settings.Settings, c stream.SourceConfig) (*Source, error) {
	src := &Source{
		deps: d, settings: s, config: c, opened: make(chan struct{}), wake: make(chan struct{}), ending: make(chan struct{}),
	}
	if err := check(s, c); err != nil {
		return nil, fault("open source", "", "", err)
	}
	src.running, src.cancel = context.WithCancel(context.Background())
	err := d.Sources.Add(src)
	if err == nil {
		err = src.begin(ctx)
	}
	if err != nil {
		src.cancel()
		return nil, fault("open source", "", "", err)
	}
	return src, nil
}

// check refuses what can never work.
func check(s settings.Settings, c stream.SourceConfig) error {
	if len(c.Partitions) > 0 && len(c.Streams) != 1 {
		return fmt.Errorf("%w: partitions are selected in one stream only", stream.ErrInvalid)
	}
	if sorted := slices.Sorted(slices.Values(c.Partitions)); len(slices.Compact(sorted)) != len(c.Partitions) {
		return fmt.Errorf("%w: a partition is named twice", stream.ErrInvalid)
	}
	for _, start := range []stream.Start{c.Start, c.End} {
		kind, _, after := start.Parts()
		if kind != stream.StartAfter {
			continue
		}
		if len(c.Partitions) != 1 {
			return fmt.Errorf("%w: After needs exactly one partition", stream.ErrInvalid)
		}
		if _, _, term := after.Parts(); term != 0 {
			return fmt.Errorf("%w: position %v is not of a shard", stream.ErrInvalid, after)
		}
	}
	switch {
	case c.Group == "":
		return nil
	case s.LeaseTable == "" && !c.External:
		return fmt.Errorf("%w: without a lease table a group has nowhere to keep its checkpoints: set ConsumerConfig.Checkpointer, "+
			"or do not set Config.Static", stream.ErrUnsupported)
	case s.LeaseTable != "" && len(c.Partitions) > 0:
		return fmt.Errorf("%w: a group shares all partitions of a stream", stream.ErrInvalid)
	}
	return nil
}

// leased reports whether shards are shared by leases.
func (s *Source) leased() bool { return s.config.Group != "" && s.settings.LeaseTable != "" }

// begin opens the tracks. Whoever abandons the source, or closes the backend, meanwhile ends that.
func (s *Source) begin(ctx context.Context) error {
	defer close(s.opened)
	opening, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.running, cancel)()
	err := s.open(opening)
	if err == nil {
		return nil
	}
	s.failed = true
	s.deps.Sources.Remove(s)
	if s.running.Err() != nil {
		err = stream.ErrClosed
	}
	return err
}

// open opens all tracks, and starts them when all are.
func (s *Source) open(ctx context.Context) error {
	var tracks []*track
	for _, name := range s.config.Streams {
		t, err := s.openTrack(ctx, name)
		for n := 1; n < openTries && err != nil && passing(err); n++ {
			if rest(ctx, openPause<<n); ctx.Err() != nil {
				break
			}
			t, err = s.openTrack(ctx, name)
		}
		if err != nil {
			_ = s.shutTracks(tracks)
			return fault("open source", name, "", err)
		}
		tracks = append(tracks, t)
	}
	s.mu.Lock()
	s.tracks = tracks
	s.mu.Unlock()
	for _, t := range tracks {
		t.start()
	}
	return nil
}

// openTries is how often a stream is opened at most, where the services are busy or away. The pause before the second time
// is twice openPause, and each one after it twice that before.
const (
	openTries = 5
	openPause = 50 * time.Millisecond
)

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

// closeTracks gives everything back, of all streams at a time.
func (s *Source) closeTracks(ctx context.Context) error {
	errs := make([]error, len(s.tracks))
	var wg sync.WaitGroup
	for i, t := range s.tracks {
		wg.Go(func() { errs[i] = t.close(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// shutTracks closes tracks that were never started.
func (s *Source) shutTracks(tracks []*track) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	var errs []error
	for _, t := range tracks {
		errs = append(errs, t.close(ctx))
	}
	return errors.Join(errs...)
}
