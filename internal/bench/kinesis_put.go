package main

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/streamport-go/streamport/kinesis"
)

// What a producer's records look like: keys of which none repeats among those under way, or few.
const (
	distinctKeys = 20_000
	repeatedKeys = 100
)

// putRecords is how many records a repetition stores at least, however slow the machine is: fewer would show what it takes
// to fill buffers for the first time.
const putRecords = 200_000

// The sides of this library that metrics are about.
const (
	nameUnordered     = "Unordered"
	nameUnorderedCBOR = "Unordered, CBOR"
	nameKeyOrdered    = "KeyOrdered"
	namePacked        = "SameKey, repeated keys"
	namePackedCBOR    = "SameKey, repeated keys, CBOR"
)

// putters are all ways to produce.
func putters() []kinesisPutter {
	unordered := kinesis.Config{Mode: kinesis.Unordered}
	unorderedCBOR := kinesis.Config{Mode: kinesis.Unordered, CBOR: true}
	packed := kinesis.Config{Aggregation: kinesis.SameKey}
	packedCBOR := kinesis.Config{Aggregation: kinesis.SameKey, CBOR: true}
	byShard := kinesis.Config{Mode: kinesis.Unordered, Aggregation: kinesis.ByShard}
	sdk := func(_ context.Context, at kinesisSite) (publisher, error) { return openSDKProducer(at) }
	return []kinesisPutter{
		{name: nameSDK, call: "PutRecords of 500", keys: distinctKeys, open: sdk},
		putterOf(nameUnordered, callSendAsync, distinctKeys, unordered),
		putterOf("Unordered, Send", callSend, distinctKeys, unordered),
		putterOf(nameUnorderedCBOR, callSendAsync, distinctKeys, unorderedCBOR),
		putterOf(nameKeyOrdered, callSendAsync, distinctKeys, kinesis.Config{}),
		putterOf("KeyOrdered, CBOR", callSendAsync, distinctKeys, kinesis.Config{CBOR: true}),
		putterOf(namePacked, callSendAsync, repeatedKeys, packed),
		putterOf(namePackedCBOR, callSendAsync, repeatedKeys, packedCBOR),
		putterOf("ByShard", callSendAsync, distinctKeys, byShard),
	}
}

// putStudy compares what producing costs this process, and what passes over the wire.
func putStudy(ctx context.Context, l *lab) (err error) {
	service, err := startKinesis(ctx, putShards, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	heap := make([]byte, standingHeap)
	defer runtime.KeepAlive(heap)
	least := l.size(putRecords, 1)
	passed := map[string]*Sample{}
	var entries []entry
	for _, p := range putters() {
		bytes := &Sample{}
		passed[p.name] = bytes
		load := newLoad(l.size(p.keys, min(p.keys, 2*poolSize)), valueBytes)
		entries = append(entries, entry{name: p.name, bout: func(ctx context.Context) (Cost, error) {
			return p.bout(ctx, kinesisSite{url: service.url, load: load, wire: newWire()}, least, bytes)
		}})
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	t := newRateTable("Producing records of 100 B to a fake service that stores nothing, 256 shards, one goroutine but for Send")
	t.Heading = append(t.Heading, "on the wire")
	for _, p := range putters() {
		t.addRate(p.name, p.call, costs[p.name])
		last := len(t.Rows) - 1
		t.Rows[last] = append(t.Rows[last], number(passed[p.name].Median()))
	}
	l.table(t.Table)
	putMetrics(l, costs)
	l.metric(newMetric("kinesis.cbor_wire_vs_json", "x", passed[namePackedCBOR].Over(*passed[namePacked]), atMost(0.78)))
	l.metric(newMetric("kinesis.put_cbor_wire_vs_sdk", "x", passed[nameUnorderedCBOR].Over(*passed[nameSDK]), nil))
	return nil
}

func putMetrics(l *lab, costs map[string]*Costs) {
	over := func(name, side string, t *Target) {
		l.metric(newMetric("kinesis."+name, "x", costs[side].CPU.Over(costs[nameSDK].CPU), t))
	}
	over("put_cpu_vs_sdk", nameUnordered, atMost(1.3))
	over("put_ordered_cpu_vs_sdk", nameKeyOrdered, nil)
	over("put_packed_cpu_vs_sdk", namePacked, atMost(0.9))
	over("put_cbor_cpu_vs_sdk", nameUnorderedCBOR, nil)
	over("put_packed_cbor_cpu_vs_sdk", namePackedCBOR, atMost(0.6))
}

// bout is one repetition: what each of so many records costs, or of more, and as a further figure the bytes that pass
// for it in both directions.
func (p kinesisPutter) bout(ctx context.Context, at kinesisSite, least int, bytes *Sample) (_ Cost, err error) {
	defer at.wire.CloseIdleConnections()
	publisher, err := p.open(ctx, at)
	if err != nil {
		return Cost{}, err
	}
	defer func() { err = errors.Join(err, publisher.close(ctx)) }()
	if _, err := publishLeast(ctx, publisher, least/5); err != nil {
		return Cost{}, err
	}
	n, before := 0, at.wire.bytes.Load()
	cost, err := measure(1, func() error {
		n, err = publishLeast(ctx, publisher, least)
		return err
	})
	*bytes = append(*bytes, float64(at.wire.bytes.Load()-before)/float64(n))
	return cost.per(n), err
}

// publishLeast publishes at least so many records, and returns how many once all are stored.
func publishLeast(ctx context.Context, p publisher, least int) (n int, err error) {
	for n < max(least, 1) {
		more, err := p.publish(ctx, time.Now().Add(warmth))
		if err != nil {
			return n, err
		}
		n += more
	}
	return n, nil
}
