package main

import (
	"context"
	"fmt"
	"time"
)

// rebalances measures what it costs a group when one of its members leaves, and when it comes back.
func rebalances(ctx context.Context, l *lab) error {
	t := &Table{
		Title:   "Rebalance: from a member's going or coming until every partition is held again, shared evenly",
		Heading: []string{"partitions", "members", "leave µs", "join µs", "leave µs/partition", "join µs/partition"},
	}
	sizes := []int{10, 100, 1_000, 10_000}
	if l.Smoke {
		sizes = sizes[:2]
	}
	both := map[[2]int]Sample{} // leaving and joining together, in microseconds a partition
	for _, partitions := range sizes {
		for _, members := range []int{2, 8, 32} {
			l.progress(fmt.Sprintf("%d partitions, %d members", partitions, members))
			left, joined, err := rebalance(ctx, partitions, members, l.Repetitions)
			if err != nil {
				return fmt.Errorf("%d partitions, %d members: %w", partitions, members, err)
			}
			per := 1 / float64(partitions)
			row := []string{fmt.Sprint(partitions), fmt.Sprint(members), number(left.Median()), number(joined.Median()),
				number(left.Median() * per), number(joined.Median() * per)}
			if members > partitions { // who comes back gets nothing
				row[3], row[5] = "-", "-"
			}
			t.add(row...)
			sum := make(Sample, len(left))
			for i := range left {
				sum[i] = (left[i] + joined[i]) * per
			}
			both[[2]int{partitions, members}] = sum
		}
	}
	l.table(t)
	most, before := sizes[len(sizes)-1], sizes[len(sizes)-2]
	for _, members := range []int{2, 8, 32} {
		growth := both[[2]int{most, members}].Over(both[[2]int{before, members}])
		l.metric(newMetric(fmt.Sprintf("memory.rebalance_growth_%d_members", members), "x", growth, atMost(nearLinear)))
	}
	return nil
}

// nearLinear is how much more a partition of the largest stream may cost to move than one of a tenth of its size.
const nearLinear = 2

// rebalance lets one of the members leave and come back, so many times.
func rebalance(ctx context.Context, partitions, members, repetitions int) (left, joined Sample, err error) {
	backend, err := strict(ctx, partitions)
	if err != nil {
		return nil, nil, err
	}
	g := newCast(backend, partitions, members)
	defer func() { err = g.close(err) }()
	for i := range members {
		g.join(ctx, i)
	}
	if err := g.settled(ctx); err != nil {
		return nil, nil, err
	}
	for range repetitions {
		last := g.holder()
		began := time.Now()
		g.leave(last)
		if err := g.settled(ctx); err != nil {
			return nil, nil, err
		}
		left = append(left, microseconds(time.Since(began)))
		if err := g.gone(last); err != nil {
			return nil, nil, err
		}
		began = time.Now()
		g.join(ctx, last)
		if err := g.settled(ctx); err != nil {
			return nil, nil, err
		}
		joined = append(joined, microseconds(time.Since(began)))
	}
	return left, joined, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1_000 }
