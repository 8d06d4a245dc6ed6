package engine

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Source grants partitions to one member of a group, or all of them to a reading without a group. It is a member that
// is in the group and reads nothing, and a fetcher that reads and knows no group.
type Source struct {
	client   Client
	settings Settings
	config   stream.SourceConfig
	sources  *Sources
	only     map[int32]bool // empty: every partition
	ends     *ends
	reading  reading
	member   Member // nil without a group
	running  context.Context
	cancel   context.CancelFunc // ends running
	opened   chan struct{}      // closed when open has returned; if it failed there is no fetcher
	failed   bool               // open has failed
	wg       sync.WaitGroup
	gone     chan struct{} // closed when nothing runs beside the member any more
	needs    chan struct{} // holds a token when partitions are to be prepared

	mu      sync.Mutex // guards what follows
	seats   map[Partition]*seat
	ids     map[string][16]byte // of topics, as they were met first
	topics  map[string]bool     // whose Start counts; a topic that appears later is read from its beginning
	waiting map[string]waiting  // topics whose Start somebody else should save
	queue   []*Claim
	through map[Partition]bool // the reading's end was reached
	wake    chan struct{}      // closed and replaced when Next should look again
	fault   error              // the member cannot go on
	closed  bool
	dead    bool
	stopped bool
	ending  chan struct{} // closed when Close has ended
	endErr  error
}

// A seat is one partition that this member was given.
type seat struct {
	p     Partition
	owned bool      // now
	claim *Claim    // not released yet; the partition is granted again after that
	start Committed // of a reading without a group
}

// NewSource opens a source. It joins the group, or begins a reading without one. The backend's other sources are in
// sources, and the new one is added.
func NewSource(ctx context.Context, client Client, s Settings, c stream.SourceConfig, sources *Sources) (*Source, error) {
	src := &Source{
		client: client, settings: s, config: c, sources: sources, ends: newEnds(c.End),
		needs: make(chan struct{}, 1), seats: map[Partition]*seat{}, topics: map[string]bool{},
		ids:     map[string][16]byte{},
		waiting: map[string]waiting{}, through: map[Partition]bool{}, wake: make(chan struct{}), ending: make(chan struct{}),
		gone: make(chan struct{}), opened: make(chan struct{}),
	}
	if err := src.check(); err != nil {
		return nil, fault("open source", "", "", err)
	}
	src.running, src.cancel = context.WithCancel(context.Background())
	err := sources.Add(src)
	if err == nil {
		err = src.begin(ctx)
	}
	if err != nil {
		src.cancel()
		return nil, fault("open source", "", "", err)
	}
	return src, nil
}

// Next grants the next partition.
func (s *Source) Next(ctx context.Context) (stream.Claim, error) {
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

// next grants a partition if it can, or says what to wait for.
func (s *Source) next() (*Claim, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.dead:
		return nil, nil, stream.ErrClosed
	case s.fault != nil:
		return nil, nil, s.fault
	}
	for len(s.queue) > 0 {
		c := s.queue[0]
		s.queue = s.queue[1:]
		if c.state() == nil {
			c.granted = true
			c.touch()
			return c, nil, nil
		}
	}
	if s.over() {
		return nil, nil, io.EOF
	}
	return nil, s.wake, nil
}

// stir lets a waiting Next look again. The caller holds s.mu.
func (s *Source) stir() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// tell tells an event of this member.
func (s *Source) tell(e stream.Event) {
	e.Group, e.Member = s.config.Group, s.config.Member
	s.config.Observe(e)
}

// Close leaves the group: it ends every claim, and returns when the member has left, or with an error when ctx ends. A
// second Close returns what the first returned.
func (s *Source) Close(ctx context.Context) error { return s.end(ctx, stream.ErrLost) }

// Shut is Close for a backend that is closed: every claim answers ErrClosed.
func (s *Source) Shut(ctx context.Context) error { return s.end(ctx, stream.ErrClosed) }

func (s *Source) end(ctx context.Context, why error) error {
	s.mu.Lock()
	first, dead := !s.closed, s.dead
	s.closed = true
	claims := s.claims()
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
		c.shut(ctx, why)
	}
	var reading sync.WaitGroup
	reading.Go(s.stop) // takes its time while the member leaves
	if s.member != nil && !dead {
		if err := s.member.Close(ctx); err != nil && !errors.Is(err, stream.ErrClosed) {
			s.endErr = fault("leave", "", "", err)
		}
	}
	reading.Wait()
	s.sources.Remove(s)
	return s.endErr
}

// stop ends what the source runs beside its member.
func (s *Source) stop() {
	s.mu.Lock()
	again := s.stopped
	s.stopped = true
	s.mu.Unlock()
	if again {
		<-s.gone
		return
	}
	s.cancel()
	s.wg.Wait()
	s.reading.Close()
	close(s.gone)
}

// Name is how the member is called in its group.
func (s *Source) Name() (group, member string) { return s.config.Group, s.config.Member }

// Abandon does what kill -9 does: every claim is lost, Next returns ErrClosed, and the group is told nothing.
func (s *Source) Abandon() {
	s.mu.Lock()
	again := s.dead || s.closed
	s.dead = true
	claims := s.claims()
	s.stir()
	s.mu.Unlock()
	if again || !s.awaitOpen() {
		return
	}
	until := time.Now().Add(lostWait)
	for _, c := range claims { // what is on its way to the brokers cannot be taken back: its answer is waited for
		waitIdle(c.guard.refuse(), max(time.Until(until), 0))
	}
	for _, c := range claims {
		c.lose(stream.ErrLost)
	}
	if s.member != nil {
		s.member.Kill()
	}
	s.stop()
	s.sources.Remove(s)
}

// claims are all that are not released. The caller holds s.mu.
func (s *Source) claims() []*Claim {
	var claims []*Claim
	for _, at := range s.seats {
		if at.claim != nil {
			claims = append(claims, at.claim)
		}
	}
	return claims
}

// shut ends the claim with its source. A closed backend is a loss for the handler; a source is closed after its handlers.
func (c *Claim) shut(ctx context.Context, why error) {
	if why == stream.ErrClosed {
		c.lose(why)
		return
	}
	idle := c.guard.close()
	if c.finish(why, false) {
		select {
		case <-idle:
		case <-ctx.Done():
		}
		close(c.done)
	}
}

// revokeWait is how long handlers may take to give partitions back: SourceConfig.Grace, or the rebalance timeout less what
// the group itself takes (a fifth, or a second if that is more, but at most half).
func (s *Source) revokeWait() time.Duration {
	margin := min(max(s.settings.Rebalance/5, time.Second), s.settings.Rebalance/2)
	return min(s.settings.Rebalance-margin, s.config.Grace)
}
