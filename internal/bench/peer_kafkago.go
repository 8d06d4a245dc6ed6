package main

import (
	"context"
	"errors"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

const nameKafkago = "kafka-go"

// How kafka-go's Writer is fed: so many goroutines, each with so many messages a call.
const (
	kafkagoWriters = 32
	kafkagoSlice   = 1_000
	kafkagoBatch   = 10_000 // messages of a partition's batch, at most
	kafkagoQueue   = 10_000 // messages that a Reader keeps
)

// kafkagoPeer is segmentio/kafka-go by its Writer and its Reader.
func kafkagoPeer() peer {
	return peer{
		name: nameKafkago, produces: "WriteMessages of 1,000, 32 goroutines", consumes: "Reader.FetchMessage",
		producer: openKafkagoProducer, consumer: openKafkagoConsumer,
	}
}

type kafkagoProducer struct {
	writer   *kafkago.Writer
	messages []kafkago.Message // a slice of the load each call writes
}

func openKafkagoProducer(_ context.Context, s site) (publisher, error) {
	p := &kafkagoProducer{writer: &kafkago.Writer{
		Addr: kafkago.TCP(s.brokers...), Topic: s.topic, Balancer: kafkago.Murmur2Balancer{},
		BatchSize: kafkagoBatch, BatchBytes: batchBytes, BatchTimeout: max(s.linger, time.Nanosecond),
		RequiredAcks: kafkago.RequireAll, Transport: &kafkago.Transport{MetadataTopics: []string{s.topic}},
	}}
	if s.codec == "lz4" {
		p.writer.Compression = kafkago.Lz4
	}
	for i := range kafkagoSlice {
		r := s.load.records[i%len(s.load.records)]
		p.messages = append(p.messages, kafkago.Message{Key: r.Key, Value: r.Value})
	}
	return p, nil
}

func (p *kafkagoProducer) publish(ctx context.Context, deadline time.Time) (int, error) {
	n, err := inCrowd(kafkagoWriters, 1, deadline, func(int, int) error {
		return p.writer.WriteMessages(ctx, p.messages...)
	})
	return n * len(p.messages), err
}

// send waits for the answer itself.
func (p *kafkagoProducer) send(ctx context.Context, key, value []byte, done func(error)) {
	done(p.writer.WriteMessages(ctx, kafkago.Message{Key: key, Value: value}))
}

func (p *kafkagoProducer) close(context.Context) error {
	err := p.writer.Close()
	p.writer.Transport.(*kafkago.Transport).CloseIdleConnections()
	return err
}

type kafkagoConsumption struct {
	reader *kafkago.Reader
	stop   context.CancelFunc
	done   chan struct{}
}

func openKafkagoConsumer(ctx context.Context, s site, m *meter) (consumption, error) {
	ctx, stop := context.WithCancel(ctx)
	c := &kafkagoConsumption{stop: stop, done: make(chan struct{}), reader: kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: s.brokers, GroupID: s.group, Topic: s.topic, StartOffset: kafkago.FirstOffset,
		QueueCapacity: kafkagoQueue, MinBytes: 1, MaxBytes: 10 << 20, MaxWait: 500 * time.Millisecond,
	})}
	tap := m.tap()
	go func() {
		defer close(c.done)
		for {
			message, err := c.reader.FetchMessage(ctx)
			if errors.Is(err, context.Canceled) {
				return
			}
			if err != nil {
				m.fail(err)
				return
			}
			tap.add(message.Value)
		}
	}()
	return c, nil
}

func (c *kafkagoConsumption) close() error {
	c.stop()
	<-c.done
	return c.reader.Close()
}
