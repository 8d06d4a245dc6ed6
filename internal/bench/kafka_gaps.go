package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// The scene of gapStudy: two members share the partitions, a third comes and goes.
const (
	gapPartitions = 16
	gapMembers    = 3
	gapRate       = 200         // records a second and partition, fewer where the handler is slow
	gapSteady     = time.Second // before the third comes, and after each change
	smokeSteady   = 200 * time.Millisecond
	gapLoad       = 0.5 // of a handler's time
	gapTick       = time.Second / gapRate
)

// gapStudy measures for how long partitions stand still when the group changes. A shape, from one run of each.
func (v *venue) gapStudy(ctx context.Context, l *lab) error {
	if _, err := v.open(ctx); err != nil {
		return err
	}
	assignments := []kafka.Assignment{kafka.Eager, kafka.Cooperative, kafka.Server}
	works := []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond}
	steady := gapSteady
	if l.Smoke {
		assignments, works, steady = assignments[1:2], works[:1], smokeSteady
	}
	t := &Table{
		Title:   "Longest gap in ms between two records of a partition: two members, a third joins and leaves; one run each",
		Heading: []string{"assignment", "handler ms", "steady", "join: stayed", "moved", "leave: stayed", "moved", "redelivered"},
	}
	for _, assignment := range assignments {
		for _, work := range works {
			l.progress(fmt.Sprintf("%s, %v", assignment, work))
			g, err := v.gaps(ctx, assignment, work, steady)
			if err != nil {
				return fmt.Errorf("%s, handlers of %v: %w", assignment, work, err)
			}
			t.add(string(assignment), number(microseconds(work)/1_000), g.steady.stayed.text(),
				g.join.stayed.text(), g.join.moved.text(), g.leave.stayed.text(), g.leave.moved.text(), strconv.Itoa(g.again))
			name := fmt.Sprintf("kafka.gap_%s_%dms", assignment, work.Milliseconds())
			g.join.metrics(l, name+"_join")
			g.leave.metrics(l, name+"_leave")
		}
	}
	l.table(t)
	return nil
}

// A longest is the longest gap of some partitions; it is not known without partitions.
type longest struct {
	gap        time.Duration
	partitions int
}

func (l *longest) add(gap time.Duration) {
	l.gap = max(l.gap, gap)
	l.partitions++
}

func (l longest) milliseconds() float64 { return microseconds(l.gap) / 1_000 }

// text says of how many partitions the gap is the longest.
func (l longest) text() string {
	if l.partitions == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%d)", number(l.milliseconds()), l.partitions)
}

// gapPhase is one change, or none.
type gapPhase struct{ stayed, moved longest }

func (g gapPhase) metrics(l *lab, name string) {
	l.metric(newMetric(name+"_stayed", "ms", Sample{g.stayed.milliseconds()}, nil))
	l.metric(newMetric(name+"_moved", "ms", Sample{g.moved.milliseconds()}, nil))
}

// gapResult is one run.
type gapResult struct {
	steady, join, leave gapPhase
	again               int // records that were handled twice
}

