package kafkago

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A pulse is the heartbeats of one generation, and what their answers mean.
type pulse struct {
	coordinator *coordinator
	settings    engine.Settings
	id          string
	generation  int32
	born        time.Time
	last        atomic.Int64  // when the last heartbeat was sent that was answered, after born
	hurried     chan struct{} // holds a token when one is to be sent at once
	verdicts    chan verdict  // holds the latest that matters
	said        kind          // of the latest
}

// A verdict is what the coordinator says of the member.
type verdict struct {
	kind kind
	err  error // of refused
}

// A kind of verdict. A later one outweighs those before it.
type kind int

const (
	unheard kind = iota
	alive        // nothing changes
	asked        // the group shares anew
	gone         // somebody else has, or may have, what was the member's
	refused      // the member may not be in the group
)

// newPulse takes the generation for one that has just begun.
func newPulse(s engine.Settings, c *coordinator, id string, generation int32) *pulse {
	return &pulse{
		coordinator: c, settings: s, id: id, generation: generation, born: time.Now(),
		hurried: make(chan struct{}, 1), verdicts: make(chan verdict, 1),
	}
}

// beatAgain is when a heartbeat that was not answered is followed by the next, at the latest.
const beatAgain = 100 * time.Millisecond

// run sends heartbeats until the coordinator says that the member is gone, the first at once.
func (p *pulse) run(ctx context.Context) {
	for p.said < gone {
		wait := p.settings.Heartbeat
		if !p.beat(ctx) {
			wait = min(wait, beatAgain)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-p.hurried:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// hurry sends a heartbeat at once.
func (p *pulse) hurry() {
	select {
	case p.hurried <- struct{}{}:
	default:
	}
}

// left is how long the member may be sure that the group has it: since the last heartbeat that was answered, a session less
// what it takes to stop.
func (p *pulse) left() time.Duration {
	session := p.settings.Session - min(p.settings.Session/10, time.Second)
	return session - (time.Since(p.born) - time.Duration(p.last.Load()))
}

// beat reports whether the coordinator has answered.
func (p *pulse) beat(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, max(p.settings.Session/3, beatAgain))
	defer cancel()
	sent := time.Since(p.born)
	err := p.coordinator.heartbeat(ctx, p.id, p.generation)
	code, _ := engine.CodeOf(err)
	told := engine.Map(err)
	switch {
	case err == nil:
		p.last.Store(int64(sent))
		p.say(verdict{kind: alive})
	case code == rebalancing:
		p.last.Store(int64(sent))
		p.say(verdict{kind: asked})
	case errors.Is(told, stream.ErrLost):
		p.say(verdict{kind: gone})
	case code == engine.GroupDenied:
		p.say(verdict{kind: refused, err: err})
	default:
		return false
	}
	return true
}

// say tells what is worse than what was said before. It takes back what nobody has heard yet.
func (p *pulse) say(v verdict) {
	if v.kind <= p.said {
		return
	}
	p.said = v.kind
	select {
	case <-p.verdicts:
	default:
	}
	p.verdicts <- v
}
