package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A peer is one client library, or one way to use it, at a broker.
type peer struct {
	name     string
	produces string // the call that is measured; empty: it does not produce
	consumes string
	limit    int // records that it can consume in a repetition of a second; 0: as many as there are
	producer func(ctx context.Context, s site) (publisher, error)
	consumer func(ctx context.Context, s site, m *meter) (consumption, error)
}

// A site is where and as what a peer works.
type site struct {
	shape
	brokers []string
	topic   string
	group   string
	load    *load
	linger  time.Duration // of clients that publish asynchronously
}

// A publisher is a producer that is open.
type publisher interface {
	// publish sends records of the load until the deadline, at least one round, and returns how many when all are
	// acknowledged by all replicas.
	publish(ctx context.Context, deadline time.Time) (int, error)
	close(ctx context.Context) error
}

// A single is a publisher that can send one record. Done runs once, on any goroutine, and must not block.
type single interface {
	send(ctx context.Context, key, value []byte, done func(error))
}

// sendOne sends a record and waits for its answer.
func sendOne(ctx context.Context, p single, key, value []byte) error {
	answer := make(chan error, 1)
	p.send(ctx, key, value, func(err error) { answer <- err })
	return <-answer
}

// A consumption is a consumer that is at work: one member of a group of its own, which begins with the oldest record and
// passes every value to the meter.
type consumption interface {
	// close ends the work and returns once no value is passed any more.
	close() error
}

// burst is how long producing is measured in one repetition, and warmth how long it is done before.
const (
	burst      = 800 * time.Millisecond
	warmth     = 100 * time.Millisecond
	smokeBurst = 20 * time.Millisecond
)

// produceEntry makes the peer's producing a contestant.
func (p peer) produceEntry(s site, length time.Duration) entry {
	return entry{name: p.name, bout: func(ctx context.Context) (_ Cost, err error) {
		publisher, err := p.producer(ctx, s)
		if err != nil {
			return Cost{}, err
		}
		defer func() { err = errors.Join(err, publisher.close(ctx)) }()
		if _, err := publisher.publish(ctx, time.Now().Add(min(warmth, length))); err != nil {
			return Cost{}, err
		}
		n := 0
		cost, err := measure(1, func() error {
			n, err = publisher.publish(ctx, time.Now().Add(length))
			return err
		})
		return cost.per(n), err
	}}
}

// consumeEntry makes the peer's consuming a contestant: of n records that are stored, whose digests have the sum.
func (p peer) consumeEntry(s site, n int, sum uint64) entry {
	return entry{name: p.name, bout: func(ctx context.Context) (_ Cost, err error) {
		s.group = fmt.Sprintf("bench-%d", time.Now().UnixNano())
		m := newMeter(n)
		consumption, err := p.consumer(ctx, s, m)
		if err != nil {
			return Cost{}, err
		}
		if err := errors.Join(m.wait(ctx), consumption.close()); err != nil {
			return Cost{}, err
		}
		return m.cost(sum)
	}}
}

// A fault keeps the first error of many answers.
type fault struct{ err atomic.Pointer[error] }

func (f *fault) add(err error) {
	if err != nil {
		f.err.CompareAndSwap(nil, &err)
	}
}

// first is nil if there was no error.
func (f *fault) first() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

// inCrowd calls f from many goroutines, each time with the next number, until the deadline or an error, and for all
// numbers below least. It returns how many calls there were.
func inCrowd(goroutines, least int, deadline time.Time, f func(worker, i int) error) (int, error) {
	var crew sync.WaitGroup
	var next atomic.Int64
	var failed fault
	for worker := range goroutines {
		crew.Go(func() {
			for failed.first() == nil {
				i := int(next.Add(1) - 1)
				if i >= least && time.Now().After(deadline) {
					next.Add(-1)
					return
				}
				failed.add(f(worker, i))
			}
		})
	}
	crew.Wait()
	if err := failed.first(); err != nil {
		return 0, err
	}
	return int(next.Load()), nil
}

// byRounds calls f for every record of the load, round after round, until the deadline, and returns how many there were.
func (l *load) byRounds(deadline time.Time, f func(i int) error) (int, error) {
	for n := 0; ; {
		for i := range l.records {
			if err := f(i); err != nil {
				return 0, err
			}
		}
		if n += len(l.records); time.Now().After(deadline) {
			return n, nil
		}
	}
}
