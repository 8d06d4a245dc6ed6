package streamtest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// grace is what the rules give handlers, unless they say otherwise.
const grace = 5 * time.Second

// group is the configuration of a member of a new group that reads the streams.
func (t *T) group(streams ...string) stream.ConsumerConfig {
	return stream.ConsumerConfig{Group: t.name("group"), Member: t.name("member"), Streams: streams, Grace: grace}
}

// another is the configuration of another member of the group.
func (t *T) another(c stream.ConsumerConfig) stream.ConsumerConfig {
	c.Member = t.name("member")
	return c
}

// on runs a consumer of a backend, which may be one with hooks, until end is called or the rule is over.
func (t *T) on(b stream.Backend, c stream.ConsumerConfig, h stream.Handler) *running {
	consumer, err := stream.NewConsumer(t.ctx, b, c)
	t.ok(err, "NewConsumer")
	ctx, cancel := context.WithCancel(t.ctx)
	r := &running{stop: cancel, over: make(chan struct{})}
	go func() {
		defer close(r.over)
		r.err = consumer.Run(ctx, h)
	}()
	t.cleanup(func() { cancel(); <-r.over })
	return r
}

// toEnd runs a member until it has read all that is there now.
func (t *T) toEnd(c stream.ConsumerConfig, h stream.Handler) error {
	c.Member, c.End = t.name("member"), stream.Latest()
	return t.consumer(c).Run(t.ctx, h)
}

// left gives the values that the group has not checkpointed, in the order in which they stand. No member may be alive.
func (t *T) left(c stream.ConsumerConfig, name string) []string {
	var values []string
	read, saved := t.read(name), t.saved(c, name)
	for _, partition := range slices.Sorted(maps.Keys(read)) {
		at := saved[partition].Position
		if c.Checkpointer != nil {
			kept, err := c.Checkpointer.Load(t.ctx, stream.CheckpointKey{Group: c.Group, Stream: name, Partition: partition})
			t.ok(err, "Load")
			at = kept.Position
		}
		for _, rec := range read[partition] {
			if rec.Position.Compare(at) > 0 {
				values = append(values, string(rec.Value))
			}
		}
	}
	return values
}

// saved asks the backend what it keeps for a group: each partition's checkpoint. No member may be alive.
func (t *T) saved(c stream.ConsumerConfig, name string) map[string]stream.Checkpoint {
	all := t.partitionNames(name)
	config := t.sourceConfig(c.Group, name)
	config.External = c.Checkpointer != nil
	s, err := t.Backend.OpenSource(t.ctx, config)
	t.ok(err, "OpenSource")
	saved := map[string]stream.Checkpoint{}
	var claims []stream.Claim
	for len(saved) < len(all) {
		claim, err := s.Next(t.ctx)
		t.ok(err, "Next: %d of %d partitions were granted", len(saved), len(all))
		saved[claim.Hold().Partition] = claim.Hold().Saved
		claims = append(claims, claim)
	}
	for _, claim := range claims {
		t.ok(claim.Release(t.ctx, false), "Release")
	}
	t.ok(s.Close(t.ctx), "Source.Close")
	return saved
}

// savedIn is saved of a stream of one partition.
func (t *T) savedIn(c stream.ConsumerConfig, name string) stream.Checkpoint {
	for _, checkpoint := range t.saved(c, name) {
		return checkpoint
	}
	return stream.Checkpoint{}
}

// within fails unless f takes at most so long, and returns what f returned. Where time is real, a little more is
// allowed.
func (t *T) within(most time.Duration, what string, f func() error) error {
	begun := time.Now()
	err := f()
	took := time.Since(begun)
	if !t.Bubble {
		took -= time.Second
	}
	t.check(took <= most, "%s took %v, at most %v is allowed", what, took, most)
	return err
}

// wait waits until a run is over by itself.
func (r *running) wait() error {
	<-r.over
	return r.err
}

// apart lets what is stored be older than what comes next by any service's clock, which may tell whole seconds only.
func (t *T) apart() { t.sleep(2 * time.Second) }

// sleep waits in a way that works in a bubble and outside; it is no synchronisation.
func (t *T) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
	}
}
