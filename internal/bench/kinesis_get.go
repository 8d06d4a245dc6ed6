package main

import (
	"context"
	"errors"
	"runtime"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// A kinesisGetter is one way to read all that is stored.
type kinesisGetter struct {
	name, call string
	read       func(ctx context.Context, at kinesisSite, a *intake) error
}

// The sides that read by batches.
const (
	nameGet     = "Batches"
	nameGetCBOR = "Batches, CBOR"
)

// getters are all ways to read.
func getters() []kinesisGetter {
	batches := func(a *intake) stream.Handler { return a.handleBatches }
	records := func(a *intake) stream.Handler { return a.handleRecords }
	return []kinesisGetter{
		{nameSDK, "GetRecords of 10,000", readBySDK},
		{nameGet, "Partition.Batches", readByStream(kinesis.Config{}, batches)},
		{nameGetCBOR, "Partition.Batches", readByStream(kinesis.Config{CBOR: true}, batches)},
		{"Records", "Partition.Records", readByStream(kinesis.Config{}, records)},
		{"Records, CBOR", "Partition.Records", readByStream(kinesis.Config{CBOR: true}, records)},
	}
}

// readByStream reads all shards by one consumer that is no member of a group.
func readByStream(
	c kinesis.Config, handler func(*intake) stream.Handler,
) func(context.Context, kinesisSite, *intake) error {
	return func(ctx context.Context, at kinesisSite, a *intake) (err error) {
		backend, err := at.openKinesis(ctx, c)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, backend.Close()) }()
		consumer, err := stream.NewConsumer(ctx, backend, stream.ConsumerConfig{Streams: []string{streamName}})
		if err != nil {
			return err
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- consumer.Run(ctx, handler(a)) }()
		if err := a.wait(ctx, ended); err != nil {
			return err
		}
		stop()
		return <-ended
	}
}

// getStudy compares what reading costs this process: from opening until the last record has come, at a service that
// answers as fast as it can.
func getStudy(ctx context.Context, l *lab) (err error) {
	load := newLoad(poolSize, valueBytes)
	rounds := load.rounds(l.Records)
	n := rounds * poolSize
	service, err := startKinesis(ctx, getShards, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	heap := make([]byte, standingHeap)
	defer runtime.KeepAlive(heap)
	passed := map[string]*Sample{}
	var entries []entry
	for _, g := range getters() {
		bytes := &Sample{}
		passed[g.name] = bytes
		entries = append(entries, entry{name: g.name, bout: func(ctx context.Context) (Cost, error) {
			at := kinesisSite{url: service.url, wire: newWire()}
			defer at.wire.CloseIdleConnections()
			a := newIntake(n, uint64(rounds)*load.sum)
			cost, err := measure(n, func() error { return g.read(ctx, at, a) })
			*bytes = append(*bytes, float64(at.wire.bytes.Load())/float64(n))
			return cost, errors.Join(err, a.check())
		}})
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	t := newRateTable("Reading stored records of 100 B from a fake service, 16 shards, at most 5 calls a second and shard but for the SDK")
	t.Heading = append(t.Heading, "on the wire")
	for _, g := range getters() {
		t.addRate(g.name, g.call, costs[g.name])
		last := len(t.Rows) - 1
		t.Rows[last] = append(t.Rows[last], number(passed[g.name].Median()))
	}
	l.table(t.Table)
	l.metric(newMetric("kinesis.get_cpu_vs_sdk", "x", costs[nameGet].CPU.Over(costs[nameSDK].CPU), atMost(1.15)))
	l.metric(newMetric("kinesis.get_cbor_cpu_vs_sdk", "x", costs[nameGetCBOR].CPU.Over(costs[nameSDK].CPU), atMost(0.4)))
	l.metric(newMetric("kinesis.get_cbor_wire_vs_sdk", "x", passed[nameGetCBOR].Over(*passed[nameSDK]), nil))
	return nil
}
