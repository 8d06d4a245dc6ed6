package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// A backendFor opens a backend that has the stream streamName with so many partitions.
type backendFor func(ctx context.Context, partitions int) (stream.Backend, error)

// A style is how a side of this library is used.
type style struct {
	name       string
	partitions int
	batched    bool // Send of sendBatch records; otherwise SendAsync one by one
	handler    func(*lane) stream.Handler
}

// streamSide moves records through this library in the given style: one producer, one member of a group.
func streamSide(open backendFor, s style, records int) side {
	return side{name: s.name, records: records, open: func(ctx context.Context, l *load) (session, error) {
		return openStream(ctx, open, s, l)
	}}
}

type streamSession struct {
	load     *load
	style    style
	backend  stream.Backend
	producer *sender
	lanes    *lanes
	stop     context.CancelFunc
	done     chan error
}

// openStream sends one round of the load before anybody reads it: the answers tell how many records of a round each
// partition takes, so that every lane knows by itself when it has all of them.
func openStream(ctx context.Context, open backendFor, s style, l *load) (_ session, err error) {
	backend, err := open(ctx, s.partitions)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, backend.Close())
		}
	}()
	producer, err := newSender(ctx, backend, l)
	if err != nil {
		return nil, err
	}
	perRound, err := producer.survey(ctx)
	if err != nil {
		return nil, err
	}
	consumer, err := stream.NewConsumer(ctx, backend, stream.ConsumerConfig{Group: "bench", Streams: []string{streamName}})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	session := &streamSession{
		load: l, style: s, backend: backend, producer: producer, lanes: newLanes(perRound), stop: stop, done: make(chan error, 1),
	}
	session.lanes.expect(1)
	go func() { session.done <- consumer.Run(running, session.handle) }()
	if _, err := session.arrival(); err != nil {
		stop()
		return nil, err
	}
	return session, nil
}

func (s *streamSession) handle(ctx context.Context, p *stream.Partition) error {
	lane := s.lanes.of(p.Name)
	if lane == nil {
		return fmt.Errorf("partition %s took no record of the first round", p.Name)
	}
	return s.style.handler(lane)(ctx, p)
}

func (s *streamSession) move(ctx context.Context, rounds int) error {
	s.lanes.expect(rounds)
	if err := s.producer.send(ctx, rounds, s.style.batched); err != nil {
		return err
	}
	sum, err := s.arrival()
	if err != nil {
		return err
	}
	return s.load.verify(sum, rounds)
}

// arrival waits until every lane has what it expects, or the consumer has ended.
func (s *streamSession) arrival() (sum uint64, err error) {
	select {
	case <-s.lanes.arrived:
		return s.lanes.sum(), nil
	case err := <-s.done:
		s.done <- err
		return 0, fmt.Errorf("the consumer has ended: %w", errors.Join(err, context.Canceled))
	}
}

func (s *streamSession) close(ctx context.Context) error {
	s.stop()
	return errors.Join(s.producer.close(ctx), <-s.done, s.backend.Close())
}
