package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
)

// An entry is one contestant: something that can be measured again and again.
type entry struct {
	name string
	bout func(ctx context.Context) (Cost, error) // one repetition, from opening to closing
}

// contest measures the entries in turn, so many times, and returns their costs by name. Every second repetition goes
// through the entries backwards, so that a drift of the machine favours nobody. In a CPU profile the label side names the
// entry.
func contest(ctx context.Context, entries []entry, repetitions int, progress func(string)) (map[string]*Costs, error) {
	costs := map[string]*Costs{}
	for _, e := range entries {
		costs[e.name] = &Costs{}
	}
	for rep := range repetitions {
		for i := range entries {
			if rep%2 == 1 {
				i = len(entries) - 1 - i
			}
			e := entries[i]
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			progress(fmt.Sprintf("repetition %d of %d: %s", rep+1, repetitions, e.name))
			var cost Cost
			var err error
			pprof.Do(ctx, pprof.Labels("side", e.name), func(ctx context.Context) { cost, err = e.bout(ctx) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			costs[e.name].add(cost)
		}
	}
	return costs, nil
}

// entry makes the side a contestant that moves the load.
func (s side) entry(l *load) entry {
	return entry{name: s.name, bout: func(ctx context.Context) (_ Cost, err error) {
		session, err := s.open(ctx, l)
		if err != nil {
			return Cost{}, err
		}
		defer func() { err = errors.Join(err, session.close(ctx)) }()
		if err := session.move(ctx, 1); err != nil {
			return Cost{}, err
		}
		rounds := l.rounds(s.records)
		return measure(rounds*len(l.records), func() error { return session.move(ctx, rounds) })
	}}
}

// costTable lists the costs of the entries in their order.
func costTable(title string, entries []entry, costs map[string]*Costs) *Table {
	t := &Table{Title: title, Heading: []string{"side", "ns/record", "least", "most", "CPU ns/record", "allocs/record", "bytes/record"}}
	for _, e := range entries {
		c := costs[e.name]
		t.add(e.name, number(c.Nanos.Median()), number(c.Nanos.Min()), number(c.Nanos.Max()),
			number(c.CPU.Median()), number(c.Allocs.Median()), number(c.Bytes.Median()))
	}
	return t
}
