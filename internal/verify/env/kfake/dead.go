package kfake

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How long bury watches a member, and how often it looks.
const (
	watched = 10 * session
	looking = session / 10
)

// bury works around a fault of kfake: a member of a classic group whose connection ends while its JoinGroup waits for the
// others becomes a member, and its session never ends, since kfake starts the session when it has written the answer.
// Brokers start it all the same. A member that has died and is still there a session after its join was complete leaves
// here.
func (e *service) bury(group, member string) {
	e.work.Go(func() {
		joined := time.Duration(0)
		for at := time.Duration(0); at < watched && e.sleep(looking); at += looking {
			info := e.cluster.GroupInfo(group)
			if info == nil {
				return
			}
			for _, m := range info.Members {
				if m.ClientID != clientID(member) || joined == 0 && info.State == "PreparingRebalance" {
					continue
				}
				if joined += looking; joined > session {
					e.leave(group, m.MemberID)
				}
			}
		}
	})
}

// clientID is what the adapter calls a member's client.
func clientID(member string) string { return "streamport-" + member }

// sleep is cut short by Close, and reports whether it was not.
func (e *service) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.closing.Done():
		return false
	}
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
	client, err := kgo.NewClient(kgo.SeedBrokers(e.cluster.ListenAddrs()...), kgo.Dialer(e.wires.net.DialContext))
	if err != nil {
		return err
	}
	defer client.Close()
	return call(ctx, client)
}
