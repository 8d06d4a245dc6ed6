package main

import (
	"context"
	"errors"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
)

// watermillBuffer is the subscriber's OutputChannelBuffer.
const watermillBuffer = 1_000

// watermillSide is Watermill's gochannel with a subscriber that acknowledges every message. Blocking: Publish returns when
// the message is acknowledged; otherwise a goroutine a message brings it, and messages overtake each other.
func watermillSide(records int, blocking bool) side {
	name := nameLoose
	if blocking {
		name = nameWatermill
	}
	open := func(ctx context.Context, l *load) (session, error) { return openWatermill(ctx, l, blocking) }
	return side{name: name, records: records, open: open}
}

type watermillSession struct {
	load *load
	bus  *gochannel.GoChannel
	in   *receiver
	done chan error
}

func openWatermill(ctx context.Context, l *load, blocking bool) (session, error) {
	bus := gochannel.NewGoChannel(gochannel.Config{
		OutputChannelBuffer:            watermillBuffer,
		BlockPublishUntilSubscriberAck: blocking,
	}, watermill.NopLogger{})
	messages, err := bus.Subscribe(ctx, streamName)
	if err != nil {
		return nil, errors.Join(err, bus.Close())
	}
	s := &watermillSession{load: l, bus: bus, in: newReceiver(), done: make(chan error, 1)}
	go func() {
		s.done <- s.in.serve(func() ([]byte, error) {
			m, ok := <-messages
			if !ok {
				return nil, errors.New("watermill: the subscription ended")
			}
			m.Ack()
			return m.Payload, nil
		})
	}()
	return s, nil
}

func (s *watermillSession) move(_ context.Context, rounds int) error {
	s.in.orders <- rounds * len(s.load.records)
	for range rounds {
		for _, r := range s.load.records {
			if err := s.bus.Publish(streamName, message.NewMessage(watermill.NewUUID(), r.Value)); err != nil {
				return err
			}
		}
	}
	return s.load.verify(<-s.in.sums, rounds)
}

func (s *watermillSession) close(context.Context) error {
	close(s.in.orders)
	return errors.Join(s.bus.Close(), <-s.done)
}
