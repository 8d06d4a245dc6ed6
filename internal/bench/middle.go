package main

import (
	"context"
	"errors"
	"fmt"
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
		Title:   fmt.Sprintf("From Run to the first record, in a partition of %d records", l.size(records, 20*poolSize)),
		Heading: []string{"start", "µs", "least", "most"},
	}
	for _, from := range []struct {
		name   string
		start  stream.Start
		metric string
		target *Target
	}{
		{"oldest", stream.Start{}, "memory.oldest_start", nil},
		{"middle, by position", stream.After(middle.Position), "memory.middle_start", atMost(10)},
		{"middle, by time", stream.Since(middle.Time), "memory.middle_start_by_time", nil},
	} {
		l.progress(from.name)
		sample, err := startTimes(ctx, backend, middle.Partition, from.start, l.size(starts, 5))
		if err != nil {
			return err
		}
		t.add(from.name, number(sample.Median()), number(sample.Min()), number(sample.Max()))
		l.metric(newMetric(from.metric, "µs", sample, from.target))
	}
	l.table(t)
	return nil
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
	middle.Time = time.Now()
	producer.SendAsync(ctx, l.records[0], func(ack stream.Ack, err error) {
		producer.answer(ack, err)
		middle.Partition, middle.Position = ack.Partition, ack.Position
	})
	if err := producer.settle(ctx); err != nil {
		return middle, err
	}
	return middle, producer.send(ctx, rounds-rounds/2, true)
}

// startTimes measures so many starts, in microseconds.
func startTimes(ctx context.Context, b stream.Backend, partition string, start stream.Start, times int) (Sample, error) {
	sample := make(Sample, 0, times)
	for i := range warmStarts + times {
		took, err := startTime(ctx, b, partition, start)
		if err != nil {
			return nil, err
		}
		if i >= warmStarts {
			sample = append(sample, float64(took.Nanoseconds())/1_000)
		}
	}
	return sample, nil
}

func startTime(ctx context.Context, b stream.Backend, partition string, start stream.Start) (time.Duration, error) {
	consumer, err := openAlone(ctx, b, partition, start)
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
