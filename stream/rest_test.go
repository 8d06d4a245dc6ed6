package stream_test

import (
	"context"
	"io"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// A member may hold thousands of partitions: one that rests keeps neither its block nor what that points at.
func TestRestingLoopKeepsNoRecords(t *testing.T) {
	for name, ofLoop := range map[string]func(context.Context, *stream.Partition, func(*stream.Record)) error{
		"Records": func(ctx context.Context, p *stream.Partition, f func(*stream.Record)) error {
			for rec, err := range p.Records(ctx) {
				if err != nil {
					return err
				}
				f(rec)
			}
			return nil
		},
		"Batches":             batchesFor(0, 0),
		"Batches of 64":       batchesFor(64, 0),
		"Batches with a wait": batchesFor(0, 100*time.Millisecond),
		"Batches of 64 that wait longer than a rest": batchesFor(64, time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testResting(t, ofLoop) })
		})
	}
}

func batchesFor(max int, wait time.Duration) func(context.Context, *stream.Partition, func(*stream.Record)) error {
	return func(ctx context.Context, p *stream.Partition, f func(*stream.Record)) error {
		for recs, err := range p.Batches(ctx, max, wait) {
			if err != nil {
				return err
			}
			for i := range recs {
				f(&recs[i])
			}
		}
		return nil
	}
}

func testResting(t *testing.T, ofLoop func(context.Context, *stream.Partition, func(*stream.Record)) error) {
	const first, second = 640, 700 // full batches, so that none waits for more
	more, end := make(chan struct{}), make(chan struct{})
	s, c := newStage(), newStageClaim()
	next := uint64(0)
	c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
		limit, then := uint64(first), more
		if isClosed(more) {
			limit, then = second, end
		}
		n := 0
		for ; n < len(into) && next < limit; n++ {
			next++
			into[n] = stream.Record{Stream: "quakes", Partition: "0", Value: make([]byte, 64), Position: at(next)}
		}
		if n > 0 {
			return n, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-then:
			if isClosed(end) {
				return 0, io.EOF
			}
			return c.fetch(ctx, into)
		}
	}
	s.claims <- c
	close(s.claims)
	var records []weak.Pointer[stream.Record]
	var values []weak.Pointer[byte]
	var last *stream.Record
	result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g"}, func(ctx context.Context, p *stream.Partition) error {
		if err := ofLoop(ctx, p, func(rec *stream.Record) {
			require.Equal(t, at(uint64(len(records)+1)), rec.Position, "in order, each once")
			records, values = append(records, weak.Make(rec)), append(values, weak.Make(&rec.Value[0]))
			if len(records) == second {
				last = &stream.Record{}
				*last = *rec
			}
		}); err != nil {
			return err
		}
		return p.Checkpoint(ctx, last)
	})
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	require.Len(t, records, first)
	runtime.GC()
	for i := range records {
		require.Nil(t, records[i].Value(), "record %d", i)
		require.Nil(t, values[i].Value(), "the value of record %d", i)
	}
	close(more)
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	require.Len(t, records, second)
	close(end)
	require.NoError(t, <-result)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
