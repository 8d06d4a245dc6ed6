package main

import (
	"context"
	"errors"
)

// produceAllocs measures producing alone: nobody reads.
func produceAllocs(ctx context.Context, l *lab) error {
	load := newLoad(poolSize, valueBytes)
	const single, batch = "memory SendAsync", "memory Send of 100"
	entries := []entry{
		produceEntry(single, load, load.rounds(l.Records), false),
		produceEntry(batch, load, load.rounds(l.Records), true),
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	l.table(costTable("Producing alone", entries, costs))
	l.metric(newMetric("memory.produce_allocs", "allocs/record", costs[single].Allocs, atMost(1)))
	l.metric(newMetric("memory.produce_batch_allocs", "allocs/record", costs[batch].Allocs, atMost(1)))
	return nil
}

func produceEntry(name string, l *load, rounds int, batched bool) entry {
	return entry{name: name, bout: func(ctx context.Context) (_ Cost, err error) {
		backend, err := strict(ctx, 1)
		if err != nil {
			return Cost{}, err
		}
		defer func() { err = errors.Join(err, backend.Close()) }()
		producer, err := newSender(ctx, backend, l)
		if err != nil {
			return Cost{}, err
		}
		defer func() { err = errors.Join(err, producer.close(ctx)) }()
		if err := producer.send(ctx, 1, batched); err != nil {
			return Cost{}, err
		}
		return measure(rounds*len(l.records), func() error { return producer.send(ctx, rounds, batched) })
	}}
}
