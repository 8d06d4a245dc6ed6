package stream_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// The records are read to the partition's end, and one of them is being retried when the run stops: that is no failure.
func TestByKeyStopsWhileItDrainsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		c := newStageClaim()
		c.records(3, io.EOF)
		s.claims <- c
		ctx, cancel := context.WithCancel(t.Context())
		result := s.run(t, ctx, stream.ConsumerConfig{Group: "g"}, stream.ByKey(2, func(_ context.Context, rec *stream.Record) error {
			if rec.Position == at(2) {
				return errors.New("not yet")
			}
			return nil
		}, stream.Policy{Attempts: 100, Backoff: time.Hour, MaxBackoff: time.Hour}))
		synctest.Wait()
		cancel()
		require.NoError(t, <-result)
		require.Equal(t, []stream.Checkpoint{{Position: at(1)}}, c.saved)
	})
}

// A handler may read some records itself and leave the rest to ByKey.
func TestByKeyAfterALoopOfTheSameHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		c := newStageClaim()
		c.records(5000, io.EOF)
		s.claims <- c
		close(s.claims)
		rest := stream.ByKey(2, func(context.Context, *stream.Record) error { return nil })
		result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g"}, func(ctx context.Context, p *stream.Partition) error {
			for rec, err := range p.Records(ctx) {
				if err != nil {
					return err
				}
				p.Done(rec)
				if rec.Position == at(5) {
					break
				}
			}
			return rest(ctx, p)
		})
		require.NoError(t, <-result)
		require.Equal(t, at(5000), c.saved[len(c.saved)-1].Position)
	})
}
