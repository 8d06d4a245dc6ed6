package kfake

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	fake "github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// pulses are what is heard of members, by their ids. Methods may be called from many goroutines.
type pulses struct {
	mu      sync.Mutex // guards what follows
	heard   map[string]bool
	joining map[string]bool // its JoinGroup may be waiting for the others
}

// feel listens to what members say. It also works around a fault of kfake: a heartbeat that comes while the member's
// JoinGroup waits starts the session, which then ends although the member can do nothing but wait.
func (p *pulses) feel(c *fake.Cluster) {
	p.heard, p.joining = map[string]bool{}, map[string]bool{}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat} {
		c.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			switch r := r.(type) {
			case *kmsg.JoinGroupRequest:
				p.note(r.MemberID, true)
			case *kmsg.SyncGroupRequest:
				p.note(r.MemberID, false)
			case *kmsg.ConsumerGroupHeartbeatRequest:
				p.note(r.MemberID, false)
			case *kmsg.HeartbeatRequest:
				if p.beats(r.MemberID) {
					answer := r.ResponseKind().(*kmsg.HeartbeatResponse)
					answer.ErrorCode = kerr.RebalanceInProgress.Code
					return answer, nil, true
				}
			}
			return nil, nil, false
		})
	}
}

func (p *pulses) note(member string, joining bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[member], p.joining[member] = true, joining
}

// beats notes a heartbeat, and reports whether the member's JoinGroup may be waiting.
func (p *pulses) beats(member string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[member] = true
	return p.joining[member]
}

// take reports whether a member was heard of since it was asked for last.
func (p *pulses) take(member string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.heard[member]
	delete(p.heard, member)
	return was
}
