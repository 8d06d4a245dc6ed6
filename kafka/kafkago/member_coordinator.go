package kafkago

import (
	"context"
	"net"
	"strconv"
	"sync"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/leavegroup"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A coordinator is the broker that knows who is in a group, found again whenever it was another one. Methods may be called
// from many goroutines.
type coordinator struct {
	lines *lines
	group string

	mu      sync.Mutex // guards what follows
	address string     // "": not known
}

// heartbeat says that the member is alive, and returns what the coordinator answers.
func (c *coordinator) heartbeat(ctx context.Context, member string, generation int32) error {
	request := &heartbeat.Request{GroupID: c.group, MemberID: member, GenerationID: generation}
	_, err := c.ask(ctx, request, func(answer protocol.Message) int16 {
		// kafka-go reads the two fields of the answer in the wrong order: the code is in the lower half of the second.
		return int16(answer.(*heartbeat.Response).ThrottleTimeMs)
	})
	return err
}

// leave says that a member is gone. Without it the group waits until the session is over, and nothing can be done.
func (c *coordinator) leave(ctx context.Context, member string) {
	request := &leavegroup.Request{
		GroupID: c.group, MemberID: member, Members: []leavegroup.RequestMember{{MemberID: member}},
	}
	_, _ = c.ask(ctx, request, func(answer protocol.Message) int16 { return answer.(*leavegroup.Response).ErrorCode })
}

// whoIs is the id of the member that has this client id, if there is just one.
func (c *coordinator) whoIs(ctx context.Context, client string) string {
	request := &describegroups.Request{Groups: []string{c.group}}
	answer, err := c.ask(ctx, request, func(answer protocol.Message) int16 {
		if groups := answer.(*describegroups.Response).Groups; len(groups) == 1 {
			return groups[0].ErrorCode
		}
		return 0
	})
	if err != nil {
		return ""
	}
	id := ""
	for _, g := range answer.(*describegroups.Response).Groups {
		for _, member := range g.Members {
			switch {
			case member.ClientID != client:
			case id != "":
				return ""
			default:
				id = member.MemberID
			}
		}
	}
	return id
}

// mostAsked is how often a request is sent at most: where the coordinator has moved it did nothing before.
const mostAsked = 2

// ask sends a request to the coordinator. The error is of the library or an *engine.KafkaError.
func (c *coordinator) ask(
	ctx context.Context, request protocol.Message, codeOf func(protocol.Message) int16,
) (answer protocol.Message, err error) {
	for range mostAsked {
		var address string
		if address, err = c.find(ctx); err != nil {
			continue
		}
		answer, err = c.lines.ask(ctx, address, request)
		if err == nil {
			err = engine.Failed(codeOf(answer), nil)
		}
		code, answered := engine.CodeOf(err)
		if err == nil || answered && !code.AtCoordinator() {
			return answer, err
		}
		c.forget(address)
	}
	return nil, err
}

// find asks who the coordinator is, unless it is known.
func (c *coordinator) find(ctx context.Context) (string, error) {
	c.mu.Lock()
	known := c.address
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	answer, err := c.lines.ask(ctx, "", &findcoordinator.Request{Key: c.group})
	if err != nil {
		return "", err
	}
	found := answer.(*findcoordinator.Response)
	if err := engine.Failed(found.ErrorCode, &found.ErrorMessage); err != nil {
		return "", err
	}
	address := net.JoinHostPort(found.Host, strconv.Itoa(int(found.Port)))
	c.mu.Lock()
	c.address = address
	c.mu.Unlock()
	return address, nil
}

func (c *coordinator) forget(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.address == address {
		c.address = ""
	}
}
