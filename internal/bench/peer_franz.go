package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// nameFranz is the side that this library is built on: what is lost against it is ours.
const nameFranz = "franz-go"

// franzPeer is franz-go used bare, with its defaults but for what all sides share.
func franzPeer() peer {
	return peer{
		name: nameFranz, produces: "Produce", consumes: "PollFetches",
		producer: openFranzProducer, consumer: openFranzConsumer,
	}
}

func franzCodec(name string) kgo.CompressionCodec {
	if name == "lz4" {
		return kgo.Lz4Compression()
	}
	return kgo.NoCompression()
}

type franzProducer struct {
	client *kgo.Client
	load   *load
	fault  fault
}

func openFranzProducer(_ context.Context, s site) (publisher, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(s.brokers...), kgo.DefaultProduceTopic(s.topic), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(s.linger), kgo.MaxBufferedRecords(buffered), kgo.ProducerBatchMaxBytes(batchBytes),
		kgo.ProducerBatchCompression(franzCodec(s.codec)), kgo.MetadataMinAge(metadataAge),
	)
	if err != nil {
		return nil, err
	}
	return &franzProducer{client: client, load: s.load}, nil
}

func (p *franzProducer) publish(ctx context.Context, deadline time.Time) (int, error) {
	done := func(_ *kgo.Record, err error) { p.fault.add(err) }
	n, err := p.load.byRounds(deadline, func(i int) error {
		r := p.load.records[i]
		p.client.Produce(ctx, &kgo.Record{Key: r.Key, Value: r.Value}, done)
		return nil
	})
	return n, errors.Join(err, p.client.Flush(ctx), p.fault.first())
}

func (p *franzProducer) send(ctx context.Context, key, value []byte, done func(error)) {
	p.client.Produce(ctx, &kgo.Record{Key: key, Value: value}, func(_ *kgo.Record, err error) { done(err) })
}

func (p *franzProducer) close(context.Context) error {
	p.client.Close()
	return nil
}

type franzConsumption struct {
	client *kgo.Client
	done   chan struct{}
}

func openFranzConsumer(ctx context.Context, s site, m *meter) (consumption, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(s.brokers...), kgo.ConsumerGroup(s.group), kgo.ConsumeTopics(s.topic), kgo.DisableAutoCommit(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.MetadataMinAge(metadataAge),
	)
	if err != nil {
		return nil, err
	}
	c := &franzConsumption{client: client, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.serve(ctx, m, m.newTaps(s.partitions))
	}()
	return c, nil
}

func (c *franzConsumption) serve(ctx context.Context, m *meter, taps []*tap) {
	for {
		fetches := c.client.PollFetches(ctx)
		if fetches.IsClientClosed() || ctx.Err() != nil {
			return
		}
		m.fail(fetches.Err())
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, r := range p.Records {
				taps[p.Partition].add(r.Value)
			}
		})
	}
}

func (c *franzConsumption) close() error {
	c.client.Close()
	<-c.done
	return nil
}
