package main

import (
	"context"
	"errors"
	"runtime"
)

// footprint measures the memory that stored records take beyond their keys and values, once nothing else is in use.
func footprint(ctx context.Context, l *lab) error {
	const records = 1_000_000
	load := newLoad(poolSize, valueBytes)
	rounds := load.rounds(l.size(records, 20*poolSize))
	t := &Table{Title: "Memory that a stored record takes beyond key and value", Heading: []string{"partitions", "records", "bytes/record"}}
	for _, partitions := range []int{1, 16} {
		var sample Sample
		for range l.Repetitions {
			bytes, err := overhead(ctx, load, partitions, rounds)
			if err != nil {
				return err
			}
			sample = append(sample, bytes)
		}
		t.add(number(float64(partitions)), number(float64(rounds*poolSize)), number(sample.Median()))
		if partitions == 1 {
			l.metric(newMetric("memory.overhead_bytes", "B/record", sample, atMost(96)))
		}
	}
	l.table(t)
	return nil
}

func overhead(ctx context.Context, l *load, partitions, rounds int) (bytes float64, err error) {
	before := liveHeap()
	backend, err := filled(ctx, strict, partitions, l, rounds)
	if err != nil {
		return 0, err
	}
	held := liveHeap() - before
	records := rounds * len(l.records)
	return float64(held)/float64(records) - keyBytes - valueBytes, errors.Join(backend.Close(), ctx.Err())
}

// liveHeap is how many bytes of the heap are in use. The second collection frees what the first found to be finished.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
