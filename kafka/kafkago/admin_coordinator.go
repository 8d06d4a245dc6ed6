package kafkago

import (
	"context"
	"net"
	"strconv"
	"sync"

	"github.com/segmentio/kafka-go/protocol/findcoordinator"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// coordinator is the address of the broker that keeps a group's offsets, as it was found last.
func (c *client) coordinator(ctx context.Context, group string) (string, error) {
	if address, known := c.coordinators.of(group); known {
		return address, nil
	}
	found, err := question[*findcoordinator.Response](ctx, c.lines, "", &findcoordinator.Request{Key: group})
	if err != nil {
		return "", err
	}
	if err := engine.Failed(found.ErrorCode, &found.ErrorMessage); err != nil {
		return "", engine.Map(err)
	}
	address := net.JoinHostPort(found.Host, strconv.Itoa(int(found.Port)))
	c.coordinators.know(group, address)
	return address, nil
}

// mostCoordinators bounds how many groups' coordinators are remembered; one process is a member of a few.
const mostCoordinators = 1000

// coordinators are remembered, since every checkpoint goes to one. Methods may be called from many goroutines.
type coordinators struct {
	mu        sync.Mutex // guards what follows
	addresses map[string]string
}

func (c *coordinators) of(group string) (address string, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	address, known = c.addresses[group]
	return address, known
}

func (c *coordinators) know(group, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.addresses == nil || len(c.addresses) >= mostCoordinators {
		c.addresses = make(map[string]string)
	}
	c.addresses[group] = address
}

func (c *coordinators) forget(group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.addresses, group)
}
