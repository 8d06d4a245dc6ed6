package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// produceStudy compares producing.
func (v *venue) produceStudy(ctx context.Context, l *lab) error {
	heap := make([]byte, standingHeap)
	defer runtime.KeepAlive(heap)
	for _, s := range shapes(l.Options) {
		costs, err := v.produceContest(ctx, l, s)
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		if s == headline {
			produceMetrics(l, costs)
		}
	}
	return nil
}

func (v *venue) produceContest(ctx context.Context, l *lab, s shape) (_ map[string]*Costs, err error) {
	brokers, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	topic, gone, err := v.topic(ctx, s.partitions)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gone()) }()
	at := site{shape: s, brokers: brokers, topic: topic, load: s.load(), linger: linger}
	length := burst
	if l.Smoke {
		length = smokeBurst
	}
	t := newRateTable(fmt.Sprintf("Producing to one real broker, acks=all: %v", s))
	var entries []entry
	for _, p := range peers() {
		if p.producer != nil {
			entries = append(entries, p.produceEntry(at, length))
		}
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return nil, err
	}
	for _, p := range peers() {
		if p.producer != nil {
			t.addRate(p.name, p.produces, costs[p.name])
		}
	}
	l.table(t.Table)
	return costs, nil
}

// produceMetrics compares SendAsync.
func produceMetrics(l *lab, costs map[string]*Costs) {
	ours := costs[nameSendAsync]
	faster := func(name, than string, t *Target) {
		l.metric(newMetric(name, "x", costs[than].Nanos.Over(ours.Nanos), t))
	}
	faster("kafka.produce_rate_vs_franz", nameFranz, atLeast(0.95))
	l.metric(newMetric("kafka.produce_cpu_vs_franz", "x", ours.CPU.Over(costs[nameFranz].CPU), atMost(1.15)))
	faster("kafka.produce_rate_vs_watermill", nameWatermillKafka, atLeast(10))
	faster("kafka.produce_rate_vs_gocloud", nameGocloudKafka, atLeast(15))
	faster("kafka.produce_rate_vs_kafkago", nameKafkago, atLeast(1.5))
	faster("kafka.produce_rate_vs_sarama", nameSarama, nil)
	l.metric(newMetric("kafka.produce_send100_rate_vs_franz", "x", costs[nameFranz].Nanos.Over(costs[nameSend].Nanos), nil))
	l.metric(newMetric("kafka.produce_extra_allocs", "allocs/record", minus(ours.Allocs, costs[nameFranz].Allocs), nil))
}
