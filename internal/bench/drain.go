package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// filled opens a backend with one stream and stores so many rounds of the load in it.
func filled(ctx context.Context, open backendFor, partitions int, l *load, rounds int) (_ stream.Backend, err error) {
	backend, err := open(ctx, partitions)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, backend.Close())
		}
	}()
	producer, err := newSender(ctx, backend, l)
	if err != nil {
		return nil, err
	}
	err = producer.send(ctx, rounds, true)
	return backend, errors.Join(err, producer.close(ctx))
}

// drainEntry measures consuming alone: the whole run of a group over so many rounds that are stored already. The records
// are counted by key, which needs no lock where records of a key are handled one after the other.
func drainEntry(name string, l *load, rounds int, handler func(*tally) stream.Handler) entry {
	return entry{name: name, bout: func(ctx context.Context) (_ Cost, err error) {
		backend, err := filled(ctx, strict, 1, l, rounds)
		if err != nil {
			return Cost{}, err
		}
		defer func() { err = errors.Join(err, backend.Close()) }()
		consumer, err := stream.NewConsumer(ctx, backend, stream.ConsumerConfig{
			Group: "bench", Streams: []string{streamName}, End: stream.Latest(),
		})
		if err != nil {
			return Cost{}, err
		}
		seen := newTally(len(l.records))
		cost, err := measure(rounds*len(l.records), func() error { return consumer.Run(ctx, handler(seen)) })
		return cost, errors.Join(err, seen.check(rounds))
	}}
}

// A tally counts records by the index of their key.
type tally struct{ counts []keyCount }

// keyCount fills a cache line, so that workers on different keys share none.
type keyCount struct {
	n int
	_ [56]byte
}

func newTally(keys int) *tally { return &tally{counts: make([]keyCount, keys)} }

func (t *tally) add(key []byte) { t.counts[indexOf(key)].n++ }

// check fails unless every key came so many times.
func (t *tally) check(times int) error {
	for i := range t.counts {
		if n := t.counts[i].n; n != times {
			return fmt.Errorf("key %d came %d times instead of %d", i, n, times)
		}
	}
	return nil
}
