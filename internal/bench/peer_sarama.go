package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const nameSarama = "sarama"

// saramaPeer is sarama by its AsyncProducer and its ConsumerGroup.
func saramaPeer() peer {
	return peer{
		name: nameSarama, produces: "AsyncProducer.Input", consumes: "ConsumerGroup, claim.Messages",
		producer: openSaramaProducer, consumer: openSaramaConsumer,
	}
}

// saramaVersion is what sarama's sides speak: with an older one its batches have no record headers, and it is slower.
var saramaVersion = sarama.V3_6_0_0

func setSaramaProducer(c *sarama.Config, s site) {
	c.Version = saramaVersion
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Producer.Return.Errors = true
	c.Producer.MaxMessageBytes = batchBytes
	if s.codec == "lz4" {
		c.Producer.Compression = sarama.CompressionLZ4
	}
}

type saramaProducer struct {
	producer sarama.AsyncProducer
	site     site
	answers  sync.WaitGroup
	crew     sync.WaitGroup
	fault    fault
}

func openSaramaProducer(_ context.Context, s site) (publisher, error) {
	config := sarama.NewConfig()
	setSaramaProducer(config, s)
	config.Producer.Flush.Frequency = s.linger
	config.ChannelBufferSize = crowd
	inner, err := sarama.NewAsyncProducer(s.brokers, config)
	if err != nil {
		return nil, err
	}
	p := &saramaProducer{producer: inner, site: s}
	p.crew.Go(func() {
		for range inner.Successes() {
			p.answers.Done()
		}
	})
	p.crew.Go(func() {
		for err := range inner.Errors() {
			p.fault.add(err)
			p.answers.Done()
		}
	})
	return p, nil
}

func (p *saramaProducer) publish(_ context.Context, deadline time.Time) (int, error) {
	n, err := p.site.load.byRounds(deadline, func(i int) error {
		r := p.site.load.records[i]
		p.answers.Add(1)
		p.producer.Input() <- &sarama.ProducerMessage{
			Topic: p.site.topic, Key: sarama.ByteEncoder(r.Key), Value: sarama.ByteEncoder(r.Value),
		}
		return nil
	})
	p.answers.Wait()
	return n, errors.Join(err, p.fault.first())
}

func (p *saramaProducer) close(context.Context) error {
	p.producer.AsyncClose()
	p.crew.Wait()
	return nil
}

type saramaConsumption struct {
	group sarama.ConsumerGroup
	stop  context.CancelFunc
	done  chan struct{}
	taps  []*tap
}

func openSaramaConsumer(ctx context.Context, s site, m *meter) (consumption, error) {
	config := sarama.NewConfig()
	config.Version = saramaVersion
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	group, err := sarama.NewConsumerGroup(s.brokers, s.group, config)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := &saramaConsumption{group: group, stop: stop, done: make(chan struct{}), taps: m.newTaps(s.partitions)}
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{s.topic}, c); err != nil && ctx.Err() == nil {
				m.fail(err)
				return
			}
		}
	}()
	return c, nil
}

func (c *saramaConsumption) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (c *saramaConsumption) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *saramaConsumption) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	tap := c.taps[claim.Partition()]
	for message := range claim.Messages() {
		tap.add(message.Value)
	}
	return nil
}

func (c *saramaConsumption) close() error {
	c.stop()
	<-c.done
	return c.group.Close()
}
