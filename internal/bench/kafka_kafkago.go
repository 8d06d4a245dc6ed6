package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/streamport-go/streamport/kafka/kafkago"
)

// The sides of this library on kafka-go.
const (
	nameOnKafkago        = "streamport on kafka-go"
	nameOnKafkagoBatches = "streamport on kafka-go, Batches"
)

// onKafkago are the sides of this library on kafka-go, by its public API. What hands out one record at a time stands
// against Reader, which does so too.
func onKafkago() []peer {
	return []peer{
		{
			name: nameOnKafkago, produces: "Producer.SendAsync", producer: openStreamProducer(kafkago.Open, false),
			consumes: "stream.Each", consumer: openStreamConsumer(kafkago.Open, tapEach),
		},
		{name: nameOnKafkagoBatches, consumes: "Partition.Batches", consumer: openStreamConsumer(kafkago.Open, tapBatches)},
	}
}

// kafkagoStudy compares the engine on kafka-go with kafka-go's own Writer and Reader.
func (v *venue) kafkagoStudy(ctx context.Context, l *lab) (err error) {
	heap := make([]byte, standingHeap)
	defer runtime.KeepAlive(heap)
	brokers, err := v.open(ctx)
	if err != nil {
		return err
	}
	s := headline
	at := site{shape: s, brokers: brokers, load: s.load(), linger: linger}
	sides := append(onKafkago(), kafkagoPeer())
	if err := v.kafkagoProduce(ctx, l, at, sides); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	if err := v.kafkagoConsume(ctx, l, at, sides); err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	return nil
}

func (v *venue) kafkagoProduce(ctx context.Context, l *lab, at site, sides []peer) (err error) {
	topic, gone, err := v.topic(ctx, at.partitions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gone()) }()
	at.topic = topic
	length := burst
	if l.Smoke {
		length = smokeBurst
	}
	var entries []entry
	for _, p := range sides {
		if p.producer != nil {
			entries = append(entries, p.produceEntry(at, length))
		}
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	t := newRateTable(fmt.Sprintf("Producing through kafka-go, acks=all: %v", at.shape))
	for _, p := range sides {
		if p.producer != nil {
			t.addRate(p.name, p.produces, costs[p.name])
		}
	}
	l.table(t.Table)
	ours, writer := costs[nameOnKafkago], costs[nameKafkago]
	l.metric(newMetric("kafkago.produce_cpu_vs_writer", "x", ours.CPU.Over(writer.CPU), atMost(1)))
	l.metric(newMetric("kafkago.produce_rate_vs_writer", "x", writer.Nanos.Over(ours.Nanos), atLeast(1)))
	return nil
}

func (v *venue) kafkagoConsume(ctx context.Context, l *lab, at site, sides []peer) (err error) {
	n := at.records(l.Records)
	l.progress(fmt.Sprintf("storing %d records", n))
	topic, sum, gone, err := v.filled(ctx, at.shape, at.load, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gone()) }()
	at.topic = topic
	var entries []entry
	for _, p := range sides {
		entries = append(entries, p.consumeEntry(at, n, sum))
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	t := newRateTable(fmt.Sprintf("Consuming through kafka-go, each side a group of one member: %v", at.shape))
	for _, p := range sides {
		t.addRate(p.name, p.consumes, costs[p.name])
	}
	l.table(t.Table)
	each, batches, reader := costs[nameOnKafkago], costs[nameOnKafkagoBatches], costs[nameKafkago]
	l.metric(newMetric("kafkago.consume_cpu_vs_reader", "x", each.CPU.Over(reader.CPU), atMost(0.65)))
	l.metric(newMetric("kafkago.consume_batches_cpu_vs_reader", "x", batches.CPU.Over(reader.CPU), nil))
	l.metric(newMetric("kafkago.consume_rate_vs_reader", "x", reader.Nanos.Over(each.Nanos), atLeast(1.5)))
	return nil
}
