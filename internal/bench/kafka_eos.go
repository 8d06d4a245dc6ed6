package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// What a transaction of exactlyOnceStudy holds, and how many records a repetition passes on.
const (
	txRecords  = 1_000
	eosRecords = 600_000
)

// exactlyOnceStudy compares consuming, producing and checkpointing in transactions with doing so without.
func (v *venue) exactlyOnceStudy(ctx context.Context, l *lab) (err error) {
	brokers, err := v.open(ctx)
	if err != nil {
		return err
	}
	heap := make([]byte, standingHeap)
	defer runtime.KeepAlive(heap)
	s := headline
	at := site{shape: s, brokers: brokers, load: s.load()}
	n := max(1, l.size(eosRecords, 1)/(txRecords*s.partitions)) * txRecords * s.partitions
	topic, sum, gone, err := v.filled(ctx, s, at.load, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gone()) }()
	output, outputGone, err := v.topic(ctx, s.partitions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, outputGone()) }()
	at.topic = topic

	const twice, once = "Send of 1,000, Checkpoint", "Transact of 1,000"
	waits := map[string]*waits{twice: {}, once: {}}
	var entries []entry
	for _, name := range []string{twice, once} {
		entries = append(entries, entry{name: name, bout: func(ctx context.Context) (Cost, error) {
			return passOn(ctx, at, output, name == once, n, sum, waits[name])
		}})
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	t := &Table{
		Title:   fmt.Sprintf("From topic to topic in batches of 1,000, 12 holds: %v", s),
		Heading: []string{"way", "thousand/s", "least", "most", "CPU ns/record", "ms/batch p50", "p99"},
	}
	for _, name := range []string{twice, once} {
		c, took := costs[name], waits[name].sample
		rate := c.rate()
		t.add(name, number(rate.Median()), number(rate.Min()), number(rate.Max()), number(c.CPU.Median()),
			number(took.Median()), number(percentile(took, 99)))
	}
	l.table(t)
	l.metric(newMetric("kafka.eos_rate_vs_alo", "x", costs[twice].Nanos.Over(costs[once].Nanos), atLeast(0.5)))
	return nil
}

// waits are how long batches took to be stored and checkpointed, in milliseconds.
type waits struct {
	mu     sync.Mutex // guards sample
	sample Sample
}

func (w *waits) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sample = append(w.sample, microseconds(d)/1_000)
}

// passOn consumes the n records of a topic and sends each on to another.
func passOn(ctx context.Context, at site, output string, inTx bool, n int, sum uint64, w *waits) (_ Cost, err error) {
	at.group = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	backend, err := openKafka(ctx, at, 0)
	if err != nil {
		return Cost{}, err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	config := stream.ProducerConfig{
		Streams: []string{output}, Member: "bench", Sessions: at.partitions, BufferedRecords: buffered,
	}
	if inTx {
		config.Require.Transactions = stream.Native
	}
	producer, err := newSenderTo(ctx, backend, at.load, config)
	if err != nil {
		return Cost{}, err
	}
	defer func() { err = errors.Join(err, producer.close(ctx)) }()
	m := newMeter(n)
	way := passing{producer: producer, output: output, inTx: inTx, waits: w}
	consumption, err := consumeFrom(ctx, backend, at, m, way.handler)
	if err != nil {
		return Cost{}, err
	}
	if err := errors.Join(m.wait(ctx), consumption.close()); err != nil {
		return Cost{}, err
	}
	return m.cost(sum)
}

// passing is how records are passed on.
type passing struct {
	producer stream.Producer
	output   string
	inTx     bool
	waits    *waits
}

func (w passing) handler(t *tap) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		out := make([]*stream.Record, txRecords)
		for i := range out {
			out[i] = &stream.Record{Stream: w.output}
		}
		for recs, err := range p.Batches(ctx, txRecords, time.Second) {
			if err != nil {
				return err
			}
			if len(recs) == 0 {
				continue
			}
			for i := range recs {
				out[i].Key, out[i].Value = recs[i].Key, recs[i].Value
			}
			began := time.Now()
			if err := w.pass(ctx, p, out[:len(recs)], &recs[len(recs)-1]); err != nil {
				return err
			}
			w.waits.add(time.Since(began))
			for i := range recs {
				t.add(recs[i].Value)
			}
		}
		return nil
	}
}

func (w passing) pass(ctx context.Context, p *stream.Partition, out []*stream.Record, last *stream.Record) error {
	if !w.inTx {
		if err := w.producer.Send(ctx, out...); err != nil {
			return err
		}
		return p.Checkpoint(ctx, last)
	}
	return w.producer.Transact(ctx, func(tx stream.Tx) error {
		if err := tx.Send(ctx, out...); err != nil {
			return err
		}
		return tx.Checkpoint(p, last)
	})
}
