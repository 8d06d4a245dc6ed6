//go:build cgo && (linux || darwin) && (amd64 || arm64)

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	confluent "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

const nameLibrdkafka = "librdkafka"

// librdkafkaBackoff is how many milliseconds a partition that has enough in the queue is not fetched. The default of a second
// would be most of what is measured.
const librdkafkaBackoff = 10

// librdkafkaPeers is librdkafka by confluent-kafka-go. It needs cgo and a platform that the bindings bring a library for.
func librdkafkaPeers() []peer {
	return []peer{{
		name: nameLibrdkafka, produces: "Produce", consumes: "Consumer.Poll",
		producer: openLibrdkafkaProducer, consumer: openLibrdkafkaConsumer,
	}}
}

type librdkafkaProducer struct {
	producer *confluent.Producer
	site     site
	answers  sync.WaitGroup
	crew     sync.WaitGroup
	fault    fault
}

func openLibrdkafkaProducer(_ context.Context, s site) (publisher, error) {
	inner, err := confluent.NewProducer(&confluent.ConfigMap{
		"bootstrap.servers": strings.Join(s.brokers, ","), "acks": "all", "linger.ms": int(s.linger.Milliseconds()),
		"compression.type": s.codec, "partitioner": "murmur2_random", "queue.buffering.max.messages": buffered,
		"go.delivery.report.fields": "none",
	})
	if err != nil {
		return nil, err
	}
	p := &librdkafkaProducer{producer: inner, site: s}
	p.crew.Go(func() {
		for event := range inner.Events() {
			if m, ok := event.(*confluent.Message); ok {
				p.answer(m.TopicPartition.Error)
			}
		}
	})
	return p, nil
}

func (p *librdkafkaProducer) answer(err error) {
	p.fault.add(err)
	p.answers.Done()
}

func (p *librdkafkaProducer) publish(_ context.Context, deadline time.Time) (int, error) {
	n, err := p.site.load.byRounds(deadline, func(i int) error { return p.produce(i) })
	p.answers.Wait()
	return n, errors.Join(err, p.fault.first())
}

// produce passes one record on; librdkafka does not wait for space itself.
func (p *librdkafkaProducer) produce(i int) error {
	r := p.site.load.records[i]
	p.answers.Add(1)
	for {
		err := p.producer.Produce(&confluent.Message{
			TopicPartition: confluent.TopicPartition{Topic: &p.site.topic, Partition: confluent.PartitionAny},
			Key:            r.Key, Value: r.Value,
		}, nil)
		var refused confluent.Error
		if !errors.As(err, &refused) || refused.Code() != confluent.ErrQueueFull {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *librdkafkaProducer) close(context.Context) error {
	p.producer.Close()
	p.crew.Wait()
	return nil
}

type librdkafkaConsumption struct {
	consumer *confluent.Consumer
	stop     chan struct{}
	done     chan struct{}
}

func openLibrdkafkaConsumer(_ context.Context, s site, m *meter) (consumption, error) {
	inner, err := confluent.NewConsumer(&confluent.ConfigMap{
		"bootstrap.servers": strings.Join(s.brokers, ","), "group.id": s.group, "auto.offset.reset": "earliest",
		"enable.auto.commit":     false,
		"fetch.queue.backoff.ms": librdkafkaBackoff,
	})
	if err != nil {
		return nil, err
	}
	if err := inner.Subscribe(s.topic, nil); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	c := &librdkafkaConsumption{consumer: inner, stop: make(chan struct{}), done: make(chan struct{})}
	tap := m.tap()
	go func() {
		defer close(c.done)
		for {
			select {
			case <-c.stop:
				return
			default:
			}
			switch event := inner.Poll(100).(type) {
			case *confluent.Message:
				tap.add(event.Value)
			case confluent.Error:
				if event.IsFatal() {
					m.fail(fmt.Errorf("poll: %w", event))
				}
			}
		}
	}()
	return c, nil
}

func (c *librdkafkaConsumption) close() error {
	close(c.stop)
	<-c.done
	return c.consumer.Close()
}
