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
		Title: "One member with many partitions: consuming, and then holding them idle",
		Heading: []string{"side", "partitions", "ready ms", "ns/record", "CPU ns/record", "idle CPU ms/s", "idle KiB/partition",
			"idle goroutines/partition"},
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
		l.metric(newMetric("kafka.held_bytes"+side.suffix, "B/partition", at.bytes, nil))
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

// held is what partitions cost one side, by repetition.
type held struct{ ready, nanos, cpu, idle, bytes, goroutines Sample }

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
			return h.bout(ctx, at, peerOf(side.name), n, sum, idle)
		}})
	}
	if _, err := contest(ctx, entries, l.Repetitions, l.progress); err != nil {
		return err
	}
	for _, side := range heldSides {
		h := all[heldKey{side.name, partitions}]
		t.add(side.name, number(float64(partitions)), number(h.ready.Median()), number(h.nanos.Median()), number(h.cpu.Median()),
			number(h.idle.Median()), number(h.bytes.Median()/1024), number(h.goroutines.Median()))
	}
	return nil
}

// idleTime is how long nothing comes while the partitions are held.
const idleTime = time.Second

func (h *held) bout(ctx context.Context, at site, p peer, n int, sum uint64, idle time.Duration) (Cost, error) {
	at.group = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	m := newMeter(n)
	memory, goroutines, opened := footing(), runtime.NumGoroutine(), time.Now()
	consumption, err := p.consumer(ctx, at, m)
	if err != nil {
		return Cost{}, err
	}
	if err := m.wait(ctx); err != nil {
		return Cost{}, errors.Join(err, consumption.close())
	}
	taken := footing() - memory
	more := runtime.NumGoroutine() - goroutines
	used := cpuTime()
	time.Sleep(idle)
	used = cpuTime() - used
	if err := consumption.close(); err != nil {
		return Cost{}, err
	}
	cost, err := m.cost(sum)
	if err != nil {
		return Cost{}, err
	}
	per := 1 / float64(at.partitions)
	h.ready = append(h.ready, microseconds(m.began.time.Sub(opened))/1_000)
	h.nanos, h.cpu = append(h.nanos, cost.Nanos), append(h.cpu, cost.CPU)
	h.idle = append(h.idle, microseconds(used)/1_000/idle.Seconds())
	h.bytes = append(h.bytes, float64(taken)*per)
	h.goroutines = append(h.goroutines, float64(more)*per)
	return cost, nil
}

// footing is how many bytes the live heap and the stacks take.
func footing() int64 {
	heap := liveHeap()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return heap + int64(m.StackInuse)
}
