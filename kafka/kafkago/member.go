package kafkago

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A member is an engine.Member: kafka-go's ConsumerGroup joins, shares partitions out where it leads, and syncs. What
// belongs to the member is for as long as its own heartbeats are answered: kafka-go ends a generation at the first
// heartbeat that fails, for whatever reason, and says none.
type member struct {
	settings    engine.Settings
	config      engine.MemberConfig
	listener    engine.Listener
	topics      *subscription
	coordinator *coordinator
	lines       *lines             // of all that the member asks itself; kafka-go's connections are the group's
	cut         context.CancelFunc // ends every request and every wait
	giveUp      context.CancelFunc // ends the join under way
	dead        atomic.Bool        // killed: the Listener hears nothing more
	gone        atomic.Bool        // closing, killed or failed: in the group no more
	ending      sync.Once
	closing     chan struct{} // closed when the member is to leave
	doubts      chan struct{} // holds a token when the group is to be asked at once
	ended       chan struct{} // closed when nothing runs any more

	mu      sync.Mutex // guards what follows
	is      engine.Membership
	wire    *lines // of the group as it is now, or nil
	severed bool
}

// OpenMember joins in the background, and again whenever the group has lost the member, until it is closed or
// Listener.Failed was called.
func (c *client) OpenMember(_ context.Context, l engine.Listener, config engine.MemberConfig) (engine.Member, error) {
	lines, err := newLines(c.settings, config.Member)
	if err != nil {
		return nil, err
	}
	topics, err := newSubscription(lines, config.Topics)
	if err != nil {
		lines.close()
		return nil, err
	}
	m := &member{
		settings: c.settings, config: config, listener: l, topics: topics, lines: lines,
		coordinator: &coordinator{lines: lines, group: config.Group},
		closing:     make(chan struct{}), doubts: make(chan struct{}, 1), ended: make(chan struct{}),
		is: engine.Membership{Group: config.Group, Generation: -1},
	}
	alive, cut := context.WithCancel(context.Background())
	joining, giveUp := context.WithCancel(alive)
	m.cut, m.giveUp = cut, giveUp
	go m.run(alive, joining)
	return m, nil
}

// Membership is as the group last said. While the group shares anew it is the one before. Before the first join, once the
// group has forgotten the member, and after the last, the generation is negative.
func (m *member) Membership() engine.Membership {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.is
	if m.gone.Load() {
		now.Generation = -1
	}
	return now
}

// became notes who the member is.
func (m *member) became(id string, generation int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.is.Member, m.is.Generation = id, generation
}

func (m *member) id() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.is.Member
}

// Doubt sends a heartbeat.
func (m *member) Doubt() {
	select {
	case m.doubts <- struct{}{}:
	default:
	}
}

// Close leaves the group. If ctx ends first, connections are cut, and what is left of the member ends when the Listener
// lets it.
func (m *member) Close(ctx context.Context) error {
	m.end()
	select {
	case <-m.ended:
		return nil
	case <-ctx.Done():
	}
	m.sever()
	return fmt.Errorf("the member has not left its group: %w", context.Cause(ctx))
}

// killPatience is how long Kill waits for a call of the Listener that is under way.
const killPatience = 250 * time.Millisecond

// Kill cuts all connections, so that nobody can send a LeaveGroup. A call of the Listener that is under way is waited for
// a moment only.
func (m *member) Kill() {
	m.dead.Store(true)
	m.sever()
	m.end()
	patience := time.NewTimer(killPatience)
	defer patience.Stop()
	select {
	case <-m.ended:
	case <-patience.C:
	}
}

// leavePatience is how long a member that is to leave waits for a join that is under way: it knows its id after that.
const leavePatience = 250 * time.Millisecond

func (m *member) end() {
	m.ending.Do(func() {
		m.gone.Store(true)
		close(m.closing)
		time.AfterFunc(leavePatience, m.giveUp)
	})
}

// sever ends every connection, and every wait for one.
func (m *member) sever() {
	m.cut()
	m.lines.cut()
	m.mu.Lock()
	m.severed = true
	wire := m.wire
	m.mu.Unlock()
	if wire != nil {
		wire.cut()
	}
}

// wired notes the connections of kafka-go's group, which may have to be cut at once.
func (m *member) wired(wire *lines) {
	m.mu.Lock()
	m.wire = wire
	severed := m.severed
	m.mu.Unlock()
	if severed {
		wire.cut()
	}
}

// call calls the Listener. Only run does, so that there is one call at a time.
func (m *member) call(tell func()) {
	if !m.dead.Load() {
		tell()
	}
}

func (m *member) isClosing() bool {
	select {
	case <-m.closing:
		return true
	default:
		return false
	}
}
