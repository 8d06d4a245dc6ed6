package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// settleLimit is how long a group may take to share its partitions, before the run gives up.
const settleLimit = time.Minute

// A cast is a group of members of which each can leave and come back, and which knows who holds how much.
type cast struct {
	backend    stream.Backend
	partitions int
	members    []*castMember
	config     stream.ConsumerConfig                                            // of every member but for its name
	work       func(ctx context.Context, p *stream.Partition, member int) error // what a member does with a hold

	mu      sync.Mutex // guards what follows
	present int        // members that should have a share
	held    int
	even    chan struct{} // closed when the partitions are shared evenly; nil: nobody waits
}

type castMember struct {
	stop    context.CancelFunc
	done    chan error
	present bool // guarded by cast.mu, as held
	held    int
}

func newCast(b stream.Backend, partitions, members int) *cast {
	c := &cast{
		backend: b, partitions: partitions, members: make([]*castMember, members), work: skipRecords,
		config: stream.ConsumerConfig{Group: "bench", Streams: []string{streamName}},
	}
	for i := range c.members {
		c.members[i] = &castMember{stop: func() {}}
	}
	return c
}

// join starts the member.
func (c *cast) join(ctx context.Context, member int) {
	m := c.members[member]
	running, stop := context.WithCancel(ctx)
	m.stop, m.done = stop, make(chan error, 1)
	c.mu.Lock()
	m.present = true
	c.present++
	c.mu.Unlock()
	go func() { m.done <- c.serve(running, m, member) }()
}

func (c *cast) serve(ctx context.Context, m *castMember, member int) error {
	config := c.config
	config.Member = fmt.Sprintf("member-%d", member)
	consumer, err := stream.NewConsumer(ctx, c.backend, config)
	if err != nil {
		return err
	}
	return consumer.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
		c.count(m, 1)
		defer c.count(m, -1)
		return c.work(ctx, p, member)
	})
}

func skipRecords(ctx context.Context, p *stream.Partition, _ int) error {
	for _, err := range p.Records(ctx) {
		if err != nil {
			return err
		}
	}
	return nil
}

// count tells of a hold that begins or ends.
func (c *cast) count(m *castMember, change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.held += change
	c.held += change
	c.look()
}

// look wakes who waits, if the time has come. The caller holds c.mu.
func (c *cast) look() {
	if c.even != nil && c.held == c.partitions && c.isEven() {
		close(c.even)
		c.even = nil
	}
}

// isEven reports whether no two members that are present differ by more than one partition. The caller holds c.mu.
func (c *cast) isEven() bool {
	share := c.partitions / c.present
	for _, m := range c.members {
		if m.present && (m.held < share || m.held > share+1) || !m.present && m.held > 0 {
			return false
		}
	}
	return true
}

// settled returns when every partition is held and the shares are even.
func (c *cast) settled(ctx context.Context) error {
	even := make(chan struct{})
	c.mu.Lock()
	c.even = even
	c.look()
	c.mu.Unlock()
	limit := time.NewTimer(settleLimit)
	defer limit.Stop()
	select {
	case <-even:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return fmt.Errorf("the group has not settled within %v: %s", settleLimit, c.shares())
	}
}

func (c *cast) shares() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var held []int
	for _, m := range c.members {
		held = append(held, m.held)
	}
	return fmt.Sprintf("members hold %v of %d partitions", held, c.partitions)
}

// holder is a member that holds something: the last one.
func (c *cast) holder() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.members) - 1; i > 0; i-- {
		if c.members[i].held > 0 {
			return i
		}
	}
	return 0
}

// leave asks the member to leave; gone waits until it has.
func (c *cast) leave(member int) {
	m := c.members[member]
	c.mu.Lock()
	m.present = false
	c.present--
	c.mu.Unlock()
	m.stop()
}

func (c *cast) gone(member int) error {
	m := c.members[member]
	if m.done == nil {
		return nil
	}
	err := <-m.done
	m.done = nil
	return err
}

// close ends every member and the backend, and adds what they say to err.
func (c *cast) close(err error) error {
	errs := []error{err}
	for i := range c.members {
		c.members[i].stop()
		errs = append(errs, c.gone(i))
	}
	return errors.Join(append(errs, c.backend.Close())...)
}
