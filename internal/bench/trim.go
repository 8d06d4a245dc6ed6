package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// trimmer is what the memory backend offers to delete old records.
type trimmer interface {
	stream.Backend
	Trim(stream, partition string, before stream.Position) error
}

// steady is how much more a trimmed record may cost in a long partition than in a short one, and still count as constant.
const steady = 1.5

// trimCost measures trimming where appending and trimming go on and a constant number of records is kept.
func trimCost(ctx context.Context, l *lab) error {
	load := newLoad(poolSize, valueBytes)
	sizes := []int{l.size(100, 10), l.size(1_000, 20)} // rounds kept
	costs := make([]Sample, len(sizes))
	for rep := range l.Repetitions {
		for i, kept := range sizes {
			l.progress(fmt.Sprintf("repetition %d of %d: %d records kept", rep+1, l.Repetitions, kept*poolSize))
			cost, err := trimSliding(ctx, load, kept, l.size(1_000, 10))
			if err != nil {
				return err
			}
			costs[i] = append(costs[i], cost)
		}
	}
	t := &Table{Title: "Trimming the oldest 1,000 records, again and again", Heading: []string{"records kept", "ns/record", "least", "most"}}
	for i, kept := range sizes {
		t.add(fmt.Sprint(kept*poolSize), number(costs[i].Median()), number(costs[i].Min()), number(costs[i].Max()))
	}
	l.table(t)
	l.metric(newMetric("memory.trim_cost", "ns/record", costs[1], nil))
	l.metric(newMetric("memory.trim_growth", "x", costs[1].Over(costs[0]), atMost(steady)))
	return nil
}

// trimSliding keeps so many rounds of the load while it appends and trims so many, and returns what trimming alone cost
// a trimmed record, in nanoseconds.
func trimSliding(ctx context.Context, l *load, kept, rounds int) (cost float64, err error) {
	opened, err := strict(ctx, 1)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	backend, ok := opened.(trimmer)
	if !ok {
		return 0, errors.New("the backend cannot trim")
	}
	producer, err := newSender(ctx, backend, l)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, producer.close(ctx)) }()

	ends := make([]stream.Ack, 0, kept+rounds) // of each round
	var took time.Duration
	for i := range kept + rounds {
		if err := producer.send(ctx, 1, true); err != nil {
			return 0, err
		}
		end, err := producer.mark(ctx)
		if err != nil {
			return 0, err
		}
		ends = append(ends, end)
		if i < kept {
			continue
		}
		oldest := ends[i-kept]
		began := time.Now()
		err = backend.Trim(streamName, oldest.Partition, oldest.Position)
		took += time.Since(began)
		if err != nil {
			return 0, err
		}
	}
	return float64(took.Nanoseconds()) / float64(rounds*(len(l.records)+1)), nil
}
