package main

import (
	"context"
	"errors"
	"time"

	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"
)

// gocloudDeadline is the subscription's time to acknowledge, longer than any repetition: nothing is sent twice.
const gocloudDeadline = time.Hour

// gocloudSide is gocloud.dev's mempubsub, one Send after the other and every message acknowledged. It keeps no order, and
// a receiver that finds nothing sleeps for 250 ms.
func gocloudSide(records int) side {
	return side{name: nameGocloud, records: records, open: openGocloud}
}

type gocloudSession struct {
	load         *load
	topic        *pubsub.Topic
	subscription *pubsub.Subscription
	in           *receiver
	done         chan error
}

func openGocloud(ctx context.Context, l *load) (session, error) {
	topic := mempubsub.NewTopic()
	s := &gocloudSession{
		load: l, topic: topic, subscription: mempubsub.NewSubscription(topic, gocloudDeadline),
		in: newReceiver(), done: make(chan error, 1),
	}
	go func() {
		s.done <- s.in.serve(func() ([]byte, error) {
			m, err := s.subscription.Receive(ctx)
			if err != nil {
				return nil, err
			}
			m.Ack()
			return m.Body, nil
		})
	}()
	return s, nil
}

func (s *gocloudSession) move(ctx context.Context, rounds int) error {
	s.in.orders <- rounds * len(s.load.records)
	for range rounds {
		for _, r := range s.load.records {
			if err := s.topic.Send(ctx, &pubsub.Message{Body: r.Value}); err != nil {
				return err
			}
		}
	}
	return s.load.verify(<-s.in.sums, rounds)
}

func (s *gocloudSession) close(ctx context.Context) error {
	close(s.in.orders)
	return errors.Join(<-s.done, s.subscription.Shutdown(ctx), s.topic.Shutdown(ctx))
}
