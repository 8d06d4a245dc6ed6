package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// sendBatch is how many records a Send takes.
const sendBatch = 100

// A sender is one producer of this library with the load that it sends.
type sender struct {
	stream.Producer
	load *load
	done func(stream.Ack, error) // answer as a value, made once

	mu    sync.Mutex // guards what follows
	fault error      // the first answer that was an error
}

func newSender(ctx context.Context, b stream.Backend, l *load) (*sender, error) {
	return newSenderTo(ctx, b, l, stream.ProducerConfig{Streams: []string{streamName}})
}

func newSenderTo(ctx context.Context, b stream.Backend, l *load, c stream.ProducerConfig) (*sender, error) {
	producer, err := stream.NewProducer(ctx, b, c)
	if err != nil {
		return nil, err
	}
	s := &sender{Producer: producer, load: l}
	s.done = s.answer
	return s, nil
}

// survey sends one round and tells how many records of it each partition took.
func (s *sender) survey(ctx context.Context) (map[string]int, error) {
	perRound := map[string]int{}
	for _, r := range s.load.records {
		s.SendAsync(ctx, r, func(ack stream.Ack, err error) {
			s.answer(ack, err)
			s.mu.Lock()
			perRound[ack.Partition]++
			s.mu.Unlock()
		})
	}
	return perRound, s.settle(ctx)
}

// send sends so many rounds and returns when all of them are stored.
func (s *sender) send(ctx context.Context, rounds int, batched bool) error {
	for range rounds {
		if !batched {
			for _, r := range s.load.records {
				s.SendAsync(ctx, r, s.done)
			}
			continue
		}
		for rest := s.load.records; len(rest) > 0; rest = rest[min(sendBatch, len(rest)):] {
			if err := s.Send(ctx, rest[:min(sendBatch, len(rest))]...); err != nil {
				return err
			}
		}
	}
	return s.settle(ctx)
}

// publish sends records in rotation until the deadline, at least one round, and returns how many once all are stored.
func (s *sender) publish(ctx context.Context, deadline time.Time, batched bool) (n int, err error) {
	records := s.load.records
	if batched {
		n, err = inCrowd(senders, len(records)/sendBatch, deadline, func(_, i int) error {
			first := i * sendBatch % len(records)
			return s.Send(ctx, records[first:first+sendBatch]...)
		})
		return n * sendBatch, err
	}
	n, err = s.load.byRounds(deadline, func(i int) error {
		s.SendAsync(ctx, records[i], s.done)
		return nil
	})
	return n, errors.Join(err, s.settle(ctx))
}

// mark stores one record more and returns its answer.
func (s *sender) mark(ctx context.Context) (stream.Ack, error) {
	var mark stream.Ack
	s.SendAsync(ctx, s.load.records[0], func(ack stream.Ack, err error) {
		s.answer(ack, err)
		mark = ack
	})
	err := s.settle(ctx)
	return mark, err
}

func (s *sender) answer(_ stream.Ack, err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		s.fault = err
	}
}

func (s *sender) settle(ctx context.Context) error {
	err := s.Flush(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.fault)
}

// closeTime bounds the closing of a producer.
const closeTime = 10 * time.Second

func (s *sender) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return s.Producer.Close(ctx)
}
