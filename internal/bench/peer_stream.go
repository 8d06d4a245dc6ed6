package main

import (
	"context"
	"errors"
	"time"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// The sides of this library.
const (
	nameSendAsync  = "streamport SendAsync"
	nameSend       = "streamport Send"
	nameBatches    = "streamport Batches"
	nameCheckpoint = "streamport Batches, Checkpoint"
	nameRecords    = "streamport Records"
	nameEach       = "streamport Each"
	nameByKey      = "streamport ByKey"
)

// senders is how many goroutines call Send.
const senders = 64

// streamPeers are the sides of this library, by its public API.
func streamPeers() []peer {
	all := []peer{
		{name: nameSendAsync, produces: "Producer.SendAsync", producer: openStreamProducer(kafka.Open, false)},
		{name: nameSend, produces: "Producer.Send of 100, 64 goroutines", producer: openStreamProducer(kafka.Open, true)},
	}
	for _, by := range []struct {
		name, call string
		handler    func(*tap) stream.Handler
	}{
		{nameBatches, "Partition.Batches", tapBatches},
		{nameCheckpoint, "Batches, Checkpoint after each", tapBatchesCheckpointing},
		{nameRecords, "Partition.Records", tapRecords},
		{nameEach, "stream.Each", tapEach},
		{nameByKey, "stream.ByKey(64)", tapByKey},
	} {
		all = append(all, peer{name: by.name, consumes: by.call, consumer: openStreamConsumer(kafka.Open, by.handler)})
	}
	return all
}

// A way opens the backend through a client library.
type way func(context.Context, kafka.Config) (*kafka.Backend, error)

// openKafka opens the backend through franz-go, with what all sides share.
func openKafka(ctx context.Context, s site, wait time.Duration) (*kafka.Backend, error) {
	return openBy(ctx, kafka.Open, s, wait)
}

func openBy(ctx context.Context, open way, s site, wait time.Duration) (*kafka.Backend, error) {
	return open(ctx, kafka.Config{
		Brokers: s.brokers, Linger: wait, Compression: []kafka.Codec{kafka.Codec(s.codec)}, BatchBytes: batchBytes,
	})
}

type streamProducer struct {
	backend  *kafka.Backend
	producer *sender
	topic    string
	batched  bool
}

func openStreamProducer(open way, batched bool) func(context.Context, site) (publisher, error) {
	return func(ctx context.Context, s site) (publisher, error) {
		wait := s.linger
		if batched {
			wait = 0
		}
		backend, err := openBy(ctx, open, s, wait)
		if err != nil {
			return nil, err
		}
		producer, err := newSenderTo(ctx, backend, s.load.to(s.topic), stream.ProducerConfig{
			Streams: []string{s.topic}, BufferedRecords: buffered,
		})
		if err != nil {
			return nil, errors.Join(err, backend.Close())
		}
		return &streamProducer{backend: backend, producer: producer, topic: s.topic, batched: batched}, nil
	}
}

func (p *streamProducer) publish(ctx context.Context, deadline time.Time) (int, error) {
	return p.producer.publish(ctx, deadline, p.batched)
}

func (p *streamProducer) send(ctx context.Context, key, value []byte, done func(error)) {
	record := &stream.Record{Stream: p.topic, Key: key, Value: value}
	p.producer.SendAsync(ctx, record, func(_ stream.Ack, err error) { done(err) })
}

func (p *streamProducer) close(ctx context.Context) error {
	return errors.Join(p.producer.close(ctx), p.backend.Close())
}

type streamConsumption struct {
	stop context.CancelFunc
	done chan error
	end  func() error // closes the backend, if it is the consumption's own
}

func openStreamConsumer(open way, handler func(*tap) stream.Handler) func(context.Context, site, *meter) (consumption, error) {
	return func(ctx context.Context, s site, m *meter) (consumption, error) {
		backend, err := openBy(ctx, open, s, 0)
		if err != nil {
			return nil, err
		}
		c, err := consumeFrom(ctx, backend, s, m, handler)
		if err != nil {
			return nil, errors.Join(err, backend.Close())
		}
		c.end = backend.Close
		return c, nil
	}
}

// consumeFrom consumes by a backend that stays open.
func consumeFrom(
	ctx context.Context, b stream.Backend, s site, m *meter, handler func(*tap) stream.Handler,
) (*streamConsumption, error) {
	consumer, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: s.group, Streams: []string{s.topic}})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := &streamConsumption{stop: stop, done: make(chan error, 1), end: func() error { return nil }}
	go func() {
		err := consumer.Run(ctx, func(ctx context.Context, p *stream.Partition) error { return handler(m.tap())(ctx, p) })
		m.fail(err)
		c.done <- err
	}()
	return c, nil
}

func (c *streamConsumption) close() error {
	c.stop()
	return errors.Join(<-c.done, c.end())
}

func tapBatches(t *tap) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for recs, err := range p.Batches(ctx, 0, 0) {
			if err != nil {
				return err
			}
			for i := range recs {
				t.add(recs[i].Value)
			}
		}
		return nil
	}
}

func tapBatchesCheckpointing(t *tap) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for recs, err := range p.Batches(ctx, 0, 0) {
			if err != nil {
				return err
			}
			for i := range recs {
				t.add(recs[i].Value)
			}
			if err := p.Checkpoint(ctx, &recs[len(recs)-1]); err != nil {
				return err
			}
		}
		return nil
	}
}

func tapRecords(t *tap) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			t.add(rec.Value)
		}
		return nil
	}
}

func tapEach(t *tap) stream.Handler {
	return stream.Each(func(_ context.Context, rec *stream.Record) error {
		t.add(rec.Value)
		return nil
	})
}

func tapByKey(t *tap) stream.Handler {
	return stream.ByKey(keysAtOnce, func(_ context.Context, rec *stream.Record) error {
		t.addShared(rec.Value)
		return nil
	})
}
