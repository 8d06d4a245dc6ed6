package consumer

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// A Source grants shards to one member of a group, or all of them to a reading without a group. Each stream has a
// track of its own; they share one Next.
type Source struct {
	deps     Deps
	settings settings.Settings
	config   stream.SourceConfig
	tracks   []*track
	running  context.Context
	cancel   context.CancelFunc // ends running
	opened   chan struct{}      // closed when New has returned
	failed   bool               // New has failed; read after opened
	wg       sync.WaitGroup

	mu     sync.Mutex    // guards what follows
	claims []*Claim      // not released
	queue  []*Claim      // not granted
	wake   chan struct{} // closed and replaced when Next should look again
	fault  error         // the source cannot go on
	closed bool
	nexts  int           // under way
	idle   bool          // the last Next was told to end: nobody waits for claims
	dead   bool          // abandoned: nothing is taken any more
	buried bool          // abandoned, and every claim is lost
	ending chan struct{} // closed when Close has ended
	endErr error
}

// Next grants the next shard.
func (s *Source) Next(ctx context.Context) (stream.Claim, error) {
	s.mu.Lock()
	s.nexts, s.idle = s.nexts+1, false
	s.mu.Unlock()
	defer s.nextDone(ctx)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, wait, err := s.next()
		if err != nil {
			return nil, fault("next", "", "", err)
		}
		if c != nil {
			return c, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
		}
	}
}

// nextDone notes the end of a Next.
func (s *Source) nextDone(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nexts--
	s.idle = s.nexts == 0 && ctx.Err() != nil
}

// leaving reports whether nothing more is to be taken: the source is closed, or whoever read from it waits for its handlers
// before it closes it. What a handler gives back meanwhile is for others.
func (s *Source) leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idle || s.closed || s.dead
}

// next grants a shard if it can, or says what to wait for.
func (s *Source) next() (*Claim, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.buried:
		return nil, nil, stream.ErrClosed
	case s.dead:
		return nil, s.wake, nil
	case s.fault != nil:
		return nil, nil, s.fault
	}
	for len(s.queue) > 0 {
		c := s.queue[0]
		s.queue = s.queue[1:]
		if c.state() == nil && !isDone(c.hold.Asked) {
			c.granted = true
			return c, nil, nil
		}
	}
	if s.over() {
		return nil, nil, io.EOF
	}
	return nil, s.wake, nil
}

// over reports whether the reading has ended in every selected shard. The caller holds s.mu.
func (s *Source) over() bool {
	if kind, _, _ := s.config.End.Parts(); kind == stream.StartOldest || len(s.claims) > 0 {
		return false
	}
	return !slices.ContainsFunc(s.tracks, func(t *track) bool { return !t.over })
}

// stir lets a waiting Next look again. The caller holds s.mu.
func (s *Source) stir() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// offer queues a claim for Next, and follows its tenure. False: the source ends, and the claim is not wanted.
func (s *Source) offer(c *Claim) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.dead {
		return false
	}
	s.claims = append(s.claims, c)
	s.queue = append(s.queue, c)
	s.wg.Go(c.watch)
	s.stir()
	return true
}

// withdraw gives a claim back that was not granted and is asked back or lost.
func (s *Source) withdraw(c *Claim) {
	s.mu.Lock()
	granted := c.granted
	s.queue = slices.DeleteFunc(s.queue, func(other *Claim) bool { return other == c })
	s.mu.Unlock()
	if granted {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if err := c.Release(ctx, false); err != nil {
		s.settings.Logger.Warn("a lease was not given back", "stream", c.o.track.name, "partition", c.o.shard, "error", err)
	}
}

// released forgets a claim. Ended: its shard is settled. Through: it is, as far as this reading goes.
func (s *Source) released(c *Claim, ended, through bool) {
	c.o.track.share.released(c.o.shard, ended, through)
	s.mu.Lock()
	s.claims = slices.DeleteFunc(s.claims, func(other *Claim) bool { return other == c })
	s.stir() // it may have been the last, and that the track is over may be known already
	s.mu.Unlock()
	c.o.track.look()
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

// tell tells an event of this member.
func (s *Source) tell(e stream.Event) {
	e.Group, e.Member = s.config.Group, s.config.Member
	s.config.Observe(e)
}

// isClosed reports whether Close or Shut has begun.
func (s *Source) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close leaves the group: it ends every claim, and returns when the leases are given back, or with an error when ctx
// ends. A second Close returns what the first returned.
func (s *Source) Close(ctx context.Context) error { return s.end(ctx, stream.ErrLost) }

// Shut is Close for a backend that is closed: every claim answers ErrClosed.
func (s *Source) Shut(ctx context.Context) error { return s.end(ctx, stream.ErrClosed) }

func (s *Source) end(ctx context.Context, why error) error {
	s.mu.Lock()
	first, dead := !s.closed, s.dead
	s.closed = true
	claims := slices.Clone(s.claims)
	s.stir()
	s.mu.Unlock()
	if !first {
		<-s.ending
		return s.endErr
	}
	defer close(s.ending)
	if !s.awaitOpen() {
		return nil
	}
	for _, c := range claims {
		c.finish(why, why == stream.ErrClosed)
	}
	for _, c := range claims {
		c.quiet(ctx)
	}
	s.cancel()
	if !dead {
		s.endErr = fault("leave", "", "", s.closeTracks(ctx))
	}
	s.wg.Wait()
	s.deps.Sources.Remove(s)
	return s.endErr
}

// Abandon does what kill -9 does: every claim is lost, Next returns ErrClosed, and the table is told nothing.
func (s *Source) Abandon() {
	s.mu.Lock()
	again := s.dead || s.closed
	s.dead = true
	s.mu.Unlock()
	if again {
		return
	}
	opened := s.awaitOpen()
	if opened {
		for _, t := range s.tracks {
			t.share.abandon()
		}
	}
	s.bury()
	if !opened {
		return
	}
	s.cancel()
	s.wg.Wait()
	s.deps.Sources.Remove(s)
}

// bury loses the claims of a dead source, and then says that it is closed: who hears that first gives claims back in order.
func (s *Source) bury() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.claims {
		c.lose(stream.ErrLost)
	}
	s.buried = true
	s.stir()
}

// Name is how the member is called in its group.
func (s *Source) Name() (group, member string) { return s.config.Group, s.config.Member }

// leaveTime bounds leaving where the caller's context does not.
const leaveTime = 10 * time.Second
