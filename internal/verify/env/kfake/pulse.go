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
	syncing map[string]bool // likewise its SyncGroup, for the leader
}

// feel listens to what members say. It also works around two faults of kfake. A heartbeat that comes while the member's
// JoinGroup waits starts the session, which then ends although the member can do nothing but wait. And when a member
// leaves whose SyncGroup waits, kfake counts one too few in the next join, which then waits for nobody: such a member does
// not leave, it is silent.
func (p *pulses) feel(c *fake.Cluster) {
	p.heard, p.joining, p.syncing = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat, kmsg.LeaveGroup} {
		c.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			switch r := r.(type) {
			case *kmsg.JoinGroupRequest:
				p.note(r.MemberID, true, false)
			case *kmsg.SyncGroupRequest:
				p.note(r.MemberID, false, true)
			case *kmsg.ConsumerGroupHeartbeatRequest:
				p.note(r.MemberID, false, false)
			case *kmsg.LeaveGroupRequest:
				if p.syncs(r) {
					return leftAs(r), nil, true
				}
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

func (p *pulses) note(member string, joining, syncing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[member], p.joining[member], p.syncing[member] = true, joining, syncing
}

// leftAs is the answer to who may leave.
func leftAs(r *kmsg.LeaveGroupRequest) kmsg.Response {
	answer := r.ResponseKind().(*kmsg.LeaveGroupResponse)
	for _, m := range r.Members {
		left := kmsg.NewLeaveGroupResponseMember()
		left.MemberID, left.InstanceID = m.MemberID, m.InstanceID
		answer.Members = append(answer.Members, left)
	}
	return answer
}

// syncs reports whether the SyncGroup of a member that leaves may be waiting.
func (p *pulses) syncs(r *kmsg.LeaveGroupRequest) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	waits := p.syncing[r.MemberID]
	for _, m := range r.Members {
		waits = waits || p.syncing[m.MemberID]
	}
	return waits
}

// beats notes a heartbeat, and reports whether the member's JoinGroup may be waiting.
func (p *pulses) beats(member string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[member], p.syncing[member] = true, false
	return p.joining[member]
}

// forget forgets a member that is to leave whatever it does.
func (p *pulses) forget(member string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.syncing, member)
}

// take reports whether a member was heard of since it was asked for last.
func (p *pulses) take(member string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.heard[member]
	delete(p.heard, member)
	return was
}
