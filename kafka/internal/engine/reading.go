package engine

import (
	"context"
	"sync"
)

// A reading tells the fetcher what to do, in the order in which it was decided: claims decide under their locks, and on
// many goroutines; one goroutine acts.
type reading struct {
	fetcher Fetcher
	alarm   chan struct{} // holds a token when there is something to do

	mu     sync.Mutex // guards what follows
	todo   []order
	number int64 // of the last Add
}

// An order is one call of the fetcher for many partitions.
type order struct {
	verb   verb
	at     map[Partition]Offset // toAdd
	ps     []Partition          // everything else
	number int64
}

type verb uint8

const (
	toAdd verb = iota
	toRemove
	toPause
	toResume
)

func newReading() *reading { return &reading{alarm: make(chan struct{}, 1)} }

// add begins to read p and returns the number by which its blocks are known.
func (r *reading) add(p Partition, at Offset) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.wake()
	if last := len(r.todo) - 1; last >= 0 && r.todo[last].verb == toAdd {
		if _, twice := r.todo[last].at[p]; !twice {
			r.todo[last].at[p] = at
			return r.number
		}
	}
	r.number++
	r.todo = append(r.todo, order{verb: toAdd, at: map[Partition]Offset{p: at}, number: r.number})
	return r.number
}

func (r *reading) do(v verb, p Partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.wake()
	if last := len(r.todo) - 1; last >= 0 && r.todo[last].verb == v {
		r.todo[last].ps = append(r.todo[last].ps, p)
		return
	}
	r.todo = append(r.todo, order{verb: v, ps: []Partition{p}})
}

func (r *reading) wake() {
	select {
	case r.alarm <- struct{}{}:
	default:
	}
}

// run acts until ctx ends.
func (r *reading) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.alarm:
		}
		r.mu.Lock()
		todo := r.todo
		r.todo = nil
		r.mu.Unlock()
		for _, o := range todo {
			r.act(o)
		}
	}
}

func (r *reading) act(o order) {
	switch o.verb {
	case toAdd:
		r.fetcher.Add(o.at, o.number)
	case toRemove:
		r.fetcher.Remove(o.ps...)
	case toPause:
		r.fetcher.Pause(o.ps...)
	case toResume:
		r.fetcher.Resume(o.ps...)
	}
}
