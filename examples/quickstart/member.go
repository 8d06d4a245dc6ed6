package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/streamport-go/streamport/stream"
)

// A member is one of the group that counts earthquakes.
type member struct {
	name     string
	consumer stream.Consumer
	shared   *shared
	cancel   context.CancelFunc
	done     chan struct{} // closed when Run has returned
	crashed  atomic.Bool   // it must save nothing more
}

// shared is what the members of the group have in common.
type shared struct {
	ledger   *ledger
	roster   *roster
	progress *progress
	sent     atomic.Bool // the last record is sent
}

// enter notes that an event was handled.
func (s *shared) enter(c *counter, q quake, rec *stream.Record) error {
	s.roster.enter(c.member.name, rec.Partition)
	handled, err := s.ledger.enter(c.trail, q, rec)
	s.progress.show(handled)
	return err
}

// joinMember lets a member run until ctx ends. When it fails, fail is called.
func joinMember(
	ctx context.Context, b stream.Backend, c stream.ConsumerConfig, s *shared, fail func(error),
) (*member, error) {
	c.Observe = s.roster.observe
	consumer, err := stream.NewConsumer(ctx, b, c)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	m := &member{name: c.Member, consumer: consumer, shared: s, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		if err := consumer.Run(running, m.handle); err != nil && !m.died(err) {
			fail(err)
		}
	}()
	return m, nil
}

// handle serves one hold on one partition.
func (m *member) handle(ctx context.Context, p *stream.Partition) error {
	c, err := newCounter(m, p)
	if err != nil {
		return err
	}
	for records, err := range p.Batches(ctx, 0, silence) {
		if err != nil {
			return err
		}
		for i := range records {
			if err := c.count(ctx, records[i]); err != nil {
				return err
			}
		}
		if len(records) == 0 && m.shared.sent.Load() {
			if err := c.save(ctx); err != nil {
				return err
			}
		}
	}
	return c.end(ctx) // the partition is asked back, or the run stops: checkpoints still work
}

// crash stops the member as kill -9 would, where the backend can do that. Elsewhere the member stops without a last
// checkpoint, and leaves the group.
func (m *member) crash(b stream.Backend, group string) error {
	m.crashed.Store(true)
	if a, ok := b.(stream.Abandoner); ok {
		err := a.Abandon(group, m.name)
		if !errors.Is(err, stream.ErrUnsupported) {
			return err
		}
	}
	m.cancel()
	return nil
}

// died tells the end of a member that was made to crash from a failure.
func (m *member) died(err error) bool {
	return m.crashed.Load() && (errors.Is(err, stream.ErrClosed) || errors.Is(err, stream.ErrLost))
}

// stop lets the member save, leave the group and end.
func (m *member) stop() {
	m.cancel()
	<-m.done
}
