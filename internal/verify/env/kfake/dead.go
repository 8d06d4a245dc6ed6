package kfake

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// looking is how often the groups' members are looked at.
const looking = session / 10

// bury works around two faults of kfake. A member of a classic group whose connection ends while its JoinGroup waits for
// the others becomes a member, and its session never ends, since kfake starts the session when it has written the answer;
// brokers start it all the same. And whoever joins makes all wait for another whole time-out, while brokers count from the
// first: clients that give a join up and come back as somebody new, as kafka-go does, may then never meet. A member that
// has not been heard of for a session leaves here, unless it may be waiting for the others.
func (e *service) bury(group string, session time.Duration) {
	ticker := time.NewTicker(looking)
	defer ticker.Stop()
	silent := map[string]time.Duration{}
	newest := map[string]string{} // members by client
	seen := map[string]bool{}
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
			if !seen[m.MemberID] {
				seen[m.MemberID], newest[m.ClientID] = true, m.MemberID
			}
		}
		for _, m := range info.Members {
			waits := info.State == "PreparingRebalance" && e.wires.alive(m.ClientID) && newest[m.ClientID] == m.MemberID
			switch {
			case e.pulses.take(m.MemberID):
				delete(silent, m.MemberID)
			case silent[m.MemberID] > session:
				e.leave(group, m.MemberID)
			case silent[m.MemberID] > 0 || !waits:
				silent[m.MemberID] += looking
			}
		}
	}
}

// leave takes a member out of a group. One that is gone meanwhile is none of kfake's faults.
func (e *service) leave(group, id string) {
	e.pulses.forget(id)
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
