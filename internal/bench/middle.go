package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// How often the start is measured, after so many starts that are not.
const (
	starts     = 201
	warmStarts = 20
)

// middleStart measures how long a reading that starts in the middle of a long partition takes to its first record.
func middleStart(ctx context.Context, l *lab) (err error) {
	const records = 10_000_000
	load := newLoad(poolSize, valueBytes)
	backend, err := strict(ctx, 1)
	if err != nil {
		return err
	}
	defer debug.FreeOSMemory()
	defer func() { err = errors.Join(err, backend.Close()) }()
	middle, err := fillAround(ctx, backend, load, load.rounds(l.size(records, 20*poolSize)))
	if err != nil {
		return err
	}
	t := &Table{
		Title:   fmt.Sprintf("From the call to the first record, in a partition of %d records", l.size(records, 20*poolSize)),
		Heading: []string{"start", "µs", "least", "most"},
	}
	for _, from := range []startPoint{
		{name: "Run, oldest", metric: "memory.oldest_start", first: firstByRun(stream.Start{})},
		{name: "Run, middle by position", metric: "memory.middle_start", first: firstByRun(stream.After(middle.Position)), target: atMost(10)},
		{name: "Run, middle by time", metric: "memory.middle_start_by_time", first: firstByRun(stream.Since(middle.Time))},
		{name: "Source, middle by position", metric: "memory.middle_source_start", first: firstBySource(stream.After(middle.Position))},
	} {
		l.progress(from.name)
		sample, err := from.times(ctx, backend, middle.Partition, l.size(starts, 5))
		if err != nil {
			return err
		}
		t.add(from.name, number(sample.Median()), number(sample.Min()), number(sample.Max()))
		l.metric(newMetric(from.metric, "µs", sample, from.target))
	}
	l.table(t)
	return nil
}

// A startPoint is one way to come to a first record.
type startPoint struct {
	name, metric string
	target       *Target
	first        func(ctx context.Context, b stream.Backend, partition string) (time.Duration, error)
}

// times measures so many starts, in microseconds.
func (s startPoint) times(ctx context.Context, b stream.Backend, partition string, times int) (Sample, error) {
	sample := make(Sample, 0, times)
	runtime.GC()
	for i := range warmStarts + times {
		took, err := s.first(ctx, b, partition)
		if err != nil {
			return nil, err
		}
		if i >= warmStarts {
			sample = append(sample, microseconds(took))
		}
	}
	return sample, nil
}

// fillAround stores so many rounds, half of them before and half after one record, and returns that one as stored.
func fillAround(ctx context.Context, b stream.Backend, l *load, rounds int) (middle stream.Record, err error) {
	producer, err := newSender(ctx, b, l)
	if err != nil {
		return middle, err
	}
	defer func() { err = errors.Join(err, producer.close(ctx)) }()
	if err := producer.send(ctx, rounds/2, true); err != nil {
		return middle, err
	}
	began := time.Now()
	mark, err := producer.mark(ctx)
	if err != nil {
		return middle, err
	}
	middle = stream.Record{Partition: mark.Partition, Position: mark.Position, Time: began}
	return middle, producer.send(ctx, rounds-rounds/2, true)
}

// firstByRun is the whole way of a service: from Run to the handler's first record.
func firstByRun(start stream.Start) func(context.Context, stream.Backend, string) (time.Duration, error) {
	return func(ctx context.Context, b stream.Backend, partition string) (time.Duration, error) {
		consumer, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
			Streams: []string{streamName}, Partitions: []string{partition}, Start: start,
		})
		if err != nil {
			return 0, err
		}
		var first time.Time
		began := time.Now()
		err = consumer.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
			for _, err := range p.Records(ctx) {
				first = time.Now()
				return err
			}
			return errors.New("there is no record")
		})
		return first.Sub(began), err
	}
}

// firstBySource is the backend's part of it, without the goroutines of a run: open a source, take the claim, fetch.
func firstBySource(start stream.Start) func(context.Context, stream.Backend, string) (time.Duration, error) {
	return func(ctx context.Context, b stream.Backend, partition string) (took time.Duration, err error) {
		var one [1]stream.Record
		began := time.Now()
		source, err := b.OpenSource(ctx, stream.SourceConfig{
			Member: "bench", Streams: []string{streamName}, Partitions: []string{partition}, Start: start,
			Grace: time.Second, Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, source.Close(ctx)) }()
		claim, err := source.Next(ctx)
		if err != nil {
			return 0, err
		}
		_, err = claim.Fetch(ctx, one[:])
		took = time.Since(began)
		return took, errors.Join(err, claim.Release(ctx, false))
	}
}
