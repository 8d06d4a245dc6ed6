package kfake

import (
	"context"
	"sync"
	"time"

	fake "github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// looking is how often the groups' members are looked at.
const looking = session / 10

// bury works around a fault of kfake: a member of a classic group whose connection ends while its JoinGroup waits for the
// others becomes a member, and its session never ends, since kfake starts the session when it has written the answer.
// Brokers start it all the same. A member that has not been heard of for a session, while no join was under way, leaves
// here.
func (e *service) bury(group string) {
	ticker := time.NewTicker(looking)
	defer ticker.Stop()
	silent := map[string]time.Duration{}
	for {
		select {
		case <-e.closing.Done():
			return
		case <-ticker.C:
		}
		info := e.cluster.GroupInfo(group)
		if info == nil {
			continue
		}
		for _, m := range info.Members {
			switch {
			case e.beats.take(m.MemberID):
				delete(silent, m.MemberID)
			case silent[m.MemberID] > session:
				e.leave(group, m.MemberID)
			case silent[m.MemberID] > 0 || info.State != "PreparingRebalance":
				silent[m.MemberID] += looking
			}
		}
	}
}

// beats are the members that were heard of, by their ids. Methods may be called from many goroutines.
type beats struct {
	mu    sync.Mutex // guards what follows
	heard map[string]bool
}

// hear listens to what members say.
func (b *beats) hear(c *fake.Cluster) {
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat} {
		c.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			switch r := r.(type) {
			case *kmsg.JoinGroupRequest:
				b.note(r.MemberID)
			case *kmsg.SyncGroupRequest:
				b.note(r.MemberID)
			case *kmsg.HeartbeatRequest:
				b.note(r.MemberID)
			case *kmsg.ConsumerGroupHeartbeatRequest:
				b.note(r.MemberID)
			}
			return nil, nil, false
		})
	}
}

func (b *beats) note(member string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heard == nil {
		b.heard = map[string]bool{}
	}
	b.heard[member] = true
}

// take reports whether a member was heard of since it was asked for last.
func (b *beats) take(member string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.heard[member]
	delete(b.heard, member)
	return was
}

// leave takes a member out of a group. One that is gone meanwhile is none of kfake's faults.
func (e *service) leave(group, id string) {
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group = group
	leaver := kmsg.NewLeaveGroupRequestMember()
	leaver.MemberID = id
	request.Members = append(request.Members, leaver)
	_ = e.ask(e.closing, func(ctx context.Context, client *kgo.Client) error {
		_, err := request.RequestWith(ctx, client)
		return err
	})
}

// ask calls with a client of its own, which no fault concerns.
func (e *service) ask(ctx context.Context, call func(context.Context, *kgo.Client) error) error {
	client, err := e.stranger()
	if err != nil {
		return err
	}
	defer client.Close()
	return call(ctx, client)
}

// stranger is a client that no fault of the connections concerns.
func (e *service) stranger(more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(more, kgo.SeedBrokers(e.cluster.ListenAddrs()...), kgo.Dialer(e.wires.net.DialContext))...)
}
