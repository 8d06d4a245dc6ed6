package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

const (
	topic      = "tuning"
	partitions = 4
)

// rounds is how often each profile is measured, one after the other; the best counts, since the others were disturbed.
const rounds = 3

// measure produces and consumes under each profile, and prints how fast.
func measure(ctx context.Context, brokers []string, records int, stdout io.Writer) error {
	best := make([]float64, len(producing)+len(consuming))
	for round := range rounds {
		name := topic + strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + strconv.Itoa(round)
		for i, p := range producing {
			rate, err := timed(ctx, p, brokers, fmt.Sprint(name, "-", i), records, produce)
			if err != nil {
				return err
			}
			best[i] = max(best[i], rate)
		}
		for i, p := range consuming {
			rate, err := timed(ctx, p, brokers, name+"-0", records, consume)
			if err != nil {
				return err
			}
			best[len(producing)+i] = max(best[len(producing)+i], rate)
		}
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PRODUCING\tRECORDS/S\tOF THE DEFAULTS")
	for i, p := range producing {
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\n", p.name, best[i], best[i]/best[0])
	}
	fmt.Fprintln(table, "CONSUMING\tRECORDS/S\tOF THE DEFAULTS")
	for i, p := range consuming {
		rate := best[len(producing)+i]
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\n", p.name, rate, rate/best[len(producing)])
	}
	return table.Flush()
}

// A job does something with a number of records of a topic.
type job func(ctx context.Context, b *kafka.Backend, p profile, name string, records int) (time.Duration, error)

// timed opens the brokers under a profile and returns how many records a second a job does.
func timed(ctx context.Context, p profile, brokers []string, name string, records int, do job) (rate float64, err error) {
	p.config.Brokers = brokers
	b, err := kafka.Open(ctx, p.config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := stream.EnsureStream(ctx, b, stream.StreamConfig{Name: name, Partitions: partitions}); err != nil {
		return 0, err
	}
	took, err := do(ctx, b, p, name, records)
	return float64(records) / took.Seconds(), err
}

func produce(ctx context.Context, b *kafka.Backend, p profile, name string, records int) (time.Duration, error) {
	producer, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{name}, BufferedBytes: p.buffered})
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	for i := range records {
		producer.SendAsync(ctx, record(name, i), nil)
	}
	err = producer.Flush(ctx)
	took := time.Since(begun)
	return took, errors.Join(err, producer.Close(ctx))
}

// record is an event as services send them: text with much in common.
func record(name string, i int) *stream.Record {
	value := fmt.Appendf(nil, `{"id":%d,"network":"ci","magnitude":%d.%d,"place":"%d km SW of Borrego Springs, California",`+
		`"type":"earthquake","status":"reviewed","felt":null,"tsunami":0,"sources":",ci,us,"}`, i, i%7, i%10, i%90)
	return &stream.Record{Stream: name, Key: strconv.AppendInt(nil, int64(i%1000), 10), Value: value}
}

func consume(ctx context.Context, b *kafka.Backend, p profile, name string, records int) (time.Duration, error) {
	consumer, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Streams: []string{name}, End: stream.Latest()})
	if err != nil {
		return 0, err
	}
	seen := make(chan int, partitions)
	begun := time.Now()
	err = consumer.Run(ctx, func(ctx context.Context, part *stream.Partition) error {
		n := 0
		for batch, err := range part.Batches(ctx, p.batch, 0) {
			if err != nil {
				return err
			}
			n += len(batch)
		}
		seen <- n
		return nil
	})
	took := time.Since(begun)
	close(seen)
	total := 0
	for n := range seen {
		total += n
	}
	if err == nil && total != records {
		err = fmt.Errorf("%d of %d records were read", total, records)
	}
	return took, err
}
