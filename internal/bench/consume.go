package main

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// consumeAllocs measures consuming alone: all records are stored before.
func consumeAllocs(ctx context.Context, l *lab) error {
	load := newLoad(poolSize, valueBytes)
	const records, batches, each, byKey = "memory Records", "memory Batches", "memory Each", "memory ByKey(64)"
	rounds := load.rounds(l.Records)
	entries := []entry{
		drainEntry(records, load, rounds, tallyRecords),
		drainEntry(batches, load, rounds, tallyBatches),
		drainEntry(each, load, rounds, tallyEach),
		drainEntry(byKey, load, rounds, tallyByKey),
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	l.table(costTable("Consuming alone", entries, costs))
	l.metric(newMetric("memory.consume_allocs", "allocs/record", costs[records].Allocs, atMost(0.01)))
	l.metric(newMetric("memory.consume_batch_allocs", "allocs/record", costs[batches].Allocs, atMost(0.01)))
	l.metric(newMetric("memory.consume_bytes", "B/record", costs[records].Bytes, atMost(consumeBytes)))
	l.metric(newMetric("memory.consume_batch_bytes", "B/record", costs[batches].Bytes, atMost(consumeBytes)))
	l.metric(newMetric("memory.bykey_vs_each", "x", costs[byKey].Nanos.Over(costs[each].Nanos), atMost(8)))
	return nil
}

// consumeBytes is how many bytes consuming a record may allocate: about the size of a Record, which Records lets the
// handler keep.
const consumeBytes = 170

func tallyRecords(t *tally) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		var last *stream.Record
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			t.add(rec.Key)
			last = rec
		}
		return p.Checkpoint(ctx, last)
	}
}

func tallyBatches(t *tally) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		var last stream.Record
		for recs, err := range p.Batches(ctx, 0, 0) {
			if err != nil {
				return err
			}
			for i := range recs {
				t.add(recs[i].Key)
			}
			last = recs[len(recs)-1]
		}
		return p.Checkpoint(ctx, &last)
	}
}

func tallyEach(t *tally) stream.Handler {
	return stream.Each(func(_ context.Context, rec *stream.Record) error {
		t.add(rec.Key)
		return nil
	})
}

func tallyByKey(t *tally) stream.Handler {
	return stream.ByKey(keysAtOnce, func(_ context.Context, rec *stream.Record) error {
		t.add(rec.Key)
		return nil
	})
}
