package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// The pace of latencyStudy, and how long it is kept in a repetition.
const (
	pace       = time.Millisecond
	paceLength = time.Second
)

// latencyStudy measures from the call that sends a record to the moment when a consumer has it, at 1,000 records a second
// without linger.
func (v *venue) latencyStudy(ctx context.Context, l *lab) error {
	brokers, err := v.open(ctx)
	if err != nil {
		return err
	}
	at := site{shape: headline, brokers: brokers, load: headline.load()}
	records := l.size(int(paceLength/pace), 100)
	ways := []struct{ name, producer, consumer string }{
		{"franz-go Produce, PollFetches", nameFranz, nameFranz},
		{"streamport SendAsync, Records", nameSendAsync, nameRecords},
		{"streamport SendAsync, Batches", nameSendAsync, nameBatches},
	}
	middles, tails := map[string]Sample{}, map[string]Sample{}
	var entries []entry
	for _, way := range ways {
		entries = append(entries, entry{name: way.name, bout: func(ctx context.Context) (Cost, error) {
			sample, err := v.latencies(ctx, at, peerOf(way.producer), peerOf(way.consumer), records)
			if err == nil {
				middles[way.name] = append(middles[way.name], percentile(sample, 50))
				tails[way.name] = append(tails[way.name], percentile(sample, 99))
			}
			return Cost{}, err
		}})
	}
	if _, err := contest(ctx, entries, l.Repetitions, l.progress); err != nil {
		return err
	}
	t := &Table{
		Title:   "End to end at 1,000 records/s, no linger",
		Heading: []string{"side", "p50 µs", "least", "most", "p99 µs", "least", "most"},
	}
	for _, way := range ways {
		p50, p99 := middles[way.name], tails[way.name]
		t.add(way.name, number(p50.Median()), number(p50.Min()), number(p50.Max()),
			number(p99.Median()), number(p99.Min()), number(p99.Max()))
	}
	l.table(t)
	franz, ours := ways[0].name, ways[1].name
	l.metric(newMetric("kafka.latency_p50", "µs", middles[ours], nil))
	over := minus(middles[ours], middles[franz])
	l.metric(newMetric("kafka.latency_p50_over_franz", "µs", over, latencyTarget(middles[franz])))
	l.metric(newMetric("kafka.latency_p99", "µs", tails[ours], nil))
	l.metric(newMetric("kafka.latency_p99_franz", "µs", tails[franz], nil))
	return nil
}

// latencyTarget is how much more than bare franz-go this library's median may take: 50 µs, or a tenth if that is more.
func latencyTarget(franz Sample) *Target { return atMost(math.Max(50, franz.Median()/10)) }

// percentile of a sample, by the nearest rank.
func percentile(s Sample, p int) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// An arrivals list is the latency of each record, in microseconds.
type arrivals struct {
	mu     sync.Mutex // guards what follows
	sample Sample
	want   int
	all    chan struct{} // closed when want records have come
}

// expect forgets what has come and says how many come now.
func (a *arrivals) expect(n int) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sample, a.want, a.all = make(Sample, 0, n), n, make(chan struct{})
	return a.all
}

func (a *arrivals) add(value []byte) {
	took := time.Since(time.Unix(0, int64(binary.LittleEndian.Uint64(value))))
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.sample) == a.want {
		return
	}
	if a.sample = append(a.sample, microseconds(took)); len(a.sample) == a.want {
		close(a.all)
	}
}

// latencies sends records at the pace, to a consumer that has proved to be there for every partition.
func (v *venue) latencies(ctx context.Context, at site, from, to peer, records int) (_ Sample, err error) {
	topic, gone, err := v.topic(ctx, at.partitions)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gone()) }()
	at.topic = topic
	at.group = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	var a arrivals
	m := newMeter(math.MaxInt32)
	m.each = a.add
	publisher, err := from.producer(ctx, at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, publisher.close(ctx)) }()

	const warm = 100
	came := a.expect(warm)
	if err := paced(ctx, publisher.(single), at.load, warm, 0); err != nil {
		return nil, err
	}
	consumption, err := to.consumer(ctx, at, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, consumption.close()) }()
	if err := awaited(ctx, came, m); err != nil {
		return nil, err
	}
	came = a.expect(records)
	if err := paced(ctx, publisher.(single), at.load, records, pace); err != nil {
		return nil, err
	}
	if err := awaited(ctx, came, m); err != nil {
		return nil, err
	}
	return a.sample, nil
}

func awaited(ctx context.Context, came <-chan struct{}, m *meter) error {
	limit := time.NewTimer(meterTime)
	defer limit.Stop()
	select {
	case <-came:
		return nil
	case <-m.done:
		return m.wait(ctx)
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return fmt.Errorf("not all records have come within %v", meterTime)
	}
}

// paced sends so many records, each with the time of its sending in its value.
func paced(ctx context.Context, p single, l *load, records int, every time.Duration) error {
	var answers sync.WaitGroup
	var failed fault
	next := time.Now()
	for i := range records {
		next = next.Add(every)
		time.Sleep(time.Until(next))
		r := l.records[i%len(l.records)]
		value := make([]byte, len(r.Value))
		answers.Add(1)
		binary.LittleEndian.PutUint64(value, uint64(time.Now().UnixNano()))
		p.send(ctx, r.Key, value, func(err error) {
			failed.add(err)
			answers.Done()
		})
	}
	answers.Wait()
	return failed.first()
}
