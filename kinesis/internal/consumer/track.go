package consumer

import (
	"context"
	"strings"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/reader"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A track is one stream of a source.
type track struct {
	s        *Source
	name     string
	bound    bound            // where the reading ends in each shard
	consumer *reader.Consumer // of enhanced fan-out; nil: polling
	share    share
	looks    chan struct{} // holds a token when it should be looked whether the reading is over

	over bool // the reading has ended in every shard; the source's lock guards it
}

// A share gives this member shards of a stream.
type share interface {
	run(ctx context.Context) // until ctx ends
	close(ctx context.Context) error
	abandon()
	released(shard string, ended, through bool)
	over() bool // the reading has ended in every shard
}

// openTrack finds out what the stream is, and opens its share.
func (s *Source) openTrack(ctx context.Context, name string) (*track, error) {
	t := &track{s: s, name: name, looks: make(chan struct{}, 1)}
	listing, err := s.deps.Service.Shards(ctx, name, api.Filter{})
	if err != nil {
		return nil, err
	}
	t.bound = newBound(s.config.End, clock(listing.Date))
	// A shard has one subscription of a consumer at a time: a reading without a group would take the group's.
	if s.settings.FanOut != "" && (s.config.Group != "" || s.settings.LeaseTable == "") {
		t.consumer, err = reader.Register(ctx, reader.Registration{
			Service: s.deps.Service, Stream: name, Logger: s.settings.Logger,
			Name: strings.ReplaceAll(s.settings.FanOut, "{group}", s.config.Group),
		})
		if err != nil {
			return nil, err
		}
	}
	if s.leased() {
		t.share, err = newGroup(ctx, t)
	} else {
		t.share, err = newStatic(t, listing)
	}
	if err != nil && t.consumer != nil {
		_ = t.consumer.Close(ctx)
	}
	return t, err
}

// start lets the share give shards.
func (t *track) start() {
	t.s.wg.Go(func() { t.share.run(t.s.running) })
	if !t.bound.none() {
		t.s.wg.Go(func() { t.watch(t.s.running) })
	}
}

// close gives the shards back, and the consumer of enhanced fan-out, if it is this process's own.
func (t *track) close(ctx context.Context) error {
	err := t.share.close(ctx)
	if t.consumer != nil {
		if closing := t.consumer.Close(ctx); err == nil {
			err = closing
		}
	}
	return err
}

// endsEvery is how often it is looked how far other members are.
const endsEvery = time.Second

// watch finds out when the reading is over.
func (t *track) watch(ctx context.Context) {
	ticker := time.NewTicker(endsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-t.looks:
		}
		over := t.share.over()
		t.s.mu.Lock()
		changed := over != t.over
		t.over = over
		if changed {
			t.s.stir()
		}
		t.s.mu.Unlock()
	}
}

// look has it looked whether the reading is over.
func (t *track) look() { signal(t.looks) }

// auto reports whether the service spreads records over the shards by itself.
func (t *track) auto() bool {
	known, ok := t.s.deps.Known(t.name)
	return ok && known.Distribution == "AUTO"
}

// retention is how long the service keeps records; 0: not known.
func (t *track) retention() time.Duration {
	known, _ := t.s.deps.Known(t.name)
	return known.Retention
}

// gone reports whether a shard that the service did not know since a moment is no more: a complete listing that began
// well after must not tell it either (rule 8 of lineage). False: that is not certain yet.
func (t *track) gone(ctx context.Context, id string, missed time.Time) (bool, error) {
	if time.Since(missed) <= t.s.settings.ListingLag {
		return false, nil
	}
	listing, err := t.s.deps.Service.Shards(ctx, t.name, api.Filter{})
	if err != nil || !shard.NewMap(listing.Shards).Covers() {
		return false, err
	}
	for _, sh := range listing.Shards {
		if sh.ID == id {
			return false, nil
		}
	}
	return true, nil
}

// wanted is the time of a threshold in Unix milliseconds; zero: everything is wanted.
func wanted(threshold int64) time.Time {
	if threshold <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(threshold)
}

var _ stream.Source = (*Source)(nil)
