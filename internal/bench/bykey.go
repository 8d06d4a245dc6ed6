package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// work is what the handler of keySpeedup waits for at each record.
const work = time.Millisecond

// keySpeedup compares ByKey with Each where a record takes a millisecond, every record with a key of its own. Bare
// goroutines on a channel show what the machine's timers allow.
func keySpeedup(ctx context.Context, l *lab) error {
	few, many := newLoad(l.size(1_000, 50), valueBytes), newLoad(l.size(20_000, 1_000), valueBytes)
	const each, byKey, bare = "memory Each", "memory ByKey(64)", "64 bare goroutines"
	entries := []entry{
		drainEntry(each, few, 1, workEach),
		drainEntry(byKey, many, 1, workByKey),
		{name: bare, bout: func(context.Context) (Cost, error) { return workBare(many) }},
	}
	costs, err := contest(ctx, entries, l.Repetitions, l.progress)
	if err != nil {
		return err
	}
	l.table(costTable("A handler that waits 1 ms, every record with another key", entries, costs))
	l.metric(newMetric("bykey64_speedup", "x", costs[each].Nanos.Over(costs[byKey].Nanos), atLeast(52)))
	l.metric(newMetric("bare64_speedup", "x", costs[each].Nanos.Over(costs[bare].Nanos), nil))
	return nil
}

func workEach(t *tally) stream.Handler {
	return stream.Each(func(_ context.Context, rec *stream.Record) error {
		time.Sleep(work)
		t.add(rec.Key)
		return nil
	})
}

func workByKey(t *tally) stream.Handler {
	return stream.ByKey(keysAtOnce, func(_ context.Context, rec *stream.Record) error {
		time.Sleep(work)
		t.add(rec.Key)
		return nil
	})
}

func workBare(l *load) (Cost, error) {
	seen := newTally(len(l.records))
	cost, err := measure(len(l.records), func() error {
		var crew sync.WaitGroup
		pipe := make(chan *stream.Record, channelBuffer)
		for range keysAtOnce {
			crew.Go(func() {
				for rec := range pipe {
					time.Sleep(work)
					seen.add(rec.Key)
				}
			})
		}
		for _, rec := range l.records {
			pipe <- rec
		}
		close(pipe)
		crew.Wait()
		return nil
	})
	return cost, errors.Join(err, seen.check(1))
}
