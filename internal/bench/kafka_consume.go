package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// consumeStudy compares consuming from topics that were filled before.
func (v *venue) consumeStudy(ctx context.Context, l *lab) error {
	heap := make([]byte, standingHeap)
	defer runtime.KeepAlive(heap)
	for _, s := range shapes(l.Options) {
		costs, err := v.consumeContest(ctx, l, s)
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		if s == headline {
			consumeMetrics(l, costs)
		}
	}
	return nil
}

func (v *venue) consumeContest(ctx context.Context, l *lab, s shape) (_ map[string]*Costs, err error) {
	brokers, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	at := site{shape: s, brokers: brokers, load: s.load()}
	var entries []entry
	for _, store := range v.stores(l.Options, s) {
		l.progress(fmt.Sprintf("storing %d records", store.records))
		topic, sum, gone, err := v.filled(ctx, s, at.load, store.records)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, gone()) }()
		at.topic = topic
		for _, p := range store.peers {
			entries = append(entries, p.consumeEntry(at, store.records, sum))
		}
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return nil, err
	}
	t := newRateTable(fmt.Sprintf("Consuming from one real broker, each side a group of one member: %v", s))
	for _, p := range peers() {
		if p.consumer != nil {
			t.addRate(p.name, p.consumes, costs[p.name])
		}
	}
	l.table(t.Table)
	return costs, nil
}

// A store is a topic that holds so many records for some peers.
type store struct {
	records int
	peers   []peer
}

// stores gathers peers that can consume as much.
func (v *venue) stores(o Options, s shape) []store {
	var all []store
	for _, p := range peers() {
		if p.consumer == nil {
			continue
		}
		n := o.Records
		if p.limit > 0 {
			n = min(n, p.limit)
		}
		n = s.records(n)
		i := 0
		for i < len(all) && all[i].records != n {
			i++
		}
		if i == len(all) {
			all = append(all, store{records: n})
		}
		all[i].peers = append(all[i].peers, p)
	}
	return all
}

// consumeMetrics compares Batches with what hands out many records at a time, and Each with what hands out one.
func consumeMetrics(l *lab, costs map[string]*Costs) {
	franz, batches, each := costs[nameFranz], costs[nameBatches], costs[nameEach]
	ratio := func(name string, over, under Sample, t *Target) { l.metric(newMetric(name, "x", over.Over(under), t)) }
	ratio("kafka.consume_rate_vs_franz", franz.Nanos, batches.Nanos, atLeast(0.95))
	ratio("kafka.consume_cpu_vs_franz", batches.CPU, franz.CPU, atMost(1.25))
	l.metric(newMetric("kafka.consume_extra_allocs", "allocs/record", minus(batches.Allocs, franz.Allocs), atMost(noAllocs)))
	ratio("kafka.consume_rate_vs_watermill", costs[nameWatermillKafka].Nanos, each.Nanos, atLeast(8))
	ratio("kafka.consume_rate_vs_gocloud", costs[nameGocloudKafka].Nanos, each.Nanos, atLeast(40))
	ratio("kafka.consume_rate_vs_kafkago", costs[nameKafkago].Nanos, each.Nanos, atLeast(1.5))
	ratio("kafka.consume_rate_vs_sarama", costs[nameSarama].Nanos, each.Nanos, nil)
	ratio("kafka.consume_each_rate_vs_franz", franz.Nanos, each.Nanos, nil)
	ratio("kafka.consume_each_cpu_vs_franz", each.CPU, franz.CPU, nil)
	ratio("kafka.consume_bykey_rate_vs_franz", franz.Nanos, costs[nameByKey].Nanos, nil)
}

// noAllocs is none, to two decimals: what is allocated once a batch or a second is not 0 a record.
const noAllocs = 0.005
