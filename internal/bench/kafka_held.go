package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// heldRecords is how many records a topic of heldStudy holds, over all partitions.
const heldRecords = 500_000

// heldStudy measures what a member pays for partitions that it holds: for each record, and while nothing comes.
func (v *venue) heldStudy(ctx context.Context, l *lab) error {
	sizes := []int{10, 100, 1_000}
	if l.Smoke {
		sizes = sizes[:1]
	}
	t := &Table{
		Title: "One member with many partitions: joining and reading 500,000 records, and holding what is idle",
		Heading: []string{"side", "partitions", "CPU ms to the last", "ms to the last", "idle CPU ms/s", "idle goroutines/partition",
			"KiB/partition, nothing read", "after reading"},
	}
	all := map[heldKey]*held{}
	for _, partitions := range sizes {
		if err := v.heldContest(ctx, l, partitions, all, t); err != nil {
			return fmt.Errorf("%d partitions: %w", partitions, err)
		}
	}
	l.table(t)
	most, before := sizes[len(sizes)-1], sizes[max(0, len(sizes)-2)]
	for _, side := range heldSides {
		at, less := all[heldKey{side.name, most}], all[heldKey{side.name, before}]
		l.metric(newMetric("kafka.held_bytes"+side.suffix, "B/partition", at.fresh, nil))
		l.metric(newMetric("kafka.held_bytes_after_reading"+side.suffix, "B/partition", at.bytes, nil))
		l.metric(newMetric("kafka.held_idle_cpu"+side.suffix, "ms/s", at.idle, nil))
		l.metric(newMetric("kafka.held_growth"+side.suffix, "x", at.cpu.Over(less.cpu), nil))
	}
	return nil
}

// heldSides are compared; the metrics of the second tell what the client library alone takes.
var heldSides = []struct{ name, suffix string }{{nameBatches, ""}, {nameFranz, "_franz"}}

type heldKey struct {
	side       string
	partitions int
}

// held is what partitions cost one side, by repetition: processor time and time until all is read, in milliseconds, and
// what they take while nothing comes, before and after something was read.
type held struct{ cpu, time, idle, goroutines, fresh, bytes Sample }

func (v *venue) heldContest(ctx context.Context, l *lab, partitions int, all map[heldKey]*held, t *Table) (err error) {
	brokers, err := v.open(ctx)
	if err != nil {
		return err
	}
	s := headline
	s.partitions = partitions
	at := site{shape: s, brokers: brokers, load: s.load()}
	n := s.records(l.size(heldRecords, 1))
	topic, sum, gone, err := v.filled(ctx, s, at.load, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gone()) }()
	empty, emptyGone, err := v.topic(ctx, partitions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, emptyGone()) }()
	at.topic = topic
	idle := idleTime
	if l.Smoke {
		idle = smokeBurst
	}
	var entries []entry
	for _, side := range heldSides {
		h := &held{}
		all[heldKey{side.name, partitions}] = h
		entries = append(entries, entry{name: side.name, bout: func(ctx context.Context) (Cost, error) {
			fresh := at
			fresh.topic = empty
			if err := h.empty(ctx, fresh, peerOf(side.name), idle); err != nil {
				return Cost{}, err
			}
			return Cost{}, h.full(ctx, at, peerOf(side.name), n, sum, idle)
		}})
	}
	if _, err := contest(ctx, entries, l.Repetitions, l.progress); err != nil {
		return err
	}
	for _, side := range heldSides {
		h := all[heldKey{side.name, partitions}]
		t.add(side.name, number(float64(partitions)), number(h.cpu.Median()), number(h.time.Median()), number(h.idle.Median()),
			number(h.goroutines.Median()), number(h.fresh.Median()/1024), number(h.bytes.Median()/1024))
	}
	return nil
}

// idleTime is how long nothing comes while the partitions are held.
const idleTime = time.Second

// empty holds partitions that have no record.
func (h *held) empty(ctx context.Context, at site, p peer, idle time.Duration) error {
	at.group = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	m := newMeter(1)
	memory := footing()
	consumption, err := p.consumer(ctx, at, m)
	if err != nil {
		return err
	}
	for limit := time.Now().Add(settleLimit); m.tapped() < at.partitions; time.Sleep(smokeBurst) {
		if time.Now().After(limit) {
			err := fmt.Errorf("%d of %d partitions are held after %v", m.tapped(), at.partitions, settleLimit)
			return errors.Join(err, consumption.close())
		}
	}
	time.Sleep(idle) // bare franz-go does not tell when it has joined
	h.fresh = append(h.fresh, float64(footing()-memory)/float64(at.partitions))
	return consumption.close()
}

// full reads partitions to their end and goes on holding them.
func (h *held) full(ctx context.Context, at site, p peer, n int, sum uint64, idle time.Duration) error {
	at.group = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	m := newMeter(n)
	memory, goroutines, began := footing(), runtime.NumGoroutine(), takeReading()
	consumption, err := p.consumer(ctx, at, m)
	if err != nil {
		return err
	}
	if err := m.wait(ctx); err != nil {
		return errors.Join(err, consumption.close())
	}
	whole := takeReading().since(began, 1)
	used := cpuTime()
	time.Sleep(idle)
	used = cpuTime() - used
	taken, more := footing()-memory, runtime.NumGoroutine()-goroutines
	if err := consumption.close(); err != nil {
		return err
	}
	if _, err := m.cost(sum); err != nil {
		return err
	}
	per := 1 / float64(at.partitions)
	h.cpu, h.time = append(h.cpu, whole.CPU/1e6), append(h.time, whole.Nanos/1e6)
	h.idle = append(h.idle, microseconds(used)/1_000/idle.Seconds())
	h.goroutines = append(h.goroutines, float64(more)*per)
	h.bytes = append(h.bytes, float64(taken)*per)
	return nil
}

// footing is how many bytes the live heap and the stacks take.
func footing() int64 {
	heap := liveHeap()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return heap + int64(m.StackInuse)
}