func (v *venue) gaps(
	ctx context.Context, assignment kafka.Assignment, work, steady time.Duration,
) (r gapResult, err error) {
	topic, gone, err := v.topic(ctx, gapPartitions)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, gone()) }()
	backend, err := kafka.Open(ctx, kafka.Config{Brokers: v.brokers(), Assignment: assignment})
	if err != nil {
		return r, err
	}
	var tracks gapTracks
	group := newCast(backend, gapPartitions, gapMembers)
	group.config = stream.ConsumerConfig{Group: topic, Streams: []string{topic}}
	group.work = func(ctx context.Context, p *stream.Partition, member int) error {
		return stream.Each(func(_ context.Context, rec *stream.Record) error {
			time.Sleep(work)
			return tracks.handled(rec, member)
		})(ctx, p)
	}
	defer func() { err = group.close(err) }()

	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- v.feed(feeding, topic, max(gapTick, time.Duration(float64(work)/gapLoad))) }()
	defer func() {
		stop()
		err = errors.Join(err, <-fed)
	}()
	for member := range gapMembers - 1 {
		group.join(ctx, member)
	}
	third := gapMembers - 1
	for _, phase := range []struct {
		change func()
		into   *gapPhase
	}{
		{func() {}, nil},
		{func() {}, &r.steady},
		{func() { group.join(ctx, third) }, &r.join},
		{func() { group.leave(third) }, &r.leave},
	} {
		tracks.begin()
		phase.change()
		if err := group.settled(ctx); err != nil {
			return r, err
		}
		if err := tracks.allHandled(ctx, steady+4*work); err != nil {
			return r, err
		}
		if phase.into != nil {
			*phase.into = tracks.end()
		}
	}
	r.again = tracks.again()
	return r, group.gone(third)
}

// feed writes to every partition, every so often, until ctx ends. A value begins with its number in the partition.
func (v *venue) feed(ctx context.Context, topic string, every time.Duration) error {
	var failed fault
	var answers sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		select {
		case <-ctx.Done():
			answers.Wait()
			return failed.first()
		case <-tick.C:
		}
		for p := range int32(gapPartitions) {
			value := binary.LittleEndian.AppendUint64(nil, n)
			answers.Add(1)
			record := &kgo.Record{Topic: topic, Partition: p, Value: value}
			v.client.Produce(context.WithoutCancel(ctx), record, func(_ *kgo.Record, err error) {
				failed.add(err)
				answers.Done()
			})
		}
	}
}

// gapTracks follow what is handled in each partition.
type gapTracks struct{ tracks [gapPartitions]gapTrack }

type gapTrack struct {
	mu      sync.Mutex // guards what follows
	last    time.Time
	longest time.Duration // since begin
	owner   int
	before  int // owner at begin
	count   int // since begin
	next    uint64
	again   int
}

func (t *gapTracks) handled(rec *stream.Record, member int) error {
	p, err := strconv.Atoi(rec.Partition)
	if err != nil {
		return err
	}
	k, n, now := &t.tracks[p], binary.LittleEndian.Uint64(rec.Value), time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.last.IsZero() {
		k.longest = max(k.longest, now.Sub(k.last))
	}
	k.last, k.owner = now, member
	k.count++
	if n < k.next {
		k.again++
	}
	k.next = max(k.next, n+1)
	return nil
}

func (t *gapTracks) begin() {
	for p := range t.tracks {
		k := &t.tracks[p]
		k.mu.Lock()
		k.longest, k.before, k.count = 0, k.owner, 0
		k.mu.Unlock()
	}
}

// allHandled waits so long, and until every partition has moved on meanwhile.
func (t *gapTracks) allHandled(ctx context.Context, wait time.Duration) error {
	counts := t.counts()
	limit := time.Now().Add(settleLimit)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		idle := -1
		for p, n := range t.counts() {
			if n < counts[p]+2 {
				idle = p
			}
		}
		if idle < 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("partition %d stands still for %v", idle, settleLimit)
		}
	}
}

func (t *gapTracks) counts() (counts [gapPartitions]int) {
	for p := range t.tracks {
		k := &t.tracks[p]
		k.mu.Lock()
		counts[p] = k.count
		k.mu.Unlock()
	}
	return counts
}

func (t *gapTracks) end() (g gapPhase) {
	for p := range t.tracks {
		k := &t.tracks[p]
		k.mu.Lock()
		if k.owner == k.before {
			g.stayed.add(k.longest)
		} else {
			g.moved.add(k.longest)
		}
		k.mu.Unlock()
	}
	return g
}

func (t *gapTracks) again() (n int) {
	for p := range t.tracks {
		k := &t.tracks[p]
		k.mu.Lock()
		n += k.again
		k.mu.Unlock()
	}
	return n
}
