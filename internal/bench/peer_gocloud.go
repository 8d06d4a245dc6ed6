package main

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/kafkapubsub"
)

const nameGocloudKafka = "gocloud"

// gocloudKey is the metadata that the key is taken from.
const gocloudKey = "key"

// gocloudPeer is gocloud.dev over kafkapubsub: Send of one message waits for its acknowledgement, and every message
// received is acknowledged.
func gocloudPeer() peer {
	return peer{
		name: nameGocloudKafka, produces: "Send, 256 goroutines", consumes: "Receive, Ack", limit: 48_000,
		producer: openGocloudProducer, consumer: openGocloudConsumer,
	}
}

type gocloudProducer struct {
	topic *pubsub.Topic
	load  *load
}

func openGocloudProducer(_ context.Context, s site) (publisher, error) {
	config := kafkapubsub.MinimalConfig()
	setSaramaProducer(config, s)
	topic, err := kafkapubsub.OpenTopic(s.brokers, config, s.topic, &kafkapubsub.TopicOptions{KeyName: gocloudKey})
	if err != nil {
		return nil, err
	}
	return &gocloudProducer{topic: topic, load: s.load}, nil
}

func (p *gocloudProducer) publish(ctx context.Context, deadline time.Time) (int, error) {
	records := p.load.records
	return inCrowd(crowd, len(records), deadline, func(_, i int) error {
		r := records[i%len(records)]
		return p.topic.Send(ctx, &pubsub.Message{Body: r.Value, Metadata: map[string]string{gocloudKey: string(r.Key)}})
	})
}

func (p *gocloudProducer) close(ctx context.Context) error { return p.topic.Shutdown(ctx) }

type gocloudConsumption struct {
	subscription *pubsub.Subscription
	stop         context.CancelFunc
	done         chan struct{}
}

func openGocloudConsumer(ctx context.Context, s site, m *meter) (consumption, error) {
	config := kafkapubsub.MinimalConfig()
	config.Version = saramaVersion
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	subscription, err := kafkapubsub.OpenSubscription(s.brokers, config, s.group, []string{s.topic}, nil)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := &gocloudConsumption{subscription: subscription, stop: stop, done: make(chan struct{})}
	tap := m.tap()
	go func() {
		defer close(c.done)
		for {
			message, err := subscription.Receive(ctx)
			if errors.Is(err, context.Canceled) || ctx.Err() != nil {
				return
			}
			if err != nil {
				m.fail(err)
				return
			}
			tap.add(message.Body)
			message.Ack()
		}
	}()
	return c, nil
}

func (c *gocloudConsumption) close() error {
	c.stop()
	<-c.done
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return c.subscription.Shutdown(ctx)
}
