package main

import (
	"context"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wmkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
)

// watermillKey is the metadata that the marshaler takes a message's key from.
const watermillKey = "key"

// watermillPeer is Watermill over its Kafka adapter: Publish of one message waits for its acknowledgement, and every
// message consumed is acknowledged.
func watermillPeer() peer {
	return peer{
		name: nameWatermillKafka, produces: "Publish, 256 goroutines", consumes: "Subscribe, Ack", limit: 300_000,
		producer: openWatermillProducer, consumer: openWatermillConsumer,
	}
}

const nameWatermillKafka = "Watermill"

var watermillMarshaler = wmkafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) {
	return m.Metadata.Get(watermillKey), nil
})

type watermillProducer struct {
	publisher *wmkafka.Publisher
	site      site
}

func openWatermillProducer(_ context.Context, s site) (publisher, error) {
	config := wmkafka.DefaultSaramaSyncPublisherConfig()
	setSaramaProducer(config, s)
	inner, err := wmkafka.NewPublisher(wmkafka.PublisherConfig{
		Brokers: s.brokers, Marshaler: watermillMarshaler, OverwriteSaramaConfig: config,
	}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	return &watermillProducer{publisher: inner, site: s}, nil
}

func (p *watermillProducer) publish(_ context.Context, deadline time.Time) (int, error) {
	records := p.site.load.records
	return inCrowd(crowd, len(records), deadline, func(_, i int) error {
		r := records[i%len(records)]
		m := message.NewMessage(watermill.NewUUID(), r.Value)
		m.Metadata.Set(watermillKey, string(r.Key))
		return p.publisher.Publish(p.site.topic, m)
	})
}

func (p *watermillProducer) close(context.Context) error { return p.publisher.Close() }

type watermillConsumption struct {
	subscriber *wmkafka.Subscriber
	stop       context.CancelFunc
	done       chan struct{}
}

func openWatermillConsumer(ctx context.Context, s site, m *meter) (consumption, error) {
	config := wmkafka.DefaultSaramaSubscriberConfig()
	config.Version = saramaVersion
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	subscriber, err := wmkafka.NewSubscriber(wmkafka.SubscriberConfig{
		Brokers: s.brokers, Unmarshaler: watermillMarshaler, ConsumerGroup: s.group, OverwriteSaramaConfig: config,
	}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	messages, err := subscriber.Subscribe(ctx, s.topic)
	if err != nil {
		stop()
		return nil, err
	}
	c := &watermillConsumption{subscriber: subscriber, stop: stop, done: make(chan struct{})}
	tap := m.tap()
	go func() {
		defer close(c.done)
		for message := range messages {
			tap.add(message.Payload)
			message.Ack()
		}
	}()
	return c, nil
}

func (c *watermillConsumption) close() error {
	c.stop()
	err := c.subscriber.Close()
	<-c.done
	return err
}
