package main

import (
	"context"
	"runtime"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// How many records the slow sides move in one repetition.
const (
	watermillRecords = 100_000
	gocloudRecords   = 40_000
)

func memoryStudies(Options) ([]study, func() error) {
	studies := []study{
		{name: "throughput", run: throughput},
		{name: "produce", run: produceAllocs},
		{name: "consume", run: consumeAllocs},
		{name: "bykey", run: keySpeedup},
		{name: "footprint", run: footprint},
		{name: "middle", run: middleStart},
		{name: "trim", run: trimCost},
		{name: "rebalance", run: rebalances},
	}
	return studies, func() error { return nil }
}

// openMemory opens the memory backend in the given profile, with one stream.
func openMemory(profile memory.Profile) backendFor {
	return func(ctx context.Context, partitions int) (stream.Backend, error) {
		b, err := memory.Open(ctx, memory.Config{
			Profile: profile,
			Streams: []stream.StreamConfig{{Name: streamName, Partitions: partitions}},
		})
		if err != nil {
			return nil, err
		}
		return b, nil
	}
}

// strict is the profile that the metrics are about: the default.
var strict = openMemory(memory.Strict)

// The sides that the metrics of throughput compare.
const (
	nameChannel      = "channel"
	nameWatermill    = "watermill"
	nameLoose        = "watermill, not blocking"
	nameGocloud      = "mempubsub"
	nameSingle       = "memory SendAsync, Records"
	nameCheckpointed = "memory SendAsync, Records, Checkpoint every 100"
	nameBatch        = "memory Send of 100, Batches"
)

// standingHeap is kept while sides are compared, and never touched: as in a service with such a heap, the collector runs as
// rarely, and what one repetition frees the next one uses, instead of giving it back to the kernel and having it faulted
// in again. It is so for all sides.
const standingHeap = 512 << 20

// throughput compares moving records from a producer to a consumer, both at work at once.
func throughput(ctx context.Context, l *lab) error {
	heap := make([]byte, standingHeap)
	defer runtime.KeepAlive(heap)
	load := newLoad(poolSize, valueBytes)
	var entries []entry
	for _, s := range throughputSides(l.Options) {
		entries = append(entries, s.entry(load))
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	l.table(costTable("Moving 100-byte records: one producer, one consumer, at the same time", entries, costs))

	nanos := func(name string) Sample { return costs[name].Nanos }
	ratio := func(name string, over, under Sample, t *Target) {
		l.metric(newMetric(name, "x", over.Over(under), t))
	}
	ratio("memory.batch_vs_channel", nanos(nameBatch), nanos(nameChannel), atMost(0.4))
	ratio("memory.single_vs_channel", nanos(nameSingle), nanos(nameChannel), atMost(1.2))
	ratio("memory.vs_watermill", nanos(nameWatermill), nanos(nameCheckpointed), atLeast(30))
	ratio("memory.vs_watermill_not_blocking", nanos(nameLoose), nanos(nameCheckpointed), nil)
	ratio("memory.vs_mempubsub", nanos(nameGocloud), nanos(nameCheckpointed), atLeast(80))
	ratio("memory.partitions16_vs_1", nanos(nameSingle+partitionSuffix(16)), nanos(nameSingle), atMost(1.3))
	ratio("memory.partitions16_vs_1_batch", nanos(nameBatch+partitionSuffix(16)), nanos(nameBatch), atMost(1.3))
	return nil
}

func throughputSides(o Options) []side {
	n := o.Records
	sides := []side{
		channelSide(n),
		watermillSide(min(n, watermillRecords), true),
		watermillSide(min(n, watermillRecords), false),
		gocloudSide(min(n, gocloudRecords)),
		streamSide(strict, style{name: nameCheckpointed, partitions: 1, handler: byRecordsCheckpointing}, n),
	}
	for _, partitions := range []int{1, 4, 16} {
		suffix := partitionSuffix(partitions)
		sides = append(sides,
			streamSide(strict, style{name: nameSingle + suffix, partitions: partitions, handler: byRecords}, n),
			streamSide(strict, style{name: nameBatch + suffix, partitions: partitions, batched: true, handler: byBatches}, n))
	}
	return append(sides,
		streamSide(strict, style{name: "memory Send of 100, Each", partitions: 1, batched: true, handler: byEach}, n),
		streamSide(strict, style{name: "memory Send of 100, ByKey(64)", partitions: 1, batched: true, handler: byKeys}, n))
}
